"""What simple programs print, for substitutions, pipes and files (layer 1): one function each, pure.

A function gets the words, the text of standard input, and a reader of files. Everything else prints `HOLE`.
"""

import base64
import binascii
import posixpath
import re
from collections.abc import Callable, Sequence

from cipipe.pipelines.model import HOLE, WORKSPACE
from cipipe.shell.escapes import unescape, unescape_echo

Read = Callable[[str], str | None]
Printer = Callable[[Sequence[str], str, Read], str]

_FORMAT = re.compile(r"%(?:%|[-+ #0]*\d*(?:\.\d+)?([sdiqbcxoufeg]))")
_SED = re.compile(r"s([|/#,:@!])((?:\\.|(?!\1)[^\\\n])*+)\1((?:\\.|(?!\1)[^\\\n])*+)\1([g]?)$")
_MOST_TURNS = 1000


def printf(words: Sequence[str]) -> str:
    """The text of `printf FORMAT ARGUMENT…`; the format is used again while arguments are left."""
    if not words:
        return ""
    pattern, arguments = words[0], list(words[1:])
    out = []
    for _ in range(_MOST_TURNS):
        before = len(arguments)

        def one(found: re.Match[str]) -> str:
            if found[0] == "%%":
                return "%"
            value = arguments.pop(0) if arguments else ""
            return unescape_echo(value) if found[1] == "b" else value

        out.append(_FORMAT.sub(one, unescape(pattern)))
        if not arguments or len(arguments) == before:
            break
    else:
        out.append(HOLE)
    return "".join(out)


def echo(words: Sequence[str]) -> str:
    """The text of `echo`, with bash's options."""
    newline, escapes = "\n", False
    rest = list(words)
    while rest and re.fullmatch(r"-[neE]+", rest[0]):
        option = rest.pop(0)
        newline = "" if "n" in option else newline
        escapes = "e" in option or (escapes and "E" not in option)
    text = " ".join(rest)
    return (unescape_echo(text) if escapes else text) + newline


def _cat(words: Sequence[str], stdin: str, read: Read) -> str:
    names = [word for word in words if word == "-" or not word.startswith("-")]
    if not names:
        return stdin
    texts = [stdin if name == "-" else read(name) for name in names]
    return "".join(HOLE if text is None else text for text in texts)


def _base64(words: Sequence[str], stdin: str, read: Read) -> str:
    names = [word for word in words if not word.startswith("-")]
    text = (read(names[0]) if names and not names[0].isdigit() else stdin) or ""
    if HOLE in text or not text:
        return HOLE
    if any(word in ("-d", "-D", "--decode", "-di", "-id") for word in words):
        try:
            return base64.b64decode(re.sub(r"\s", "", text)).decode()
        except (ValueError, binascii.Error):
            return HOLE
    return base64.b64encode(text.encode()).decode() + "\n"


def _openssl(words: Sequence[str], stdin: str, read: Read) -> str:
    return _base64(words[1:], stdin, read) if words[:1] in (["base64"], ["enc"]) and "-d" in words else HOLE


def _set_of(text: str) -> str:
    text = unescape(text)
    for name, letters in (
        ("[:upper:]", "A-Z"),
        ("[:lower:]", "a-z"),
        ("[:digit:]", "0-9"),
        ("[:space:]", " \t\n"),
    ):
        text = text.replace(name, letters)
    return re.sub(
        r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), min(ord(m[2]), ord(m[1]) + 128) + 1))), text
    )


def _tr(words: Sequence[str], stdin: str, _read: Read) -> str:
    options = [word for word in words if word.startswith("-") and len(word) > 1]
    sets = [_set_of(word) for word in words if word not in options]
    if HOLE in stdin or not sets or any(o not in ("-d", "-s") for o in options) or HOLE in "".join(sets):
        return HOLE
    if "-d" in options:
        return "".join(c for c in stdin if c not in sets[0])
    if len(sets) < 2 or not sets[1]:
        return stdin
    target = sets[1].ljust(len(sets[0]), sets[1][-1])
    return stdin.translate({ord(a): b for a, b in zip(sets[0], target, strict=False)})


