"""What a script calls: scripts, targets and tasks of the repository, with the way that leads there."""

from collections.abc import Callable

import pytest

from cipipe.shell import Resolved

Deploys = Callable[..., list[str]]
Run = Callable[..., Resolved]

FILES = {
    "scripts/deploy.sh": (
        '#!/usr/bin/env bash\nDIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"\n'
        'source "$DIR/lib.sh"\nrelease "$1"\n'
    ),
    "scripts/lib.sh": "release() {\n  kubectl apply -f $1\n}\n",
    "scripts/exported.sh": "$K apply\n",
    "run.py": (
        "import os, subprocess\nK = 'kubectl'\nsubprocess.run([K, 'apply', '-f', 'x'])\n"
        "os.system(f'{K} delete x')\n# os.system('helm install')\n"
    ),
    "api.py": "from kubernetes import client\nclient.AppsV1Api().create_namespaced_deployment('x', {})\n",
    "run.js": (
        "const { execSync, spawn } = require('child_process'); // execSync('helm install')\n"
        "execSync('kubectl apply -f x'); spawn('kubectl', ['delete', 'x'])\n"
    ),
    "run.ps1": "$k = 'kubectl'\n& $k apply -f x\n",
    "Makefile": (
        "K ?= kubectl\nall: build\n\tkubectl get x\ninclude mk/more.mk\nbuild:\n\techo build\n"
        "deploy: build\n\t@$(K) apply -f x\n\tcd sub && $(MAKE) up\nunused:\n\thelm install a b\n"
    ),
    "mk/more.mk": "more:\n\t$(MAKE) deploy\n",
    "sub/Makefile": "up:\n\thelm upgrade a b\n",
    "package.json": (
    '{\n "scripts": {\n  "predeploy": "helm lint",\n  "deploy": "kubectl apply",\n'
        '  "postinstall": "kubectl create x",\n'
    '  "loop": "npm run loop"\n }\n}\n'
    ),
    "Taskfile.yml": (
    "version: '3'\nvars: {K: kubectl}\ntasks:\n  deploy:\n    deps: [pre]\n    cmds:\n"
    "      - '{{.K}} apply -f x'\n      - task: post\n  pre: kubectl get x\n  post:\n    - helm test a\n"
    ),
    "justfile": "k := 'kubectl'\ndeploy env='x' : pre\n    {{k}} apply -f {{env}}\npre:\n    kubectl get x\n",
    "tox.ini": "[testenv]\ncommands = a\n[testenv:deploy]\ncommands =\n    kubectl apply -f {posargs:x}\n",
    "compose.yaml": "services:\n  k:\n    image: bitnami/kubectl\n    command: [apply, -f, x]\n",
    "cycle-a.sh": "bash cycle-b.sh\nkubectl apply\n",
    "cycle-b.sh": "bash cycle-a.sh\n",
}  # fmt: skip

FOLLOWED = [
    ("./scripts/deploy.sh k8s", ["kubectl apply -f k8s"]),
    ("bash scripts/deploy.sh k8s", ["kubectl apply -f k8s"]),
    ("cd scripts && sh -e ./deploy.sh k8s", ["kubectl apply -f k8s"]),
    ('"$NOWHERE/scripts/deploy.sh" k8s', ["kubectl apply -f k8s"]),
    ('bash "$GITHUB_WORKSPACE/scripts/deploy.sh" k8s', ["kubectl apply -f k8s"]),
    ("cat scripts/lib.sh | bash", []),
    ("source scripts/lib.sh; release y", ["kubectl apply -f y"]),
    ("export K=kubectl; scripts/exported.sh", ["kubectl apply"]),
    ("K=kubectl scripts/exported.sh", ["kubectl apply"]),
    ("export PATH=$PWD/scripts:$PATH; deploy.sh y", ["kubectl apply -f y"]),
    ("ssh h < scripts/lib.sh", []),
    ("find . -exec scripts/deploy.sh k8s \\;", ["kubectl apply -f k8s"]),
    ("python run.py", ["kubectl apply -f x", "kubectl delete x"]),
    ("./run.py", ["kubectl apply -f x", "kubectl delete x"]),
    ("python3 api.py", ["kubernetes-api create_namespaced_deployment"]),
    ("node run.js", ["kubectl apply -f x", "kubectl delete x"]),
    ("pwsh -File run.ps1", ["kubectl apply -f x"]),
    ("make", ["kubectl get x"]),
    ("make -j4 deploy", ["kubectl apply -f x", "helm upgrade a b"]),
    ("make more", ["kubectl apply -f x", "helm upgrade a b"]),
    ("make deploy K=helm", ["helm apply -f x", "helm upgrade a b"]),
    ("make -C sub up", ["helm upgrade a b"]),
    ("cd sub; make", ["helm upgrade a b"]),
    ("npm run deploy", ["helm lint", "kubectl apply"]),
    ("yarn deploy -- --force", ["helm lint", "kubectl apply --force"]),
    ("npm ci", ["kubectl create x"]),
    ("npm run loop", []),
    ("task deploy", ["kubectl get x", "kubectl apply -f x", "helm test a"]),
    ("just deploy prod", ["kubectl get x", "kubectl apply -f prod"]),
    ("tox -e deploy", ["kubectl apply -f x"]),
    ("docker compose up -d", ["kubectl apply -f x"]),
    ("bash cycle-a.sh", ["kubectl apply"]),
]  # fmt: skip


@pytest.mark.parametrize(("script", "expected"), FOLLOWED)
def test_followed(script: str, expected: list[str], deploys: Deploys) -> None:
    assert list(dict.fromkeys(deploys(script, files=FILES))) == expected


def test_the_way_leads_from_the_call_to_the_command(run: Run) -> None:
    command = run("true\n./scripts/deploy.sh k8s\n", files=FILES).commands[-1]
    assert command.location.line == 11
    assert [(v.file, v.line, v.column) for v in command.via] == [
        ("scripts/deploy.sh", 4, 1),
        ("scripts/lib.sh", 2, 3),
    ]
    made = next(c for c in run("make more", files=FILES).commands if c.argv[0] == "helm")
    assert [(v.file, v.line) for v in made.via] == [("mk/more.mk", 2), ("Makefile", 9), ("sub/Makefile", 2)]


def test_a_file_is_parsed_once(run: Run) -> None:
    resolved = run("scripts/deploy.sh a; scripts/deploy.sh b; scripts/deploy.sh c", files=FILES)
    assert [c.argv[-1] for c in resolved.commands if c.argv[0] == "kubectl"] == ["a", "b", "c"]
    assert resolved.scope.session.parsed == 3  # the script, deploy.sh, lib.sh
    assert list(resolved.scope.session.followed) == ["scripts/deploy.sh", "scripts/lib.sh"]


def test_paths_never_leave_the_repository(run: Run) -> None:
    resolved = run("bash ../outside.sh; bash scripts/../../x.sh", files={"x.sh": "kubectl apply\n"})
    assert not [c for c in resolved.commands if c.argv[0] == "kubectl"]
