"""Programs that run the program that their arguments name (layer 1): one line each.

The grammar of a wrapper: its options, of which some take a value, then so many operands, then the command.
"""

import re
from dataclasses import dataclass, replace

from cipipe.pipelines.model import HOLE
from cipipe.shell.calls import Call, Result
from cipipe.shell.interpreter import Handler, Interpreter

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wrapper:
    """`short` letters and `long` names take a value; `text` options hold a shell script.

    `assigns`: `NAME=VALUE` words may stand before the command. `joins`: the
    command's words are joined and run by a shell. `needs`: only behind one of these words comes a command.
    """

    short: str = ""
    long: frozenset[str] = frozenset()
    operands: int = 0
    assigns: bool = False
    text: frozenset[str] = frozenset()
    joins: bool = False
    needs: str = ""


def _w(  # noqa: PLR0913 - the fields of a line of the table
    short: str = "",
    long: str = "",
    operands: int = 0,
    text: str = "",
    needs: str = "",
    *,
    assigns: bool = False,
    joins: bool = False,
) -> Wrapper:
    return Wrapper(short, frozenset(long.split()), operands, assigns, frozenset(text.split()), joins, needs)


_PLAIN = _w()
_BEHIND_DASHES = _w(needs="--")

WRAPPERS: dict[str, Wrapper] = {
    "sudo": _w(
        "ugpChrtTDR",
        "--user --group --prompt --chdir --host --role --type --close-from --chroot",
        assigns=True,
    ),
    "doas": _w("uC"),
    "env": _w("uC", "--unset --chdir", text="-S --split-string", assigns=True),
    "timeout": _w("sk", "--signal --kill-after", 1),
    "gtimeout": _w("sk", "--signal --kill-after", 1),
    "nice": _w("n", "--adjustment"),
    "ionice": _w("cnp", "--class --classdata"),
    "nohup": _PLAIN,
    "setsid": _PLAIN,
    "stdbuf": _w("ioe"),
    "unbuffer": _PLAIN,
    "time": _w("fo", "--format --output"),
    "chroot": _w("", "--userspec --groups", 1),
    "chrt": _w("", "", 1),
    "taskset": _w("", "", 1),
    "strace": _w("eopsuEPa"),
    "ltrace": _w("eopsu"),
    "catchsegv": _PLAIN,
    "fakeroot": _PLAIN,
    "eatmydata": _PLAIN,
    "torsocks": _PLAIN,
    "proxychains": _w("f"),
    "proxychains4": _w("f"),
    "xvfb-run": _w("snefpw"),
    "dbus-run-session": _PLAIN,
    "gosu": _w(operands=1),
    "su-exec": _w(operands=1),
    "tini": _w("p"),
    "dumb-init": _PLAIN,
    "catatonit": _PLAIN,
    "flock": _w("wE", "--wait --timeout --conflict-exit-code", 1, text="-c --command"),
    "watch": _w("n", "--interval", joins=True),
    "caffeinate": _w("t"),
    "busybox": _PLAIN,
    "toybox": _PLAIN,
    "runuser": _w("ugG", "--user --group", text="-c --command"),
    "script": _w("", text="-c --command"),
    "systemd-run": _w("pEu", "--unit --property --setenv --uid --gid"),
    "annotate-output": _PLAIN,
    "retry": _w("tdmsne", "--times --delay --max --sleep --tries --until --on"),
    "chronic": _PLAIN,
    "wait-for-it": _BEHIND_DASHES,
    "wait-for-it.sh": _BEHIND_DASHES,
    "wait-for": _BEHIND_DASHES,
    "dockerize": _w(
        long="-wait --wait -timeout --timeout -template --template -stdout --stdout -stderr --stderr "
        "-wait-retry-interval --wait-retry-interval -wait-http-header -env -env-section -delims"
    ),
    "cross-env": _w(assigns=True),
    "cross-env-shell": _w(assigns=True, joins=True),
    "env-cmd": _w("fe", "--file --environments"),
    "dotenv": _w("efvc"),
    "dotenv-cli": _w("efvc"),
    "faketime": _w("f", "", 1),
    "vault-env": _PLAIN,
    "lima": _PLAIN,
    "screen": _w("ScehpstT"),
    "expect": _w("df", text="-c"),
    "spawn": _PLAIN,
    "nx-cloud": _BEHIND_DASHES,
    "infisical": _BEHIND_DASHES,
    "npx": _w("p", "--package", text="-c --call"),
    "bunx": _PLAIN,
    "uvx": _w("", "--from --with --python"),
    "pipx": _PLAIN,
    "nodemon": _w("ew", text="--exec -x"),
    "nix-shell": _w("pI", "--packages", text="--run --command"),
    "aws-vault": _BEHIND_DASHES,
    "start-server-and-test": _w(joins=True),
    "parallel": _w("jNnLs", "--jobs --max-args --joblog --retries --delay --timeout", joins=True),
    "nsenter": _w("tSG", "--target --setuid --setgid"),
    "unshare": _PLAIN,
    "sshpass": _w("pfPd"),
    "entr": _PLAIN,
    "gh-retry": _PLAIN,
    "with-contenv": _PLAIN,
    "firejail": _PLAIN,
    "numactl": _PLAIN,
}

