"""Every program that the resolver knows more of than its words, and every other language of a script."""

from collections.abc import Mapping

from cipipe.shell import builtins, carriers, wrappers
from cipipe.shell.interpreter import Handler, Language

HANDLERS: Mapping[str, Handler] = {**builtins.HANDLERS, **wrappers.HANDLERS, **carriers.HANDLERS}
LANGUAGES: Mapping[str, Language] = {}