def _sed(words: Sequence[str], stdin: str, read: Read) -> str:
    plain = [word for word in words if not word.startswith("-")]
    if not plain or any(w.startswith("-i") or w == "-n" for w in words):
        return "" if any(w.startswith("-i") for w in words) else HOLE
    text = stdin if len(plain) == 1 else (read(plain[1]) or HOLE)
    found = _SED.match(plain[0])
    if found is None or re.search(r"[.*\[\]^$\\+?(){}|]", found[2]):
        return HOLE
    new = re.sub(r"\\(.)", r"\1", found[3])
    return "\n".join(line.replace(found[2], new, -1 if found[4] else 1) for line in text.split("\n"))


def _head(words: Sequence[str], stdin: str, read: Read) -> str:
    names = [word for word in words if not word.startswith("-") and not word.isdigit()]
    text = read(names[0]) if names else stdin
    return text if text is not None and text.count("\n") <= 1 else HOLE


def _cut(words: Sequence[str], stdin: str, _read: Read) -> str:
    joined = " ".join(words)
    delimiter = re.search(r"-d\s?(\S|(?=\s))", joined)
    fields = re.search(r"-f\s?(\d+)(-?)(?:\s|$)", joined)
    if delimiter is None or fields is None or HOLE in stdin:
        return HOLE
    at = int(fields[1]) - 1
    separator = delimiter[1] or " "
    lines = [line.split(separator) for line in stdin.split("\n")]
    return "\n".join(separator.join(line[at:] if fields[2] else line[at : at + 1]) for line in lines)


def _basename(words: Sequence[str], _stdin: str, _read: Read) -> str:
    plain = [word for word in words if not word.startswith("-")]
    if not plain:
        return HOLE
    name = plain[0].rstrip("/").rsplit("/", 1)[-1]
    return (name.removesuffix(plain[1]) if len(plain) > 1 else name) + "\n"


def _dirname(words: Sequence[str], _stdin: str, _read: Read) -> str:
    plain = [word for word in words if not word.startswith("-")]
    return (posixpath.dirname(plain[0]) or ".") + "\n" if plain else HOLE


def _which(words: Sequence[str], _stdin: str, _read: Read) -> str:
    plain = [word for word in words if not word.startswith("-")]
    return f"/usr/bin/{plain[0]}\n" if plain and HOLE not in plain[0] and "/" not in plain[0] else HOLE


def _git(words: Sequence[str], _stdin: str, _read: Read) -> str:
    return WORKSPACE + "\n" if "--show-toplevel" in words else HOLE


def _seq(words: Sequence[str], _stdin: str, _read: Read) -> str:
    if not words or len(words) > 2 or not all(word.isdigit() for word in words):
        return HOLE
    first, last = (1, int(words[0])) if len(words) == 1 else (int(words[0]), int(words[1]))
    return "".join(f"{n}\n" for n in range(first, min(last, first + _MOST_TURNS) + 1))


def _xxd(words: Sequence[str], stdin: str, _read: Read) -> str:
    if "-r" not in words or HOLE in stdin:
        return HOLE
    try:
        return bytes.fromhex(stdin.strip()).decode()
    except ValueError:
        return HOLE


def _same(words: Sequence[str], stdin: str, read: Read) -> str:
    names = [word for word in words if not word.startswith("-")]
    return (read(names[0]) or HOLE) if names else stdin


def _envsubst(_words: Sequence[str], stdin: str, _read: Read) -> str:
    return re.sub(r"\$(?:\w+|\{\w+\})", HOLE, stdin)


def _jq(words: Sequence[str], stdin: str, _read: Read) -> str:
    return stdin if [w for w in words if not w.startswith("-")] == ["."] else HOLE


PRINTERS: dict[str, Printer] = {
    "echo": lambda words, _stdin, _read: echo(words),
    "printf": lambda words, _stdin, _read: printf(words),
    "cat": _cat,
    "base64": _base64,
    "openssl": _openssl,
    "tr": _tr,
    "sed": _sed,
    "gsed": _sed,
    "head": _head,
    "tail": _head,
    "cut": _cut,
    "basename": _basename,
    "dirname": _dirname,
    "which": _which,
    "git": _git,
    "seq": _seq,
    "xxd": _xxd,
    "tee": lambda _words, stdin, _read: stdin,
    "rev": lambda _words, stdin, _read: "\n".join(line[::-1] for line in stdin.split("\n")),
    "sort": _same,
    "uniq": _same,
    "envsubst": _envsubst,
    "jq": _jq,
    "true": lambda *_: "",
    "mkdir": lambda *_: "",
    "touch": lambda *_: "",
    "rm": lambda *_: "",
    "sleep": lambda *_: "",
}