# The word behind the program's own options decides: `poetry run kubectl`.
SUBCOMMANDS: dict[tuple[str, str], Wrapper] = {
    ("poetry", "run"): _PLAIN,
    ("pipx", "run"): _w("", "--spec --python --index-url --pip-args --with"),
    ("pipenv", "run"): _PLAIN,
    ("pdm", "run"): _PLAIN,
    ("rye", "run"): _PLAIN,
    ("uv", "run"): _w("p", "--with --python --group --extra --package --env-file"),
    ("hatch", "run"): _PLAIN,
    ("conda", "run"): _w("np", "--name --prefix"),
    ("micromamba", "run"): _w("np"),
    ("mamba", "run"): _w("np"),
    ("bundle", "exec"): _PLAIN,
    ("direnv", "exec"): _w(operands=1),
    ("mise", "exec"): _BEHIND_DASHES,
    ("mise", "x"): _BEHIND_DASHES,
    ("asdf", "exec"): _PLAIN,
    ("pixi", "run"): _w("e", "--environment --manifest-path"),
    ("pixi", "exec"): _w("sc", "--spec --channel"),
    ("vcluster", "connect"): _BEHIND_DASHES,
    ("telepresence", "connect"): _BEHIND_DASHES,
    ("devbox", "run"): _PLAIN,
    ("rtx", "exec"): _BEHIND_DASHES,
    ("npm", "exec"): _w("", "--package", text="-c --call"),
    ("npm", "x"): _PLAIN,
    ("pnpm", "exec"): _PLAIN,
    ("pnpm", "dlx"): _PLAIN,
    ("yarn", "exec"): _PLAIN,
    ("yarn", "dlx"): _PLAIN,
    ("bun", "x"): _PLAIN,
    ("dotenv", "run"): _PLAIN,
    ("dotenvx", "run"): _w("fe", needs="--"),
    ("doppler", "run"): _w("pc", "--project --config", text="--command", needs="--"),
    ("op", "run"): _w("", "--env-file", needs="--"),
    ("chamber", "exec"): _BEHIND_DASHES,
    ("nix", "develop"): _w(needs="-c --command"),
    ("sops", "exec-env"): _w(operands=1, joins=True),
    ("sops", "exec-file"): _w(operands=1, joins=True),
    ("vault-env", "run"): _PLAIN,
    ("envconsul", "run"): _PLAIN,
    ("teleport", "exec"): _PLAIN,
    ("lxc", "exec"): _BEHIND_DASHES,
    ("limactl", "shell"): _w("", "--workdir --shell", 1),
    ("kubie", "exec"): _w("", "", 2),
    ("tmux", "new-session"): _w("cefFnstxy", joins=True),
    ("tmux", "new"): _w("cefFnstxy", joins=True),
    ("nix", "shell"): _w(needs="-c --command"),
    ("multipass", "exec"): _BEHIND_DASHES,
    ("vagrant", "ssh"): _w(text="-c --command"),
    ("infisical", "run"): _w("", "--env --path", text="--command", needs="--"),
    ("aws-vault", "exec"): _BEHIND_DASHES,
    ("nix-shell", "run"): _PLAIN,
    ("tsh", "ssh"): _w("lp", "", 1, joins=True),
    ("git", "bisect"): _w(operands=1),
    ("devcontainer", "exec"): _w("", "--workspace-folder --container-id"),
}


def strip(words: tuple[str, ...], spec: Wrapper, env: dict[str, str]) -> tuple[tuple[str, ...], str | None]:
    """What stands behind the wrapper's own words (without its name): the command, or an option's script."""
    i = 0
    text: str | None = None
    while i < len(words):
        word = words[i]
        if word == "--" and not spec.needs:
            i += 1
            break
        name, equals, value = word.partition("=")
        found = _ASSIGNMENT.fullmatch(word) if spec.assigns else None
        if name in spec.text:
            text = value if equals else (words[i + 1] if i + 1 < len(words) else "")
            i += 1 if equals else 2
        elif word.startswith("--") or name in spec.long:
            i += 2 if name in spec.long and not equals else 1
        elif word.startswith("-") and len(word) > 1:
            i += 2 if _takes_next(word, spec.short) else 1
        elif found is not None:
            env[found[1]] = found[2]
            i += 1
        else:
            break
    if spec.needs:
        i = min((words.index(word) + 1 for word in spec.needs.split() if word in words), default=len(words))
    rest = words[i + spec.operands :]
    if text is None and rest and rest[0] in spec.text:  # `flock FILE -c TEXT`
        return (), rest[1] if len(rest) > 1 else ""
    return rest, text


