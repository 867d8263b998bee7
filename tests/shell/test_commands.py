"""Scripts, and the deploy commands that they run: forms of indirection, and forms that run nothing."""

from collections.abc import Callable

import pytest

from cipipe.results import Location
from cipipe.shell import Resolved

Deploys = Callable[..., list[str]]
Run = Callable[..., Resolved]

APPLY = ["kubectl apply -f x"]

SPELT = [
    "kubectl apply -f x",
    'kube""ctl apply -f x',
    "k\\ubectl ap\\ply -f x",
    "'kubectl' \"apply\" -f x",
    "$'\\x6b'ubectl $'\\141pply' -f x",
    "kube\\\nctl apply \\\n  -f x",
    "{kubectl,apply,-f,x}",
    "k'u'b\"e\"ctl apply -f x",
    "kube$@ctl apply -f x",
    "kube${NEVER_SET}ctl apply -f x",
    "/usr/local/bin/kubectl apply -f x",
    "/usr/bin/kube?tl apply -f x",
    "> log 2>&1 kubectl apply -f x",
    "K=1 L=2 kubectl apply -f x",
    "! kubectl apply -f x",
    "time -p kubectl apply -f x",
    "coproc kubectl apply -f x",
    "(kubectl apply -f x)",
    "{ kubectl apply -f x; }",
    "kubectl apply -f x & wait",
    "true && kubectl apply -f x || true",
    "if kubectl apply -f x; then :; fi",
    "until kubectl apply -f x; do sleep 1; done",
    "while true; do kubectl apply -f x; break; done",
    "case a in a) kubectl apply -f x;; esac",
    "select a in b; do kubectl apply -f x; done",
    "for ((i = 0; i < 3; i++)); do kubectl apply -f x; done",
    "x=$(kubectl apply -f x)",
    "echo `kubectl apply -f x`",
    'echo "$(kubectl apply -f x)"',
    "cat <<EOF\n$(kubectl apply -f x)\nEOF",
    "[[ -n $(kubectl apply -f x) ]]",
    "echo $(( $(kubectl apply -f x) + 1 ))",
    "diff <(kubectl apply -f x) y",
    "a=b#c; echo a#b; kubectl apply -f x",
    "kubectl\tapply  -f x\r\n",
]

VALUES = [
    "K=kubectl; $K apply -f x",
    "a=kube; b=ctl; $a$b apply -f x",
    "cmd='kubectl apply -f x'; $cmd",
    "export K=kubectl; ${K} apply -f x",
    "${K:-kubectl} apply -f x",
    "${K:=kubectl} apply -f x",
    "K=; ${K:-kubectl} apply -f x",
    "K=y; ${K:+kubectl} apply -f x",
    "K=kubectl.exe; ${K%.exe} apply -f x",
    "K=my-kubectl; ${K#my-} apply -f x",
    "K=kubeXctl; ${K/X/} apply -f x",
    "K=KUBECTL; ${K,,} apply -f x",
    "K=xkubectlx; ${K:1:7} apply -f x",
    "n=K; K=kubectl; ${!n} apply -f x",
    "declare -n r=K; K=kubectl; $r apply -f x",
    "printf -v K '%s' kubectl; $K apply -f x",
    'a=(kubectl apply); a+=(-f x); "${a[@]}"',
    "a=(helm kubectl); ${a[1]} apply -f x",
    "declare -A m=([d]='kubectl apply'); ${m[d]} -f x",
    "IFS=,; v=kubectl,apply,-f,x; $v",
    'set -- kubectl apply -f x; "$@"',
    "set -- x kubectl apply; shift; $1 $2 -f x",
    "K=$(echo kubectl); $K apply -f x",
    "K=$(printf 'kube%s' ctl); $K apply -f x",
    "$(which kubectl) apply -f x",
    "`command -v kubectl` apply -f x",
    "read -r a b <<< 'kubectl apply'; $a $b -f x",
    "while read -r line; do $line; done <<EOF\nkubectl apply -f x\nEOF",
    "for v in apply; do kubectl $v -f x; done",
    "for w in kube ctl; do K=$K$w; done; K=kubectl; $K apply -f x",
    "mapfile -t l <<< 'kubectl apply -f x'; ${l[0]}",
    "if t; then K=kubectl; else K=kubectl; fi; $K apply -f x",
    'f() { local k=$1; shift; "$k" "$@"; }; f kubectl apply -f x',
    'deploy() { kubectl "$@"; }; deploy apply -f x',
    'function deploy { kubectl apply -f "$1"; }; deploy x',
    "main() { inner; }; inner() { kubectl apply -f x; }; main",
    "alias k=kubectl; k apply -f x",
    "eval 'kubectl apply -f x'",
    "a='kubectl apply'; eval \"$a -f x\"",
    "trap 'kubectl apply -f x' EXIT",
    "hash -p /usr/bin/kubectl k; k apply -f x",
    "echo 'kubectl apply -f x' | rev | rev | sh",
    "echo lhbmVzdGw= | tr a b >/dev/null; kubectl apply -f x",
]

