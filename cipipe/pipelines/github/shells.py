"""Which program runs the body of a step: `shell:` names, templates, defaults.

Source: GitHub's workflow syntax, `jobs.<job_id>.steps[*].shell`.
"""

import re
import shlex
from functools import lru_cache

STEP_FILE = "/runner/temp/step"  # stands for `{0}`, the file that the runner writes the body to

_SHELLS = {
    "bash": "bash",
    "zsh": "bash",
    "ksh": "bash",
    "sh": "sh",
    "ash": "sh",
    "dash": "sh",
    "pwsh": "pwsh",
    "powershell": "pwsh",
    "cmd": "cmd",
    "python": "python",
    "python2": "python",
    "python3": "python",
    "node": "node",
    "bun": "node",
    "deno": "node",
}
_INLINE = re.compile(r"-[a-z]*c", re.ASCII)
_WRAPPERS = frozenset({"command", "env", "exec", "nice", "stdbuf", "sudo"})


@lru_cache(maxsize=256)
def shell_of(template: str) -> tuple[str | None, str | None]:
    """The language of a step's body (None: not a script), and the command that the template runs besides."""
    try:
        words = shlex.split(template)
    except ValueError:
        words = template.split()
    programs = [word.replace("\\", "/").rpartition("/")[2].removesuffix(".exe") for word in words]
    index = next((at for at, name in enumerate(programs) if name in _SHELLS), None)
    if index is not None and "{0}" not in " ".join(words[:index]):
        plain = all(name in _WRAPPERS or name.startswith("-") for name in programs[:index])
        inline = any(_INLINE.fullmatch(word) for word in words[index + 1 :])
        return _SHELLS[programs[index]], None if plain and not inline else template.replace("{0}", STEP_FILE)
    if not words or words[0] == "\ue000":
        return "unknown:" + (template or "?"), None
    if all(word.startswith("-") or "{0}" in word for word in words[1:]):
        return f"unknown:{programs[0]}", None
    return None, template.replace("{0}", STEP_FILE)