def _takes_next(word: str, letters: str) -> bool:
    """Whether the value of the last letter of a cluster of short options is the next word."""
    for at, letter in enumerate(word[1:], 1):
        if letter in letters:
            return at == len(word) - 1
    return False


def wrapper(run: Interpreter, call: Call) -> Result:
    """Run what a wrapper wraps."""
    name = call.argv[0].rsplit("/", 1)[-1]
    spec = WRAPPERS.get(name, _PLAIN)
    return unwrap(run, call, name, call.argv[1:], spec)


def concurrently(run: Interpreter, call: Call) -> Result:
    """`concurrently "COMMAND" "COMMAND"`: each word is a script."""
    words = list(call.argv[1:])
    while words:
        word = words.pop(0)
        if (
            word in ("-n", "--names", "-c", "--prefix-colors", "-p", "--prefix", "-m", "--max-processes")
            and words
        ):
            words.pop(0)
        elif word.startswith("npm:"):
            run.invoke(call.inner(("npm", "run", word[4:])))
        elif not word.startswith("-"):
            shell_text(run, call, word, "concurrently")
    return Result.UNKNOWN


def run_scripts(run: Interpreter, call: Call) -> Result:
    """`run-s NAME…`, `run-p NAME…`, `npm-run-all NAME…`: scripts of package.json."""
    for word in call.argv[1:]:
        if not word.startswith("-"):
            run.invoke(call.inner(("npm", "run", word)))
    return Result.UNKNOWN


def nix(run: Interpreter, call: Call) -> Result:
    """`nix run nixpkgs#PROGRAM -- ARGUMENTS`; the rest of it as the table says."""
    words = [word for word in call.argv[1:] if not word.startswith("-")]
    if len(words) < 2 or words[0] != "run" or "#" not in words[1]:
        return subcommand(run, call)
    name = words[1].rpartition("#")[2].rpartition(".")[2]
    behind = call.argv.index("--") + 1 if "--" in call.argv else len(call.argv)
    return run.invoke(replace(call.inner((name, *call.argv[behind:]), "nix"), bare=True))


def subcommand(run: Interpreter, call: Call) -> Result:
    """Run what `poetry run` and its kin wrap."""
    name = call.argv[0].rsplit("/", 1)[-1]
    for i, word in enumerate(call.argv[1:], 1):
        if word.startswith("-"):
            continue
        spec = SUBCOMMANDS.get((name, word))
        if spec is not None:
            return unwrap(run, call, name, call.argv[i + 1 :], spec)
        break
    return run.builtin("", call)


def unwrap(run: Interpreter, call: Call, name: str, words: tuple[str, ...], spec: Wrapper) -> Result:
    """Strip the wrapper's own words and run the rest."""
    env = dict(call.env)
    rest, text = strip(words, spec, env)
    if text is not None:
        return shell_text(run, call, text, name)
    if not rest or rest == (HOLE,):
        return run.builtin("", call)
    inner = replace(call.inner(rest, name), env=env)
    spoken = SUBCOMMANDS.get((name, rest[0])) if name in WRAPPERS and not spec.needs else None
    if spoken is not None:  # `dotenv run -- COMMAND`
        return unwrap(run, replace(call, env=env), name, rest[1:], spoken)
    if spec.joins:
        return (
            shell_text(run, call, " ".join(rest), name)
            if len(rest) > 1 or " " in rest[0]
            else run.invoke(inner)
        )
    return run.invoke(replace(inner, bare=True) if name not in ("time", "busybox") else inner)


def shell_text(run: Interpreter, call: Call, text: str, name: str) -> Result:
    """A shell of its own runs `text`, which stands in the call."""
    return run.shell_text(replace(call, wrappers=(*call.wrappers, name)), text)


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(WRAPPERS, wrapper),
    **dict.fromkeys(("run-s", "run-p", "npm-run-all", "npm-run-all2"), run_scripts),
    "concurrently": concurrently,
    **{name: subcommand for name, _ in SUBCOMMANDS if name not in WRAPPERS and name not in ("git",)},
    "nix": nix,
}