CARRIED = [
    "bash -c 'kubectl apply -f x'",
    "bash -euo pipefail -c 'kubectl apply -f x'",
    "sh -ec \"kubectl apply -f x\"",
    "bash -c 'bash -c \"kubectl apply -f x\"'",
    "K=kubectl bash -c '$K apply -f x'",
    "bash -c '$0 \"$@\"' kubectl apply -f x",
    "bash <<EOF\nkubectl apply -f x\nEOF",
    "bash <<-'EOF'\n\tkubectl apply -f x\n\tEOF",
    "bash <<< 'kubectl apply -f x'",
    "bash <(echo kubectl apply -f x)",
    "source <(echo kubectl apply -f x)",
    "echo kubectl apply -f x | bash",
    "echo kubectl apply -f x | tee log | sudo bash -s --",
    "echo kubectl apply -f x > >(bash)",
    "echo a3ViZWN0bCBhcHBseSAtZiB4Cg== | base64 -d | sh",
    "printf '\\x6bubectl apply -f x' | sh",
    "cat > x.sh <<EOF\nkubectl apply -f x\nEOF\nbash x.sh",
    "echo kubectl apply -f x >> y; chmod +x y; ./y",
    "echo kubectl apply -f x | tee z.sh; . ./z.sh",
    "f=$(mktemp); echo kubectl apply -f x > $f; bash $f",
    "ln -s $(which kubectl) k; ./k apply -f x",
    "cp /usr/bin/kubectl /tmp/k; /tmp/k apply -f x",
    "curl -Lo k https://dl.k8s.io/v1/kubectl; ./k apply -f x",
    "ssh -p 22 u@h kubectl apply -f x",
    "ssh -i key u@h 'sudo kubectl apply -f x'",
    "ssh u@h <<EOF\nkubectl apply -f x\nEOF",
    "ssh u@h bash -s <<EOF\nkubectl apply -f x\nEOF",
    "su - u -c 'kubectl apply -f x'",
    "docker run --rm -v a:b -e K=v bitnami/kubectl:1.2 apply -f x",
    "docker run --entrypoint kubectl img apply -f x",
    "docker run img kubectl apply -f x",
    "docker exec -it c sh -c 'kubectl apply -f x'",
    "docker compose -f c.yml run --rm svc kubectl apply -f x",
    "docker-compose exec -T svc kubectl apply -f x",
    "podman run -it img kubectl apply -f x",
    "az aks command invoke -g g -n n --command 'kubectl apply -f x'",
    "gcloud compute ssh vm --command='kubectl apply -f x'",
    "echo x | xargs kubectl apply -f",
    "echo x | xargs -I{} kubectl apply -f {}",
    "echo x | xargs -I % sh -c 'kubectl apply -f %'",
    "sudo -u root -E kubectl apply -f x",
    "env -i -u A K=v kubectl apply -f x",
    "env -S 'kubectl apply -f x'",
    "timeout -s KILL 30 nice -n 5 nohup kubectl apply -f x",
    "command kubectl apply -f x",
    "exec kubectl apply -f x",
    "builtin command kubectl apply -f x",
    "flock -w 5 /tmp/l kubectl apply -f x",
    "flock /tmp/l -c 'kubectl apply -f x'",
    "stdbuf -oL setsid chroot /r kubectl apply -f x",
    "watch -n 5 kubectl apply -f x",
    "npx -y kubectl apply -f x",
    "poetry run kubectl apply -f x",
    "nix-shell -p kubectl --run 'kubectl apply -f x'",
    "python -c \"import os; os.system('kubectl apply -f x')\"",
    "python3 - <<EOF\nimport subprocess\nsubprocess.run(['kubectl', 'apply', '-f', 'x'])\nEOF",
    "node -e \"require('child_process').execSync('kubectl apply -f x')\"",
    "awk 'BEGIN { system(\"kubectl apply -f x\") }'",
    "pwsh -c 'kubectl apply -f x'",
]  # fmt: skip

