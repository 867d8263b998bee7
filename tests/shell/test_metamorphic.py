"""Ways of writing that never change what runs, and texts that never crash or hang the resolver."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cipipe.pipelines.model import HOLE, script_at
from cipipe.results import Location
from cipipe.shell import Resolved, Scope, Session, resolve
from cipipe.shell.parser import parse
from cipipe.shell.syntax import Simple

WORDS = st.lists(
    st.sampled_from(["kubectl", "apply", "-f", "k8s/app.yaml", "a b", "x=y", "--dry-run=none"]), max_size=4
)


def _run(text: str) -> Resolved:
    return resolve(script_at(text, "bash", Location("ci.yml", 1), block=True), Scope(session=Session()))


@st.composite
def spelt(draw: st.DrawFn, word: str) -> str:
    """The word with quotes, backslashes and continuations that the shell takes away."""
    out = []
    for c in word:
        how = draw(
            st.sampled_from(["plain", "plain", "single", "double", "backslash", "ansi", "empty", "continued"])
        )
        if c == " " and how in ("plain", "empty", "continued"):
            how = "single"
        out.append(
            {
                "plain": c,
                "single": f"'{c}'",
                "double": f'"{c}"',
                "backslash": "\\" + c,
                "ansi": f"$'\\x{ord(c):02x}'",
                "empty": f"''{c}\"\"",
                "continued": f"\\\n{c}",
            }[how]
        )
    return "".join(out)


PREFIXES = [
    "{}",
    "sudo {}",
    "env A=b {}",
    "timeout 30 {}",
    "nice -n 5 nohup {}",
    "command {}",
    "A=b {}",
    "> out {}",
]
AROUND = [
    "{}",
    "( {} )",
    "{{ {}; }}",
    "if true; then {}; fi",
    "true && {}",
    "f() {{ {}; }}; f",
    "x=$( {} )",
    "! {{ {}; }}",
    "for i in 1; do {}; done",
    "case a in *) {};; esac",
    "bash <<'END'\n{}\nEND",
    "cat > s.sh <<'END'\n{}\nEND\nbash s.sh",
]


@settings(max_examples=150, deadline=None)
@given(st.data(), WORDS, st.sampled_from(AROUND), st.sampled_from(AROUND), st.sampled_from(PREFIXES))
def test_spelling_and_wrapping_change_nothing(
    data: st.DataObject, words: list[str], outer: str, inner: str, prefix: str
) -> None:
    expected = ("helm", *words)
    line = " ".join(data.draw(spelt(word)) for word in expected)
    if "END" in inner:
        outer = "{}"
    text = outer.format(inner.format(prefix.format(line)))
    resolved = _run(text)
    assert {c.argv for c in resolved.commands if c.argv[0] == "helm"} == {expected}, text
    assert not resolved.problems


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["kubectl", "helm"]), st.integers(1, 5), st.integers(0, 3))
def test_variables_change_nothing(word: str, at: int, how: int) -> None:
    head, tail = word[:at], word[at:]
    text = [
        f"a={head}; b={tail}; $a$b apply",
        f'a={head}; a+={tail}; "$a" apply',
        f"${{unset:-{word}}} apply",
        f"a=({head} {tail}); ${{a[0]}}${{a[1]}} apply",
    ][how]
    assert [c.argv for c in _run(text).commands] == [(word, "apply")]


_TOKENS = """kubectl apply ; $( ` " ' \\ { } ( ) [[ ]] <<A A if then fi case esac in ;; do done for x while $x
    ${x :- # % / @ [ ] = =( & | > < && || eval bash -c $' function f() f {a,b} ~ * ? ! set -- "$@" shift
    local (( )) xargs sudo cd source exec"""
FRAGMENTS = st.sampled_from([*_TOKENS.split(), HOLE, " ", "\t", "\r", "\n", "\0", "\\\n", "\nA\n"])


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAGMENTS, max_size=25).map(" ".join) | st.lists(FRAGMENTS, max_size=25).map("".join))
def test_any_text_is_resolved(text: str) -> None:
    resolved = _run(text)
    for command in resolved.commands:
        assert command.location.line <= text.count("\n") + 1
        assert len(command.text) <= 160
        assert command.text.isprintable() or "\n" not in command.text


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["bash", "pwsh", "cmd", "python", "node"]))
def test_any_text_of_any_language(text: str, shell: str) -> None:
    resolve(script_at(text, shell, Location("ci.yml", 1), block=True), Scope(session=Session()))


HOSTILE = {
    "subshells": "(" * 100_000,
    "substitutions": '"$(' * 50_000,
    "arithmetic": "$((" * 50_000,
    "parameters": "${a:-" * 50_000,
    "backticks": "`" * 100_001,
    "pairs of backticks": "`a` " * 20_000,
    "ifs": "if a; then " * 20_000,
    "functions": "f() " * 20_000,
    "here-documents": "cat <<A\n" * 20_000,
    "braces": "{a,b}" * 2_000,
    "nested braces": "{a," * 5_000,
    "recursion": "f() { f; f; f; }; f",
    "mutual recursion": "f() { g; g; }; g() { h; h; }; h() { f; f; f; }; f",
    "nested loops": "for a in 1 2 3 4 5 6 7 8 9; do " * 9 + "kubectl x; " + "done; " * 9,
    "doubling": "x=ab\n" + "x=$x$x\n" * 200 + "$x",
    "trims": "x=" + "a" * 40 + "\n" + "echo ${x##*a*a*a*b}\n" * 500,
    "and": "a && " * 50_000 + "a",
    "pipe": "a | " * 50_000 + "a",
    "wrappers": "sudo " * 5_000 + "kubectl",
    "globs": "a[" * 50_000,
    "eval": "eval " * 5_000 + "kubectl",
    "conditions": "if a; then X=1; fi\n" * 20_000,
    "lines": "kubectl apply\n" * 50_000,
    "words": "kubectl " + "a " * 200_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_ends(name: str) -> None:
    resolved = _run(HOSTILE[name])
    assert resolved.scope.session.steps >= 2_000_000 - 10_001
    assert len(resolved.problems) <= 1


def test_ten_megabytes_are_a_problem() -> None:
    script = script_at("", "bash", Location("ci.yml", 1))
    script = type(script)("a\n" * 5_000_000, "bash", script.lines)
    resolved = resolve(script, Scope(session=Session()))
    assert not resolved.commands
    assert "longer than" in resolved.problems[0].message
    assert resolved.scope.session.parsed == 0


# ---- the same scripts in shfmt, which knows the grammar exactly

SCRIPTS = [
    'set -euo pipefail\nexport V="${GITHUB_REF#refs/tags/}"\nif [ -z "$V" ]; then echo no >&2; exit 1; fi\n',
    "cat <<A <<-B | sort > out 2>&1\n1 $(x)\nA\n\t2\n\tB\nafter `a \\`b\\`` c\n",
    "for x in a b; do { c; (d) & }; done; while read -r l; do e; done < f; until g; do h; done\n",
    "case $x in (a|b) c;; *.txt) d;& ?) e ;;& esac\nselect y in 1 2; do f; done\n",
    "f() { a; }; function g { b; } > out\nfunction h() ( c )\ntime -p d | e\n! i && j || k\ncoproc l\n",
    "a=(1 2 [5]=x $(b)); a+=(y); declare -A m=([k]=v); c ${a[@]:1:2} ${!a[@]} ${#a[@]} ${x//[a-z]/$(d)}\n",
    "[[ $x =~ ^(a|b)+$ && ( -f y || $(c) == \"d\" ) ]] && e $((1 + $(f))) $(( (2) ))\n",
    "((i++)); for ((i=0;i<3;i++)); do g; done\n",
    "a <(b) >(c) $'d\\'e' $\"f\" \"g $(h \"i\") `j`\" 'k' l\\ m {n,o} ~ # p\nq#r\n",
    'if a; then b; elif c; then d; else e; fi | f |& g\nx="$(cat <<E\n$(h)\nE\n)"\ni\n',
    "a && {\n  b\n} || (\n  c # d\n)\n\ne \\\n  f\ng; h &\ni\n",
    "echo ${x:-$(a)} \"${y:+\"$(b)\"}\" ${z%%\"}\"} $1 $@ $# ${#} ${1:-c}\n",
    "exec 3>&1 >log 2>&1 <&-; a 2>/dev/null >&2; b &>> c; > d\n",
    "$(a) $(b $(c)) `d` ; x=1 y=2 e; x=3\nlet i=1; local q=$(f)\n",
]  # fmt: skip


def _simple_commands(value: Any) -> int:
    """How many simple commands our tree holds: those with words."""
    if isinstance(value, list | tuple):
        return sum(_simple_commands(item) for item in value)
    if not hasattr(value, "__slots__"):
        return 0
    own = isinstance(value, Simple) and bool(value.words)
    return own + sum(
        _simple_commands(getattr(value, name)) for name in value.__slots__ if name != "alternatives"
    )


def _calls(value: Any) -> int:
    """How many simple commands shfmt's tree holds."""
    if isinstance(value, list):
        return sum(map(_calls, value))
    if not isinstance(value, dict):
        return 0
    kind = value.get("Type")
    own = (kind == "CallExpr" and bool(value.get("Args"))) or kind in ("DeclClause", "LetClause")
    return own + sum(map(_calls, value.values()))


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_grammar_is_that_of_shfmt(script: str, tool: Callable[[str], str]) -> None:
    out = subprocess.run(
        [tool("shfmt"), "--to-json", "-ln", "bash"],
        input=script,
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    tree = parse(script)
    assert not tree.mistakes
    assert _simple_commands(tree.body.commands) == _calls(json.loads(out.stdout))


WORD = st.sampled_from(
    [
        "a",
        "kubectl",
        "'b c'",
        '"$x"',
        "$(d -e)",
        "`f`",
        "${g:-h}",
        "${i//j/k}",
        "$((1+2))",
        "l\\ m",
        "$'n\\to'",
        "p=q",
        "{r,s}",
        "<(t)",
        "~/u",
        "*.v",
        "w#x",
        '"$(y "z")"',
        "${a[@]}",
        '"a\\"b"',
        "--c=d",
        "if",
        "done",
        "[",
        "!",
        "time",
    ]
)
REDIRECTION = st.sampled_from(
    ["", "", "", " > a", " 2>&1", " < b", " >> c", " <<< d", " &> e", " 2>/dev/null"]
)


@st.composite
def simple(draw: st.DrawFn) -> str:
    """A simple command, that begins with no reserved word."""
    words = draw(st.lists(WORD, min_size=0, max_size=4))
    return " ".join([draw(st.sampled_from(["a", "x=1 b", "sudo c", "$d", '"e"'])), *words]) + draw(
        REDIRECTION
    )


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Every compound command around others."""
    frames = [
        "if {}; then {}; else {}; fi",
        "while {}; do {}; done",
        "for i in 1 2; do {}; done",
        "{{ {}; }}",
        "( {} )",
        "case $x in a|b) {} ;; *) {} ;; esac",
        "{} && {}",
        "{} || {}",
        "{} | {}",
        "! {}",
        "{}; {}",
        "{} &\n{}",
        "f() {{ {}\n}}",
        "cat <<E\n$({})\nE\n{}",
        "x=$({})",
        "until {}\ndo {}\ndone",
        "[[ -n $a ]] && {}",
        "((i++)); {}",
    ]
    return st.builds(
        lambda frame, parts: frame.format(*parts), st.sampled_from(frames), st.tuples(inner, inner, inner)
    )


@settings(max_examples=60, deadline=None)
@given(scripts=st.lists(st.recursive(simple(), compound, max_leaves=6), min_size=1, max_size=6))
def test_what_shfmt_parses_we_parse(scripts: list[str], tool: Callable[[str], str]) -> None:
    script = "\n".join(scripts) + "\n"
    out = subprocess.run(
        [tool("shfmt"), "--to-json", "-ln", "bash"],
        input=script,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    tree = parse(script)
    if out.returncode == 0:
        assert not tree.mistakes
        assert _simple_commands(tree.body.commands) == _calls(json.loads(out.stdout))
