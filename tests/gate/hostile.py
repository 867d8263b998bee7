"""Repositories made to hang, crash or blind the gate. Each hides a deploy, which must not be lost in silence.

A case is a folder's files; `links` are symbolic links. `says` is what the gate has to say of it:

- "deny": the deploy is found
- "said": it is found, or something there is unresolved
- "ends": nothing deploys there; it must only end soon
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

WORKFLOW, GITLAB, JENKINS = ".github/workflows/ci.yml", ".gitlab-ci.yml", "Jenkinsfile"
DEPLOY = "kubectl apply -f hidden"
_HEAD = "on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - "

Says = Literal["deny", "said", "ends"]
Files = Mapping[str, str | bytes]


@dataclass(frozen=True)
class Hostile:
    """One repository."""

    files: Files
    says: Says = "said"
    links: Mapping[str, str] = field(default_factory=dict)


CASES: dict[str, Callable[[], Hostile]] = {}


def _case(name: str, make: Callable[[], Files], says: Says = "said", **links: str) -> None:
    CASES[name] = lambda: Hostile(make(), says, {key.replace("__", "/"): to for key, to in links.items()})


def workflow(script: str) -> str:
    """A workflow of one step that runs `script`."""
    return _HEAD + "run: |\n" + "".join(f"          {line}\n" for line in script.split("\n"))


def _shell(name: str, script: Callable[[], str], says: Says = "said", **files: str) -> None:
    """A script in a workflow."""
    more = {path.replace("__", "/").replace("_", "."): text for path, text in files.items()}
    _case(name, lambda: {WORKFLOW: workflow(script()), **more}, says)


def _jenkins(name: str, text: Callable[[], str], says: Says = "said") -> None:
    _case(name, lambda: {JENKINS: text()}, says)


def _gitlab(name: str, text: Callable[[], str], says: Says = "said") -> None:
    _case(name, lambda: {GITLAB: text()}, says)


def _lines(text: str, number: int, *more: str) -> str:
    """`number` lines of `text` with `{i}` in it, then `more`."""
    return "\n".join(
        [*(text.replace("{i}", str(i)).replace("{j}", str(i + 1)) for i in range(number)), *more]
    )


# Size

_case(
    "a script of 10 MB",
    lambda: {WORKFLOW: workflow("bash big.sh"), "big.sh": "echo a\n" * 1_500_000 + DEPLOY},
)
_case("a workflow of 10 MB", lambda: {WORKFLOW: workflow("echo a\n" * 500_000 + DEPLOY)})
_shell("a line of 1 MB", lambda: "echo " + "a" * 900_000 + f"\n{DEPLOY}", "deny")
_shell("a word of 1 MB that a program gets", lambda: "kubectl " + "a1-" * 300_000 + f" apply\n{DEPLOY}")
_shell("a program with a name of 1 MB", lambda: "1" * 900_000 + f"! apply\n{DEPLOY}")
_shell("50,000 lines", lambda: _lines("echo {i}", 50_000, DEPLOY))
_shell("9,000 assignments", lambda: _lines("v{i}=$v{j}x", 9_000, DEPLOY), "deny")
_shell("60,000 words", lambda: "echo " + "$a 'b' " * 30_000 + f"\n{DEPLOY}", "deny")
_shell("blanks", lambda: "echo" + " " * 900_000 + f"a\n{DEPLOY}", "deny")
_shell("semicolons", lambda: "a;" * 100_000 + DEPLOY)
_shell("pipes", lambda: "a | " * 5_000 + "b\n" + DEPLOY)
_shell("and, and, and", lambda: "a && " * 5_000 + DEPLOY)
_shell("or, or, or", lambda: "a || " * 5_000 + DEPLOY)
_shell("comments", lambda: "# a\n" * 60_000 + DEPLOY, "deny")
_shell("continued lines", lambda: "echo \\\n" * 40_000 + f"a\n{DEPLOY}", "deny")
_case(
    "100,000 steps",
    lambda: {WORKFLOW: _HEAD + "run: a\n" + "      - run: a\n" * 50_000 + f"      - run: {DEPLOY}\n"},
)
_case(
    "20,000 jobs",
    lambda: {
        WORKFLOW: "jobs:\n"
        + _lines("  j{i}: {steps: [run: a]}", 20_000)
        + f"\n  z: {{steps: [run: {DEPLOY}]}}\n"
    },
)
_gitlab("20,000 jobs of GitLab", lambda: _lines("j{i}: {script: [a]}", 20_000, f"z: {{script: [{DEPLOY}]}}"))
_gitlab("100,000 lines of a job", lambda: "j:\n  script:\n" + "    - a\n" * 100_000 + f"    - {DEPLOY}\n")
_jenkins("50,000 steps of Jenkins", lambda: "node {\n" + "  sh 'a'\n" * 50_000 + f"  sh '{DEPLOY}'\n}}")
_jenkins("10,000 stages", lambda: "node {\n" + "stage('a') { sh 'a' }\n" * 10_000 + f"  sh '{DEPLOY}'\n}}")
_case(
    "300 workflows of one script",
    lambda: {**{f".github/workflows/{i}.yml": workflow("bash a.sh") for i in range(300)}, "a.sh": DEPLOY},
    "deny",
)

# Nesting

_case("deep flow lists", lambda: {WORKFLOW: "on: push\njobs: " + "[" * 100_000})
_gitlab("deep block lists", lambda: "- " * 100_000 + DEPLOY)
_gitlab("deep maps", lambda: "".join(" " * i + "a:\n" for i in range(1200)))
_gitlab("deep lists of scripts", lambda: "j:\n  script: " + "[" * 150 + DEPLOY + "]" * 150, "deny")
_shell("deep subshells", lambda: "(" * 20_000 + DEPLOY + ")" * 20_000)
_shell("deep substitutions", lambda: "echo " + "$(" * 5_000 + DEPLOY + ")" * 5_000)
_shell("deep backticks", lambda: '"`' * 5_000 + DEPLOY)
_shell("deep braces", lambda: "{ " * 5_000 + DEPLOY + "; }" * 5_000)
_shell("deep conditions", lambda: "if a; then " * 3_000 + DEPLOY + "; fi" * 3_000)
_shell("deep arithmetic", lambda: "echo $((" + "(" * 10_000 + "1" + ")" * 10_000 + f"))\n{DEPLOY}")
_shell("deep defaults", lambda: "${a:-" * 5_000 + "kubectl" + "}" * 5_000 + f" apply\n{DEPLOY}")
_shell("deep functions", lambda: _lines("f{i}() {", 3_000, DEPLOY, *["}"] * 3_000, "f0"))
_shell("deep negations", lambda: "! " * 20_000 + DEPLOY)
_shell("deep times", lambda: "time " * 20_000 + DEPLOY)
_shell("deep wrappers", lambda: "sudo env nice " * 3_000 + DEPLOY)
_shell("deep bash -c", lambda: 'bash -c "' * 2_000 + DEPLOY, "ends")
_shell("deep evals", lambda: "eval " * 20_000 + DEPLOY)
_shell("deep quotes of eval", lambda: "eval '" * 2_000 + DEPLOY)
_shell("deep case", lambda: "case a in a) " * 2_000 + DEPLOY + ";; esac" * 2_000)
_shell("deep arrays", lambda: "a=(" * 5_000 + "\n" + DEPLOY)
_shell("deep braces of words", lambda: "echo " + "{a," * 20_000 + "b" + "}" * 20_000 + f"\n{DEPLOY}")
_shell("deep tests", lambda: "[[ " + "( " * 5_000 + "a" + " )" * 5_000 + f" ]]\n{DEPLOY}")
_jenkins("deep blocks of Groovy", lambda: "node { " + "{ " * 20_000 + f"sh '{DEPLOY}'")
_jenkins(
    "deep parentheses of Groovy", lambda: "node { sh " + "(" * 20_000 + f"'{DEPLOY}'" + ")" * 20_000 + " }"
)
_jenkins("deep strings of Groovy", lambda: 'node { sh "' + '${"' * 3_000 + DEPLOY + '"}' * 3_000 + '" }')
_jenkins("deep lists of Groovy", lambda: "node { x = " + "[" * 20_000 + "]" * 20_000 + f"; sh '{DEPLOY}' }}")
_jenkins(
    "deep closures of Groovy", lambda: "node { " + "x { " * 1_000 + f"sh '{DEPLOY}'" + " }" * 1_000 + " }"
)
_jenkins("deep conditions of Groovy", lambda: "node { sh " + "a ? b : " * 5_000 + f"'{DEPLOY}' }}")
_jenkins("deep negations of Groovy", lambda: "node { sh(" + "!" * 20_000 + f"a); sh '{DEPLOY}' }}")
_jenkins("deep casts of Groovy", lambda: "node { sh " + "(String) " * 5_000 + f"'{DEPLOY}' }}")
_jenkins("deep if of Groovy", lambda: "node { " + "if (a) " * 5_000 + f"sh '{DEPLOY}' }}")
_jenkins("deep generics of Groovy", lambda: "node { Map<" + "List<" * 5_000 + f" x; sh '{DEPLOY}' }}")
_case("deep JSON", lambda: {WORKFLOW: workflow("npm run a"), "package.json": "[" * 100_000})
_case(
    "deep JSON beside a script",
    lambda: {
        WORKFLOW: workflow("npm run a"),
        "package.json": '{"scripts": {"a": "' + DEPLOY + '"}, "b": ' + "[" * 50_000 + "]" * 50_000 + "}",
    },
)
_case(
    "deep Python",
    lambda: {WORKFLOW: workflow("python a.py"), "a.py": "(" * 50_000 + f"os.system('{DEPLOY}')"},
)
_case(
    "a long sum of Python",
    lambda: {
        WORKFLOW: workflow("python a.py"),
        "a.py": "import os\nx = " + "+".join(['"a"'] * 20_000) + f"\nos.system('{DEPLOY}')\n",
    },
)
_case(
    "a deep expression",
    lambda: {WORKFLOW: workflow("echo ${{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}\n" + DEPLOY)},
    "deny",
)
_case(
    "a deep negation", lambda: {WORKFLOW: workflow("echo ${{ " + "!" * 50_000 + "true }}\n" + DEPLOY)}, "deny"
)
_case(
    "a deep index",
    lambda: {WORKFLOW: workflow("echo ${{ a" + "[a" * 9_000 + "]" * 9_000 + " }}\n" + DEPLOY)},
    "deny",
)
_case(
    "expressions that never end", lambda: {WORKFLOW: workflow("echo " + "${{ a " * 120_000 + f"\n{DEPLOY}")}
)
_case(
    "a program that an expression hides",
    lambda: {WORKFLOW: workflow("${{ " + "(" * 20_000 + "'kubectl'" + ")" * 20_000 + " }} apply")},
)

# What multiplies

_alias = [f"{chr(98 + i)}: &{chr(98 + i)} [{','.join([f'*{chr(97 + i)}'] * 10)}]\n" for i in range(9)]
_case(
    "aliases",
    lambda: {
        WORKFLOW: "a: &a [x,x,x,x]\n" + "".join(_alias) + f"jobs: {{a: {{steps: [*j, run: {DEPLOY}]}}}}\n"
    },
)
_gitlab(
    "merge keys",
    lambda: (
        "a0: &a0 {x: y}\n"
        + "".join(
            f"a{i}: &a{i}\n  <<: [{','.join([f'*a{i - 1}'] * 10)}]\n  k: [*a{i - 1}, *a{i - 1}]\n"
            for i in range(1, 12)
        )
        + f"j:\n  <<: *a11\n  script: [{DEPLOY}]\n"
    ),
)
_gitlab("an alias of itself", lambda: f"a: &a [*a]\nj: {{script: [*a, {DEPLOY}]}}\n")
_shell(
    "a variable that doubles",
    lambda: _lines("a=$a$a", 60, "a=$a", "$a apply -f hidden").replace("a=$a$a", "a=kube", 1),
)
_shell("a value behind doubling", lambda: "a=x\n" + "a=$a$a\n" * 60 + f"echo $a; {DEPLOY}", "deny")
_shell("arrays that double", lambda: "a=(x)\n" + 'a=("${a[@]}" "${a[@]}")\n' * 60 + '"${a[@]}"\n' + DEPLOY)
_shell(
    "arguments that double",
    lambda: "set -- x\n" + 'set -- "$@" "$@"\n' * 60 + 'f() { "$@"; }; f "$@"\n' + DEPLOY,
)
_shell("words that split and double", lambda: "a='x x'\n" + 'a="$a $a"\n' * 60 + "$a\n" + DEPLOY)
_shell("braces that multiply", lambda: "echo " + "{a,b}" * 40 + f"\n{DEPLOY}", "deny")
_shell("braces that multiply a deploy", lambda: "kubectl{,} " + "{apply,x}" * 40)
_shell("a range of braces", lambda: f"echo {{1..99999999}}\n{DEPLOY}", "deny")
_shell("a program among many words of braces", lambda: "{" + "x," * 300 + "kubectl} apply", "ends")
_shell("a program and words of braces", lambda: "{kubectl,apply,-f,hidden,{1..9999}}")
_shell("a verb behind many braces", lambda: "kubectl {-v=1,-v=2}{1..400} apply -f hidden")
_shell("a verb after many words of braces", lambda: "kubectl {" + "-v=1," * 400 + "apply} -f hidden")
_shell("a long range before a program", lambda: "eval {1..9999} kubectl apply -f hidden", "ends")
_shell("a power", lambda: f"echo $((2**2**2**2**2**9))\n{DEPLOY}", "deny")
_shell("eval inside itself", lambda: 'a=\'eval "$a $a"\'\neval "$a"\n' + DEPLOY)
_shell(
    "eval of long texts", lambda: "a='" + "echo x; " * 8_000 + "'\n" + 'eval "$a $a $a $a"\n' * 50 + DEPLOY
)
_shell("here-documents", lambda: _lines("cat <<A{i}", 3_000) + f"\n{DEPLOY}", "ends")
_shell("here-documents in here-documents", lambda: _lines("bash <<A{i}", 300, DEPLOY))
_shell(
    "a here-document that doubles",
    lambda: "a=xxxxxxxx\n" + "a=$(cat <<E\n$a$a$a$a\nE\n)\n" * 60 + "$a\n" + DEPLOY,
)
_shell(
    "a file that doubles",
    lambda: "echo x > f\n" + "cat f f >> f; cat f f > g; cat g g > f\n" * 60 + "bash f\n" + DEPLOY,
)
_shell(
    "aliases of aliases",
    lambda: (
        "shopt -s expand_aliases\n" + _lines("alias a{i}='a{j} a{j}'", 60, "alias a60=kubectl", "a0 apply")
    ),
)
_shell("an alias of itself in turn", lambda: "alias a=b; alias b='a a'\na\n" + DEPLOY)
_shell("a function that calls itself", lambda: f"f() {{ f; f; }}\nf\n{DEPLOY}", "deny")
_shell(
    "a function that deploys in its fifth turn",
    lambda: 'f() { if [ $# = 2 ]; then kubectl "$@"; else shift; f "$@"; fi; }\nf a b c d e f g apply x',
)
_shell(
    "functions that fan out",
    lambda: _lines("f{i}() { f{j}; f{j}; f{j}; }", 40, f"f40() {{ {DEPLOY}; }}", "f0"),
)
_shell(
    "functions that fan out, and then",
    lambda: _lines("f{i}() { f{j}; f{j}; f{j}; }", 40, "f40() { x; }", "f0", DEPLOY),
)
_shell(
    "loops in loops",
    lambda: (
        "for a in {1..50}; do for b in {1..50}; do for c in {1..50}; do for d in {1..50}; do x $a; done; done; done; done\n"
        + DEPLOY
    ),
)
_shell("a loop over many words", lambda: "for a in " + "b " * 50_000 + "apply; do kubectl $a -f hidden; done")
_shell("a loop that never ends", lambda: f"while true; do x; done\n{DEPLOY}", "ends")
_shell(
    "ways that double",
    lambda: _lines('if [ "$X" = {i} ]; then v=$v{i}; else v=$v; fi', 60, "kubectl $v apply -f hidden"),
)
_shell(
    "a verb among many",
    lambda: _lines(
        "case $X in {i}) v=x{i};; a{i}) v=get;; esac",
        60,
        "case $X in y) v=apply;; esac",
        "kubectl $v -f hidden",
    ),
)
_shell(
    "a program among many",
    lambda: _lines(
        "if [ $X = {i} ]; then v=x{i}; fi", 60, "if [ $X = y ]; then v=kubectl; fi", "$v apply -f hidden"
    ),
)
_shell(
    "many alternatives in one command",
    lambda: _lines(
        "[ $X = {i} ] && v{i}=a || v{i}=b",
        20,
        "kubectl " + "".join(f"$v{i} " for i in range(20)) + "; " + DEPLOY,
    ),
)
_shell(
    "functions of many conditions",
    lambda: _lines("if a; then f() { x{i}; }; fi", 60, f"if a; then f() {{ {DEPLOY}; }}; fi", "f"),
)
_shell("folders of many conditions", lambda: _lines("if a; then cd d{i}; fi", 40, "bash ../x.sh", DEPLOY))
_shell("xargs", lambda: "echo " + "a " * 150_000 + "| xargs -n1 kubectl delete", "deny")
_shell("xargs of xargs", lambda: "echo a | " + "xargs " * 20_000 + DEPLOY)
_shell("printf again and again", lambda: "printf '%s\\n' " + "a " * 100_000 + f"| bash\n{DEPLOY}")
_shell("printf of a hundred lines", lambda: "printf '%s\\n' " + "true " * 100 + f"'{DEPLOY}' | bash")
_shell("a printf of long fields", lambda: f"printf '%0999999999d' 1 | bash\n{DEPLOY}")
_shell("seq", lambda: f"for i in $(seq 999999999); do x; done\n{DEPLOY}")
_shell(
    "a pattern of many stars",
    lambda: (
        f"x={'a' * 20_000}\necho ${{x//{'*a' * 60}b/}} ${{x##{'*a' * 60}b}}\ncase $x in {'*a' * 200}b) x;; esac\n{DEPLOY}"
    ),
)
_shell(
    "a pattern of few stars",
    lambda: f"x={'a' * 4_000}\necho ${{x%%*a*a*a*b}} ${{x##*a*a*a*b}} ${{x/%*a*a*a*b/c}}\n" * 5 + DEPLOY,
)
_shell("a program behind a pattern", lambda: "/usr/bin/" + "*k" * 30 + " apply", "ends")
_shell("base64 of much", lambda: "echo " + "A" * 900_000 + f" | base64 -d | sh\n{DEPLOY}")
_shell("base64 in base64", lambda: "echo x" + " | base64 | base64 -d" * 2_000 + f" | sh\n{DEPLOY}")
_shell("tr, and tr again", lambda: "echo " + "a" * 60_000 + " | tr a b" * 500 + f" | sh\n{DEPLOY}")
_shell("sed with a trap", lambda: "echo a | sed 's/" + "\\a" * 60 + f"' | sh\n{DEPLOY}")
_shell(
    "sed with a longer trap",
    lambda: "echo a | sed 's/" + "\\a" * 30_000 + "/" + "\\a" * 30_000 + f"' | sh\n{DEPLOY}",
)
_shell("curl of a long path", lambda: "curl -X POST https://" + "a/" * 200_000 + f" -d x\n{DEPLOY}")
_shell("contexts with a trap", lambda: "kubectl config use-context " + "a/" * 200_000 + f"\n{DEPLOY}")
_shell(
    "3,000 clusters",
    lambda: _lines(
        "kind create cluster --name c{i}\nkubectl --context kind-c{i} apply -f k",
        3_000,
        "kubectl --context prod apply -f k",
    ),
)
_shell(
    "3,000 kubeconfigs",
    lambda: _lines(
        "export KUBECONFIG=c{i}\naws eks update-kubeconfig --name c{i} --kubeconfig c{i}", 3_000, DEPLOY
    ),
)
_shell("GITHUB_ENV that doubles", lambda: 'echo "A=$A$A" >> $GITHUB_ENV\n' * 100 + DEPLOY, "deny")
_shell("traps of traps", lambda: _lines("trap 'trap \"x{i}\" EXIT' EXIT", 2_000, DEPLOY))
_shell("find", lambda: "find . " + "-exec find . " * 2_000 + DEPLOY + " \\;" * 2_000)
_shell("ssh to ssh", lambda: "ssh a " * 5_000 + DEPLOY)
_shell("docker in docker", lambda: "docker run docker " * 5_000 + DEPLOY)
_shell("awk of a text", lambda: "awk '" + 'BEGIN{system("' * 20_000 + f"'\n{DEPLOY}")
_shell("flags of ssh", lambda: "ssh " + "-o a " * 30_000 + "h " + DEPLOY)
_shell(
    "an AWS document",
    lambda: "aws ssm send-command --parameters 'commands=[" + '"\\"' * 100_000 + f"]'\n{DEPLOY}",
)
_jenkins("a sum of Groovy", lambda: 'node { sh "a"' + ' + "b"' * 30_000 + f"\nsh '{DEPLOY}' }}")
_jenkins("a chain of calls of Groovy", lambda: "node { x" + ".a()" * 30_000 + f"\nsh '{DEPLOY}' }}")
_jenkins("a chain of properties of Groovy", lambda: "node { x" + ".a" * 50_000 + f"\nsh '{DEPLOY}' }}")
_jenkins("a chain of indexes of Groovy", lambda: "node { x" + "[0]" * 30_000 + f"\nsh '{DEPLOY}' }}")
_jenkins(
    "Groovy that doubles",
    lambda: 'node {\n def a = "kubectl"\n' + " a = a + a\n" * 100 + f" sh a\n sh '{DEPLOY}'\n}}",
)
_jenkins(
    "Groovy that multiplies",
    lambda: (
        f'node {{\n def a = "x" * 1000000000\n sh a\n sh "kubectl apply ${{"x" * 2000000000}}"\n sh \'{DEPLOY}\'\n}}'
    ),
)
_jenkins(
    "a range of Groovy",
    lambda: (
        f"node {{\n (1..1000000000).each {{ sh 'a' }}\n def r = (1..1000000000).collect {{ it }}\n sh '{DEPLOY}'\n}}"
    ),
)
_jenkins(
    "a loop of Groovy",
    lambda: f"node {{\n for (int i = 0; i < 1000000000; i++) {{ sh 'a' }}\n sh '{DEPLOY}'\n}}",
)
_jenkins(
    "a deploy in a late turn of Groovy",
    lambda: (
        "node {\n def v = ['get', 'apply']\n for (int i = 0; i < 100000; i++) { sh \"kubectl ${v[(int)(i / 99999)]} -f hidden\" }\n}"
    ),
)
_jenkins(
    "a method that calls itself",
    lambda: f"def f(x) {{ f(x + x); f(x) }}\nnode {{ f('kubectl'); sh '{DEPLOY}' }}",
)
_jenkins(
    "a method that deploys in its tenth turn",
    lambda: (
        "def f(n, v) { if (n == 0) { sh \"kubectl ${v} -f hidden\" } else { f(n - 1, v) } }\nnode { f(50, 'apply') }"
    ),
)
_jenkins(
    "methods that fan out",
    lambda: _lines(
        "def f{i}() { f{j}(); f{j}(); f{j}() }", 40, f"def f40() {{ sh '{DEPLOY}' }}", "node { f0() }"
    ),
)
_jenkins(
    "ways of Groovy",
    lambda: 'node {\n def a = ""\n' + ' a = a + (env.X ? "p" : "q")\n' * 60 + f" sh a\n sh '{DEPLOY}'\n}}",
)
_jenkins(
    "a verb among many of Groovy",
    lambda: (
        "node {\n def a = 'get'\n"
        + _lines(
            "if (env.X == '{i}') { a = 'x{i}' }",
            60,
            "if (env.X == 'y') { a = 'apply' }",
            'sh "kubectl ${a} -f hidden"',
            "}",
        )
    ),
)
_jenkins("slashes of Groovy", lambda: "node { sh " + "/a" * 50_000 + f"\nsh '{DEPLOY}' }}")
_jenkins("comments of Groovy", lambda: "/*" * 100_000 + f"*/\nnode {{ sh '{DEPLOY}' }}", "deny")
_jenkins("comments of Groovy that never end", lambda: "node {\n" + "/* \n" * 100_000 + f"\nsh '{DEPLOY}' }}")
_jenkins("blank lines of Groovy", lambda: "\n" * 900_000 + f"node {{ sh '{DEPLOY}' }}", "deny")
_jenkins("dollars of Groovy", lambda: 'node { sh "' + "$a.b" * 100_000 + f"\"\nsh '{DEPLOY}' }}")
_jenkins("a text of Groovy that never ends", lambda: "node { sh '''" + f"{DEPLOY}\n" * 30_000)
_jenkins(
    "a pattern of Groovy",
    lambda: f"node {{ def a = '{'a' * 60}b'.replaceAll('(a+)+$', 'x'); sh a; sh '{DEPLOY}' }}",
    "deny",
)
_jenkins(
    "splits of Groovy",
    lambda: (
        "node { def a = '"
        + "a," * 100_000
        + f"'\n a.split(',').each {{ x -> sh \"echo ${{x}}\" }}\n sh '{DEPLOY}' }}"
    ),
)
_jenkins(
    "closures on lists of Groovy",
    lambda: "node { def a = ['a']\n" + "a = a.collect { it + it } + a\n" * 60 + f"sh '{DEPLOY}' }}",
)
_jenkins(
    "parallel of Groovy",
    lambda: "node { parallel(" + _lines("s{i}: { sh 'a' },", 5_000) + f"z: {{ sh '{DEPLOY}' }}) }}",
)

# Commands without what they need

_shell(
    "programs without arguments",
    lambda: (
        "\n".join(
            f"{name}\n{name} -\n{name} --\n{name} -c\n| {name}\n{name} -f\nsudo {name}\necho | {name}"
            for name in [
                "curl",
                "wget",
                "kubectl",
                "helm",
                "bash",
                "sh",
                "ssh",
                "docker",
                "env",
                "sudo",
                "xargs",
                "find",
                "eval",
                "exec",
                "trap",
                "make",
                "task",
                "just",
                "npm",
                "tox",
                "go",
                "python",
                "node",
                "ruby",
                "perl",
                "awk",
                "git",
                "base64",
                "printf",
                "read",
                "set",
                "export",
                "alias",
                "source",
                "cipipe",
                "az",
                "aws",
                "gcloud",
                "kind",
                "k3d",
                "curl",
                "terraform",
                "ansible",
                "pulumi",
                "timeout",
                "nice",
                "su",
                "compose",
                "pwsh",
                "cmd",
                "http",
                "flock",
                "parallel",
                "argocd",
                "flux",
                "test",
                "[",
                "cd",
                "tee",
                "cp",
                "ln",
                "mv",
                "sed",
                "tr",
                "cut",
            ]
        )
        + f"\n{DEPLOY}"
    ),
)

_case(
    "an Earthfile without targets",
    lambda: {WORKFLOW: workflow(f"earthly +a\n{DEPLOY}"), "Earthfile": "VERSION 0.8\n"},
    "deny",
)
_case(
    "a magefile without functions",
    lambda: {WORKFLOW: workflow(f"mage a\n{DEPLOY}"), "magefile.go": "package main\n"},
    "deny",
)

# Circles and fans of files

_case(
    "scripts in a circle",
    lambda: {WORKFLOW: workflow("bash a.sh"), "a.sh": "bash b.sh", "b.sh": f". ./a.sh\nbash a.sh\n{DEPLOY}"},
    "deny",
)
_case(
    "scripts that fan out",
    lambda: {
        WORKFLOW: workflow("bash s0.sh"),
        **{f"s{i}.sh": f"bash s{i + 1}.sh\n" * 3 for i in range(40)},
        "s40.sh": DEPLOY,
    },
)
_case(
    "a chain of scripts",
    lambda: {
        WORKFLOW: workflow("bash s0.sh"),
        **{f"s{i}.sh": f"bash s{i + 1}.sh\n" for i in range(400)},
        "s400.sh": DEPLOY,
    },
)
_case(
    "npm in a circle",
    lambda: {
        WORKFLOW: workflow("npm run a"),
        "package.json": '{"scripts": {"a": "npm run b && npm run b", "b": "npm run a && ' + DEPLOY + '"}}',
    },
    "deny",
)
_case(
    "a long script of npm",
    lambda: {
        WORKFLOW: workflow("npm run a"),
        "package.json": '{"scripts": {"a": "' + "true && " * 2_000 + DEPLOY + '"}}',
    },
)
_case(
    "scripts of npm again and again",
    lambda: {
        WORKFLOW: workflow("npm run a"),
        "package.json": "{" + '"scripts": {}, ' * 60_000 + '"scripts": {"a": "' + DEPLOY + '"}}',
    },
    "deny",
)
_case(
    "tasks in a circle",
    lambda: {
        WORKFLOW: workflow("task a"),
        "Taskfile.yml": "tasks:\n  a: {deps: [b, b], cmds: [{task: b}]}\n  b: {cmds: [{task: a}, "
        + DEPLOY
        + "]}\n",
    },
    "deny",
)
_case(
    "a task with a trap",
    lambda: {
        WORKFLOW: workflow("task a"),
        "Taskfile.yml": "tasks:\n  a:\n    cmds:\n      - echo '{{" + " " * 20_000 + f"'\n      - {DEPLOY}\n",
    },
    "deny",
)
_case(
    "tasks that fan out",
    lambda: {
        WORKFLOW: workflow("task t0"),
        "Taskfile.yml": "tasks:\n"
        + _lines("  t{i}: {cmds: [{task: t{j}}, {task: t{j}}, {task: t{j}}]}", 40)
        + f"\n  t40: {{cmds: [{DEPLOY}]}}\n",
    },
)
_case(
    "just in a circle",
    lambda: {
        WORKFLOW: workflow("just a"),
        "justfile": f"a: b b\n    just b\nb: a\n    just a\n    {DEPLOY}\n",
    },
    "deny",
)
_case(
    "recipes that fan out",
    lambda: {
        WORKFLOW: workflow("just r0"),
        "justfile": _lines("r{i}: r{j} r{j} r{j}", 40) + f"\nr40:\n    {DEPLOY}\n",
    },
)
_case(
    "a recipe with a trap",
    lambda: {WORKFLOW: workflow("just a"), "justfile": f"a:\n    echo {'{{' * 20_000}\n    {DEPLOY}\n"},
    "deny",
)
_case(
    "a variable of make that is itself",
    lambda: {WORKFLOW: workflow("make a"), "Makefile": f"a = $(strip $(a))\na:\n\techo $(a)\n\t{DEPLOY}\n"},
)
_case(
    "references of make",
    lambda: {
        WORKFLOW: workflow("make a"),
        "Makefile": "v0 = x\n"
        + "".join(f"v{i} = {f'$(v{i - 1}) ' * 30}\n" for i in range(1, 12))
        + f"a:\n\techo $(v11)\n\t{DEPLOY}\n",
    },
)
_case(
    "calls of make",
    lambda: {
        WORKFLOW: workflow("make a"),
        "Makefile": "".join(
            f"f{i} = $(call f{i - 1},$(1)$(1))$(call f{i - 1},$(1)$(1))\n" for i in range(1, 40)
        )
        + f"f0 = $(1)\na:\n\techo $(call f39,xxxxxxxx)\n\t{DEPLOY}\n",
    },
)
_case(
    "parentheses of make",
    lambda: {WORKFLOW: workflow("make a"), "Makefile": f"a:\n\techo {'$(' * 200_000}\n\t{DEPLOY}\n"},
)
_case(
    "functions of make",
    lambda: {WORKFLOW: workflow("make a"), "Makefile": f"a:\n\techo {'$(x (a (b) ' * 20_000}\n\t{DEPLOY}\n"},
)
_case(
    "a chain of targets",
    lambda: {
        WORKFLOW: workflow("make t0"),
        "Makefile": _lines("t{i}: t{j}\n\techo", 5_000) + f"\nt5000:\n\t{DEPLOY}\n",
    },
)
_case(
    "many targets",
    lambda: {
        WORKFLOW: workflow("make a"),
        "Makefile": "a: "
        + " ".join(f"t{i}" for i in range(3_000))
        + "\n"
        + _lines("t{i}:\n\techo", 2_999)
        + f"\nt2999:\n\t{DEPLOY}\n",
    },
)
_case(
    "a rule with a trap",
    lambda: {WORKFLOW: workflow("make a"), "Makefile": "x" + " y" * 50_000 + f"\na:\n\t{DEPLOY}\n"},
    "deny",
)
_case(
    "a rule with blanks",
    lambda: {WORKFLOW: workflow("make a"), "Makefile": "x" + " " * 100_000 + f"y\na:\n\t{DEPLOY}\n"},
    "deny",
)
_case(
    "continued lines of make",
    lambda: {WORKFLOW: workflow("make a"), "Makefile": "x = " + "a \\\n" * 100_000 + f"b\na:\n\t{DEPLOY}\n"},
    "deny",
)
_case(
    "make in a circle",
    lambda: {WORKFLOW: workflow("make a"), "Makefile": f"a:\n\t$(MAKE) b\nb:\n\t$(MAKE) a\n\t{DEPLOY}\n"},
    "deny",
)
_case(
    "makefiles that include themselves",
    lambda: {
        WORKFLOW: workflow("make a"),
        "Makefile": f"include Makefile Makefile Makefile Makefile\na:\n\t{DEPLOY}\n",
    },
)
_case(
    "compose with a fan",
    lambda: {
        WORKFLOW: workflow("docker compose up"),
        "compose.yaml": "services:\n"
        + _lines("  s{i}: {image: x, command: docker compose up}", 300)
        + f"\n  z: {{image: x, command: {DEPLOY}}}\n",
    },
)
_case(
    "tox with a fan",
    lambda: {
        WORKFLOW: workflow("tox -e ALL"),
        "tox.ini": _lines("[testenv:e{i}]\ncommands = tox -e e{j}", 3_000)
        + f"\n[testenv:e3000]\ncommands = {DEPLOY}\n",
    },
)
_case(
    "Node with traps",
    lambda: {
        WORKFLOW: workflow("node a.js"),
        "a.js": "$`" * 100_000 + 'exec("' + '\\"' * 100_000 + f'\n`\nexec("{DEPLOY}")\n',
    },
)
_case(
    "Node with comments",
    lambda: {WORKFLOW: workflow("node a.js"), "a.js": "/* " * 200_000 + f'\nexec("{DEPLOY}")\n'},
)
_case(
    "Node with long calls",
    lambda: {WORKFLOW: workflow("node a.js"), "a.js": "run(a, [" * 100_000 + f'\n);exec("{DEPLOY}")\n'},
)
_case(
    "Node with declarations",
    lambda: {
        WORKFLOW: workflow("node a.js"),
        "a.js": "const a = `" + "\n" * 400_000 + "`;" + "var a =" + " " * 300_000 + f'\n;exec("{DEPLOY}")\n',
    },
)
_case(
    "Python with many calls",
    lambda: {
        WORKFLOW: workflow("python a.py"),
        "a.py": "import os\n" + "x()\n" * 3_000 + f"os.system('{DEPLOY}')\n",
    },
)
_case(
    "Python with names of names",
    lambda: {
        WORKFLOW: workflow("python a.py"),
        "a.py": "import os\n"
        + "".join(f"a{i} = a{i - 1} + a{i - 1}\n" for i in range(1, 60))
        + f"os.system(a59)\nos.system('{DEPLOY}')\n",
    },
)
_case(
    "Python that is a name",
    lambda: {
        WORKFLOW: workflow("python a.py"),
        "a.py": f"import os\na = a + a\nb = [b, b, b]\nos.system(a)\nos.system(b)\nos.system('{DEPLOY}')\n",
    },
)
_case(
    "old Python with traps",
    lambda: {
        WORKFLOW: workflow("python a.py"),
        "a.py": "print 1\n" + "os.system([" * 80_000 + f"\nos.system('{DEPLOY}')\n",
    },
)
_case(
    "a program of Go with traps",
    lambda: {
        WORKFLOW: workflow("go run a.go"),
        "a.go": "exec.Command(a, " * 50_000 + '\nexec.Command("kubectl", "apply", "-f", "hidden")\n',
    },
)
_case(
    "a program of Ruby with traps",
    lambda: {
        WORKFLOW: workflow("ruby a.rb"),
        "a.rb": "system ( " * 90_000 + "%x(" * 90_000 + f"\nsystem('{DEPLOY}')\n",
    },
    "ends",
)
_case(
    "playbooks with traps",
    lambda: {
        WORKFLOW: workflow("ansible-playbook a.yml"),
        "a.yml": "\n" * 400_000 + "- hosts: x\n  tasks:\n    - k8s: {state: present}\n",
    },
)
_case(
    "Terraform with traps",
    lambda: {WORKFLOW: workflow("terraform apply"), "a.tf": "\n" * 900_000 + 'provider "kubernetes" {}\n'},
)
_case(
    "Terraform with blanks",
    lambda: {WORKFLOW: workflow("terraform apply"), "a.tf": " " * 900_000 + '\nprovider "kubernetes" {}\n'},
)

# PowerShell and cmd


def _powershell(name: str, script: Callable[[], str], says: Says = "said") -> None:
    _case(name, lambda: {WORKFLOW: workflow(script()) + "        shell: pwsh\n"}, says)


def _cmd(name: str, script: Callable[[], str], says: Says = "said") -> None:
    _case(name, lambda: {WORKFLOW: workflow(script()) + "        shell: cmd\n"}, says)


_powershell("comments of PowerShell", lambda: f"{DEPLOY}\n" + "<# " * 200_000 + f"\n{DEPLOY}")
_powershell("texts of PowerShell", lambda: f"{DEPLOY}\n" + "@'\n" * 60_000 + f"\n{DEPLOY}")
_powershell("quotes of PowerShell", lambda: "$a = " + '"`"' * 200_000 + f"\n{DEPLOY}")
_powershell("single quotes of PowerShell", lambda: "a 'b' " * 100_000 + "'" + f"\n{DEPLOY}")
_powershell("backticks of PowerShell", lambda: "a `\n" * 60_000 + f"\n{DEPLOY}")
_powershell("substitutions of PowerShell", lambda: 'a "' + "$(" * 100_000 + f'"\n{DEPLOY}', "deny")
_powershell("arrays of PowerShell", lambda: "$a = @(\n" * 50_000 + f"\n{DEPLOY}")
_powershell("iex in iex", lambda: "iex " * 20_000 + DEPLOY)
_powershell("iex of itself", lambda: "$a = 'iex $a'\niex $a\n" + DEPLOY, "deny")
_powershell("many statements of PowerShell", lambda: "a;" * 50_000 + DEPLOY)
_powershell("names of PowerShell", lambda: "a" * 900_000 + f"\n{DEPLOY}")
_cmd("percents of cmd", lambda: "%a" * 200_000 + f"\n{DEPLOY}")
_cmd("a for of cmd", lambda: "for a " * 100_000 + f"\n{DEPLOY}")
_cmd("an if of cmd", lambda: "if not a" + " " * 200_000 + f"== b\n{DEPLOY}")
_cmd("quotes of cmd", lambda: '"a" ' * 100_000 + '"' + f"\n{DEPLOY}")
_cmd("ampersands of cmd", lambda: "a&" * 60_000 + DEPLOY)

# Platforms


def _matrix(values: int, names: str) -> str:
    axes = ", ".join(f"{name}: [{', '.join(f'{name}{i}' for i in range(values))}]" for name in names)
    return (
        f"on: push\njobs:\n  a:\n    runs-on: x\n    strategy: {{matrix: {{{axes}}}}}\n    steps:\n      - "
    )


_case(
    "a matrix",
    lambda: {
        WORKFLOW: _matrix(256, "bcdefgh")
        + "run: kubectl ${{ matrix.b }} ${{ matrix.c }} ${{ matrix.h }} apply\n"
    },
)
_case(
    "a verb in a matrix",
    lambda: {
        WORKFLOW: _matrix(255, "bcd").replace("d254", "apply") + "run: kubectl ${{ matrix.d }} -f hidden\n"
    },
)
_case(
    "includes of a matrix",
    lambda: {
        WORKFLOW: "jobs:\n  a:\n    strategy: {matrix: {include: ["
        + ", ".join(f"{{v: x{i}}}" for i in range(5_000))
        + ", {v: apply}]}}\n    steps: [run: 'kubectl ${{ matrix.v }} -f hidden']\n"
    },
)
_case(
    "a matrix of a matrix of jobs",
    lambda: {
        WORKFLOW: _matrix(16, "bcd")
        + "run: x\n"
        + "".join(f"      - run: x ${{{{ matrix.b }}}}{i}\n" for i in range(500))
        + f"      - run: {DEPLOY}\n"
    },
)
_case(
    "formats",
    lambda: {
        WORKFLOW: _HEAD
        + 'run: "${{ '
        + "format('{0}{0}{0}{0}'," * 30
        + "'kubectl'"
        + ")" * 30
        + f' }} apply"\n      - run: {DEPLOY}\n'
    },
)
_case(
    "joins",
    lambda: {
        WORKFLOW: _HEAD
        + 'run: "${{ '
        + "join(fromJSON('[1,2,3,4]')," * 30
        + "'kubectl'"
        + ")" * 30
        + f' }} apply"\n      - run: {DEPLOY}\n'
    },
)
_case(
    "conditions of expressions",
    lambda: {
        WORKFLOW: _HEAD
        + 'run: "${{ '
        + "a && 'b' || " * 2_000
        + f"'kubectl' }}}} apply\"\n      - run: {DEPLOY}\n"
    },
)
_case(
    "JSON in an expression",
    lambda: {
        WORKFLOW: _HEAD + "run: \"${{ fromJSON('" + "[" * 20_000 + f"') }}}} apply\"\n      - run: {DEPLOY}\n"
    },
)
_case(
    "environments of environments",
    lambda: {
        WORKFLOW: "env:\n"
        + _lines("  A{i}: '${{ env.A{j} }}${{ env.A{j} }}'", 60)
        + "\n  A60: kubectl\n"
        + _HEAD.partition("\n")[2]
        + f"run: ${{{{ env.A0 }}}} apply\n      - run: {DEPLOY}\n"
    },
)
_case(
    "a circle of composite actions",
    lambda: {
        WORKFLOW: _HEAD + "uses: ./a\n",
        "a/action.yml": f"runs: {{using: composite, steps: [{{uses: ./a}}, {{uses: ./a}}, {{run: {DEPLOY}, shell: bash}}]}}\n",
    },
    "deny",
)
_case(
    "a fan of composite actions",
    lambda: {
        WORKFLOW: _HEAD + "uses: ./c0\n",
        **{
            f"c{i}/action.yml": f"runs: {{using: composite, steps: [{', '.join([f'{{uses: ./c{i + 1}}}'] * 5)}]}}\n"
            for i in range(30)
        },
        "c30/action.yml": f"runs: {{using: composite, steps: [{{run: {DEPLOY}, shell: bash}}]}}\n",
    },
)
_case(
    "a chain of reusable workflows",
    lambda: {
        WORKFLOW: "jobs: {a: {uses: ./.github/workflows/r0.yml}}\n",
        **{
            f".github/workflows/r{i}.yml": f"on: workflow_call\njobs: {{a: {{uses: ./.github/workflows/r{i + 1}.yml}}, b: {{uses: ./.github/workflows/r{i + 1}.yml}}}}\n"
            for i in range(30)
        },
        ".github/workflows/r30.yml": f"on: workflow_call\njobs: {{a: {{steps: [run: {DEPLOY}]}}}}\n",
    },
)
_case(
    "a circle of reusable workflows",
    lambda: {
        WORKFLOW: "on: [push, workflow_call]\njobs: {a: {uses: ./.github/workflows/r.yml}}\n",
        ".github/workflows/r.yml": f"on: workflow_call\njobs: {{a: {{uses: {WORKFLOW}}}, c: {{uses: ./{WORKFLOW}}}, b: {{steps: [run: {DEPLOY}]}}}}\n",
    },
)
_case(
    "a circle of workflows that are only called",
    lambda: {
        WORKFLOW: f"on: workflow_call\njobs: {{a: {{uses: ./.github/workflows/r.yml}}, b: {{steps: [run: {DEPLOY}]}}}}\n",
        ".github/workflows/r.yml": f"on: workflow_call\njobs: {{a: {{uses: ./{WORKFLOW}}}}}\n",
    },
    "ends",
)
_gitlab("a circle of extends", lambda: f"a: {{extends: b}}\nb: {{extends: a, script: [{DEPLOY}]}}\n")
_gitlab(
    "a fan of extends",
    lambda: _lines(
        ".a{i}: {extends: [.a{j}, .a{j}]}", 30, f".a30: {{script: [{DEPLOY}]}}", "j: {extends: .a0}"
    ),
)
_gitlab(
    "a circle of references",
    lambda: f"a: {{script: [!reference [b, script], {DEPLOY}]}}\nb: {{script: [!reference [a, script]]}}\n",
)
_gitlab(
    "references that multiply",
    lambda: _lines(
        ".a{i}: {script: [" + ", ".join(["!reference [.a{j}, script]"] * 10) + "]}",
        12,
        f".a12: {{script: [{DEPLOY}]}}",
        "j: {extends: .a0}",
    ),
)
_gitlab(
    "a matrix of GitLab",
    lambda: (
        "j:\n  parallel:\n    matrix:\n      - {"
        + ", ".join(f"V{k}: [{', '.join(f'x{i}' for i in range(250))}, apply]" for k in range(6))
        + "}\n  script: [kubectl $V0 $V1 $V5 -f hidden]\n"
    ),
)
_gitlab(
    "variables that double",
    lambda: (
        "variables:\n"
        + _lines("  V{i}: '$V{j}$V{j}'", 60)
        + f"\n  V60: kubectl\nj: {{script: ['$V0 apply', {DEPLOY}]}}\n"
    ),
)
_gitlab(
    "a variable of itself",
    lambda: f"variables: {{A: '$B$B', B: '$A$A'}}\nj: {{script: ['$A apply', {DEPLOY}]}}\n",
)
_gitlab(
    "inputs with a trap",
    lambda: (
        "spec: {inputs: {x: {default: y}}}\n---\nj:\n  script:\n    - echo '"
        + "$[[inputs.x|" * 70_000
        + f"'\n    - {DEPLOY}\n"
    ),
)
_gitlab(
    "an include of a trap",
    lambda: "include: '" + "**/*a" * 40 + f"b.yml'\nj: {{script: [{DEPLOY}]}}\n",
    "deny",
)
_case(
    "a long name that an include matches",
    lambda: {
        GITLAB: "include: '" + "**a" * 12 + f"b.yml'\nj: {{script: [{DEPLOY}]}}\n",
        "/".join(["a" * 200] * 15): "x",
    },
    "deny",
)
_case(
    "includes in a circle",
    lambda: {
        GITLAB: "include: a.yml\n",
        "a.yml": f"include: [b.yml, {GITLAB}]\n",
        "b.yml": f"include: a.yml\nj: {{script: [{DEPLOY}]}}\n",
    },
    "deny",
)
_case(
    "a fan of includes",
    lambda: {
        GITLAB: "include: a0.yml\n",
        **{f"a{i}.yml": f"include: [a{i + 1}.yml, a{i + 1}.yml]\n" for i in range(40)},
        "a40.yml": f"j: {{script: [{DEPLOY}]}}\n",
    },
)
_case(
    "children of children",
    lambda: {
        GITLAB: "j: {trigger: {include: c0.yml}}\n",
        **{
            f"c{i}.yml": f"j: {{trigger: {{include: c{i + 1}.yml}}}}\nk: {{trigger: {{include: c{i + 1}.yml}}}}\n"
            for i in range(30)
        },
        "c30.yml": f"j: {{script: [{DEPLOY}]}}\n",
    },
)
_case(
    "libraries in a circle",
    lambda: {
        JENKINS: "@Library('x') _\na()\n",
        "vars/a.groovy": "def call() { b() }\n",
        "vars/b.groovy": f"def call() {{ a(); sh '{DEPLOY}' }}\n",
    },
    "deny",
)
_case(
    "libraries that fan out",
    lambda: {
        JENKINS: "@Library('x') _\na0()\n",
        **{f"vars/a{i}.groovy": f"def call() {{ a{i + 1}(); a{i + 1}(); a{i + 1}() }}\n" for i in range(40)},
        "vars/a40.groovy": f"def call() {{ sh '{DEPLOY}' }}\n",
    },
)
_case(
    "load in a circle",
    lambda: {
        JENKINS: f"node {{ load 'a.groovy'; sh '{DEPLOY}' }}",
        "a.groovy": "load 'b.groovy'; load 'b.groovy'",
        "b.groovy": "load 'a.groovy'; load 'a.groovy'",
    },
    "deny",
)


def write(case: Hostile, root: Path) -> None:
    """Make the repository at `root`."""
    (root / ".git").mkdir(parents=True)
    for path, content in case.files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    for path, target in case.links.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(target)