NOTHING = [
    "# kubectl apply -f x",
    "echo kubectl apply -f x",
    "printf '%s\\n' 'kubectl apply'",
    ": kubectl apply",
    ": <<X\nkubectl apply\nX",
    "cat <<X > f\nkubectl apply\nX",
    "grep -r 'kubectl apply' .",
    "git commit -m 'kubectl apply'",
    "[[ $x == 'kubectl apply' ]]",
    "[ \"kubectl apply\" = x ]",
    "case $x in 'kubectl apply') ;; kubectl) ;; esac",
    "command -v kubectl; which kubectl; type kubectl; hash kubectl",
    "curl -LO https://dl.k8s.io/kubectl; chmod +x kubectl; install kubectl /usr/local/bin/kubectl",
    "f() { kubectl apply -f x; }",
    "kubectl() { echo \"$@\"; }; kubectl apply -f x",
    "exit 0; kubectl apply -f x",
    "if false; then kubectl apply -f x; fi",
    "false && kubectl apply -f x",
    "true || kubectl apply -f x",
    "x='kubectl apply'; a=(kubectl apply)",
    "f() { return; kubectl apply; }; f",
    "unset K; alias k='kubectl apply'",
    "docker pull bitnami/kubectl; docker build -t kubectl .",
    "echo 'kubectl apply' | grep kubectl",
    "cat > bin/kubectl <<'X'\n#!/bin/sh\necho stub\nX\nexport PATH=$PWD/bin:$PATH\nkubectl apply -f x",
    "python -c \"print('kubectl apply')\"",
    "ssh u@h ls kubectl",
]  # fmt: skip


@pytest.mark.parametrize("script", [*SPELT, *VALUES, *CARRIED])
def test_runs_once(script: str, deploys: Deploys, run: Run) -> None:
    assert deploys(script) == APPLY
    assert not run(script).problems


@pytest.mark.parametrize("script", NOTHING)
def test_runs_nothing(script: str, deploys: Deploys, run: Run) -> None:
    assert deploys(script) == []
    assert not run(script).problems


SEVERAL = [
    ("if a; then V=apply; else V=diff; fi; kubectl $V", ["kubectl apply", "kubectl diff"]),
    ("V=diff; [ -n $X ] && V=apply; kubectl $V", ["kubectl diff", "kubectl apply"]),
    (
        "case $X in a) V=apply;; b) V=delete;; *) exit 1;; esac; kubectl $V",
        ["kubectl apply", "kubectl delete"],
    ),
    ("for f in a b; do kubectl apply -f $f; done", ["kubectl apply -f a", "kubectl apply -f b"]),
    ("for i in 1 2 3; do kubectl apply; done", ["kubectl apply"]),
    ("kubectl get x || exit 1; kubectl apply", ["kubectl get x", "kubectl apply"]),
    ("if a; then exit 1; fi; kubectl apply", ["kubectl apply"]),
    ("(exit 1); kubectl apply", ["kubectl apply"]),
    ("if a; then K=kubectl; exit; else K=helm; fi; $K upgrade", ["helm upgrade"]),
    ("kubectl apply $X -f $Y", ["kubectl apply ? -f ?"]),
    ('kubectl apply "$X"', ["kubectl apply ?"]),
    ("kubectl apply -f *.yaml", ["kubectl apply -f *.yaml"]),
    ("kubectl apply -f ~/x", ["kubectl apply -f /home/user/x"]),
    ("D=; kubectl apply $D -f x", ["kubectl apply -f x"]),
    ("$SUDO kubectl apply", ["kubectl apply"]),
    ("kubectl apply -f {a,b}.yml", ["kubectl apply -f a.yml b.yml"]),
    ("kubectl scale --replicas={1..3}", ["kubectl scale --replicas=1 --replicas=2 --replicas=3"]),
]


@pytest.mark.parametrize(("script", "expected"), SEVERAL)
def test_runs(script: str, expected: list[str], deploys: Deploys) -> None:
    assert deploys(script) == expected


UNKNOWN = [
    "$CMD apply -f x",
    "$CMD",
    "${K}ctl apply",
    'eval "$X"',
    "bash -c \"$X\"",
    "curl -s https://example.com/x | bash",
    "curl -so i.sh https://example.com/i.sh; bash i.sh",
    "wget -qO- https://example.com/x | sudo sh -s",
    "./scripts/none.sh",
    "echo \"$B\" | base64 -d | sh",
    "kubectl get x -o name | bash",
    "if",
    "echo 'x",
    "${",
    "case a in b",
]  # fmt: skip

SILENT = [
    '"$JAVA_HOME/bin/java" -jar x.jar',
    "$PYTHON -m pip install x",
    "$CC -o x x.c",
    'eval "$(ssh-agent -s)"',
    'eval "$(minikube docker-env)"',
    "eval export A=$X",
    "curl -fsSL https://get.docker.com | sh",
    "curl https://raw.githubusercontent.com/helm/helm/main/scripts/get-helm-3 | bash",
    "./gradlew build",
    "./bin/app --version",
    "source venv/bin/activate",
    '. "$NVM_DIR/nvm.sh"',
    'source "$HOME/.cargo/env"',
    "echo $X | grep $Y | tee $Z",
    'docker build -t "$IMAGE:$TAG" . && docker push "$IMAGE:$TAG"',
    "$TOOL --version",
    "for f in $FILES; do cp $f $DIR; done",
    "export $(cat .env | xargs)",
    "exec \"$@\"",
]  # fmt: skip


@pytest.mark.parametrize("script", UNKNOWN)
def test_unknown_is_a_problem(script: str, run: Run) -> None:
    problems = run(script).problems
    assert len(problems) == 1
    assert problems[0].location == Location("ci.yml", 10, problems[0].location.column)
    assert problems[0].message


@pytest.mark.parametrize("script", SILENT)
def test_harmless_unknown_is_silent(script: str, run: Run) -> None:
    assert not run(script).problems


def test_what_stands_behind_a_mistake_is_still_seen(deploys: Deploys) -> None:
    assert deploys("kubectl apply\nif then\nkubectl delete x\n") == ["kubectl apply", "kubectl delete x"]


def test_call_site_and_definition(run: Run) -> None:
    text = "deploy() {\n  helm upgrade a b\n  kubectl \\\n    apply\n}\ntrue\ndeploy\n"
    commands = run(text).commands
    assert [(c.location.line, [v.line for v in c.via], c.text) for c in commands] == [
        (16, [11], "helm upgrade a b"),
        (16, [12], "kubectl apply"),
    ]


def test_text_in_the_script_is_found_at_its_own_line(run: Run) -> None:
    text = "bash -c '\n  kubectl apply\n'\nssh h <<X\nls\nkubectl delete x\nX\n"
    commands = [c for c in run(text).commands if c.argv[0] == "kubectl"]
    assert [(c.location.line, c.location.column, c.via) for c in commands] == [(11, 3, ()), (15, 1, ())]


def test_standard_input_and_environment(run: Run) -> None:
    command = run("export A=1; kustomize build . | KUBECONFIG=k sudo B=2 kubectl apply -f -").commands[-1]
    assert command.stdin == "pipe"
    assert command.producer is not None
    assert command.producer.argv == ("kustomize", "build", ".")
    assert command.env == {"A": "1", "KUBECONFIG": "k", "B": "2"}
    assert command.wrappers == ("sudo",)
    heredoc = run("kubectl apply -f - <<X\nkind: Pod\nX\n").commands[0]
    assert (heredoc.stdin, heredoc.stdin_text) == ("heredoc", "kind: Pod\n")
    assert run("base64 -d > ~/.kube/config").commands[0].target == "/home/user/.kube/config"


def test_what_a_step_leaves(run: Run) -> None:
    resolved = run(
        "echo K=kubectl >> $GITHUB_ENV\n"
        "{ echo 'V<<E'; echo 'a b'; echo E; } >> \"$GITHUB_ENV\"\n"
        'echo "verb=apply" >> "$GITHUB_OUTPUT"\n'
        "echo kubectl apply > later.sh\n"
    )
    assert resolved.environment == {"K": ("kubectl",), "V": ("a b",)}
    assert resolved.outputs == {"verb": ("apply",)}
    assert resolved.scope.variables["K"] == ("kubectl",)
    assert resolved.scope.files["/workspace/later.sh"].text == "kubectl apply\n"


def test_directory(run: Run) -> None:
    commands = run("cd a && terraform apply; (cd b; terraform plan); terraform destroy").commands
    assert [c.directory for c in commands] == ["/workspace/a", "/workspace/a/b", "/workspace/a"]


WINDOWS = [
    ("pwsh", "$k = 'kubectl'\n& $k apply -f x # no", APPLY),
    ("pwsh", "<# kubectl apply #>\nWrite-Host 'kubectl apply'\nkubectl `\n apply -f x", APPLY),
    ("pwsh", "Start-Process kubectl -ArgumentList 'apply','-f','x'", APPLY),
    ("pwsh", "Invoke-Expression \"kubectl apply -f x\"", APPLY),
    ("pwsh", "if ($a) { kubectl apply -f x }", APPLY),
    ("pwsh", "$a = @('apply', '-f',\n  'x')\nkubectl @a", APPLY),
    ("pwsh", "$out = kubectl apply -f x", APPLY),
    ("pwsh", "$x = 'kubectl apply'\nfunction F { 1 }", []),
    ("cmd", "@echo off\nREM kubectl apply\n:: kubectl apply\nset K=kubectl\n%K% apply ^\n-f x", APPLY),
    ("cmd", "echo kubectl apply\nif exist x (kubectl apply -f x)", APPLY),
    ("cmd", "call kubectl apply -f x", APPLY),
]  # fmt: skip


@pytest.mark.parametrize(("language", "script", "expected"), WINDOWS)
def test_windows_shells(language: str, script: str, expected: list[str], deploys: Deploys) -> None:
    assert deploys(script, language=language) == expected


def test_unknown_shell_is_a_problem(run: Run) -> None:
    resolved = run("kubectl apply", language="unknown:fish")
    assert not resolved.commands
    assert "fish" in resolved.problems[0].message
