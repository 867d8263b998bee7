"""`cipipe.yaml`: what is read, what is refused and on which line; the JSON schema agrees with the reader."""

import copy
import datetime as dt
import json
import time
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cipipe.config import Config, Forge, Waiver, load, located, protecting, schema
from cipipe.config.document import parse
from cipipe.config.reader import read
from cipipe.errors import ConfigError, ImageError, UsageError

EXAMPLE = """\
version: 1
images:
  app:
    repository: ghcr.io/acme/app
    context: .
    dockerfile: Dockerfile
test: npm test
environments:
  staging:
    repo: https://github.com/acme/infra.git
    branch: main
    path: manifests/staging
    source_branches: [main]
    delivery: pull-request
  prod:
    repo: https://github.com/acme/infra.git
    branch: prod
    path: manifests/prod
    protected: true
    promotes: staging
forge:
  kind: github
  api_url: https://github.example.com/api/v3
gate:
  ephemeral_clusters: true
  waivers:
    - {rule: direct-deploy, file: .github/workflows/legacy.yml, reason: "moves in Q1", expires: 2027-01-31}
"""
STAGING = """\
version: 1
environments:
  staging:
    branch: main
    path: deploy
    source_branches: [main]
"""
VALIDATOR = jsonschema.Draft202012Validator(schema())


def config(text: str) -> Config:
    return load(text.encode(), "cipipe.yaml")


def environments(**keys: str) -> str:
    """A configuration with one environment for each keyword, which says the keys after `path`."""
    parts = [
        f"  {name}: {{branch: main, path: {name}, source_branches: [main], {more}}}\n"
        for name, more in keys.items()
    ]
    return "version: 1\nenvironments:\n" + "".join(parts)


def refusal(text: str | bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"), "cipipe.yaml")
    assert caught.value.file == "cipipe.yaml"
    return caught.value


def test_example_is_read_as_a_whole() -> None:
    read_config = config(EXAMPLE)
    staging, prod = read_config.environment("staging"), read_config.environment("prod")
    assert (staging.path, staging.source_branches, staging.approvals) == (
        ("manifests/staging",),
        ("main",),
        0,
    )
    assert (prod.protected, prod.promotes, prod.approvals, prod.delivery) == (
        True,
        "staging",
        1,
        "pull-request",
    )
    assert prod.forge == Forge(kind="github", api_url="https://github.example.com/api/v3")
    assert read_config.test == ("npm test",)
    waiver = Waiver(
        rule="direct-deploy",
        file=".github/workflows/legacy.yml",
        reason="moves in Q1",
        expires=dt.date(2027, 1, 31),
    )
    assert read_config.gate.waivers == (waiver,)
    assert (read_config.gate.waivers[0].line, prod.line("promotes"), prod.line()) == (27, 20, 15)
    assert (prod.token_variable, read_config.images["app"].name) == ("CIPIPE_TOKEN_PROD", "app")


def test_every_other_key_is_read() -> None:
    read_config = config(
        STAGING
        + """\
    source_tags: ["v*"]
    pull_request: {labels: [gitops], reviewers: [acme/ops], assignees: [kim], draft: true, auto_merge: true}
    code_owners: true
    required_checks: [{name: ci, app: 15368}, {name: lint, app: my-app}, {name: any}]
    approvals: 2
    forge: {kind: gitea}
gate: {bots: [renovate]}
test: ["make lint", "make test"]
"""
    )
    staging = read_config.environment("staging")
    assert staging.pull_request.reviewers == ("acme/ops",)
    assert (staging.pull_request.draft, staging.pull_request.auto_merge, staging.code_owners) == (
        True,
        True,
        True,
    )
    assert [(check.name, check.app) for check in staging.required_checks] == [
        ("ci", 15368),
        ("lint", "my-app"),
        ("any", None),
    ]
    assert (staging.approvals, staging.source_tags, staging.forge) == (2, ("v*",), Forge(kind="gitea"))
    assert (read_config.gate.bots, read_config.gate.ephemeral_clusters) == (("renovate",), True)
    assert read_config.test == ("make lint", "make test")


def test_anchors_and_merge_keys_are_read_and_own_keys_win() -> None:
    read_config = config(
        "version: 1\nenvironments:\n"
        "  a: &base {branch: main, path: a, source_branches: &from [main], approvals: 1}\n"
        "  b: {<<: *base, path: b, source_branches: *from}\n"
        "  c: {<<: [{path: c, approvals: 3}, *base]}\n"
    )
    assert [(env.name, env.path, env.approvals) for env in read_config.environments.values()] == [
        ("a", ("a",), 1),
        ("b", ("b",), 1),
        ("c", ("c",), 3),
    ]


@pytest.mark.parametrize(
    ("text", "line", "message", "hint"),
    [
        ("", None, "the file is empty", "cipipe init"),
        ("# only a remark\n", None, "the file is empty", "cipipe init"),
        ("[]", 1, "the top level: expected a mapping, found a list", "version"),
        ("version: 1\n---\nversion: 1\n", 2, "a second YAML document", "one document"),
        ("environments: {}\n", 1, "version is missing", "version"),
        ("version: 2\n", 1, "version: expected 1, found the number '2'", ""),
        ("version: '1'\n", 1, "version: expected 1, found the text '1'", ""),
        ("version: 1\nimages:\n", 2, "images: expected a mapping of names, found nothing", ""),
        (
            "version: 1\nenvironmens: {}\n",
            2,
            "the top level has no key 'environmens'",
            "did you mean 'environments'?",
        ),
        (
            STAGING + "    brnach: x\n",
            7,
            "environments.staging has no key 'brnach'",
            "did you mean 'branch'?",
        ),
        (STAGING + "    branch: x\n", 7, "the key 'branch' is there twice, first on line 4", ""),
        (STAGING + "  staging: {}\n", 7, "the key 'staging' is there twice, first on line 3", ""),
        (
            STAGING + "    delivery: pul-request\n",
            7,
            "expected pull-request or push",
            "did you mean 'pull-request'?",
        ),
        (STAGING + "    protected: yes\n", 7, "expected true or false, found the text 'yes'", ""),
        (
            STAGING + "    approvals: one\n",
            7,
            "expected a whole number from 0 to 100, found the text 'one'",
            "",
        ),
        (STAGING + "    approvals: -1\n", 7, "found the number '-1'", ""),
        (STAGING + "    approvals: 1.5\n", 7, "found the number '1.5'", ""),
        (STAGING + "    approvals: 010\n", 7, "found the number '010'", ""),
        (
            STAGING + "    source_tags: v*\n",
            7,
            "source_tags: expected a list, found the text 'v*'",
            "write [v*]",
        ),
        (STAGING + "    source_tags: []\n", 7, "source_tags is an empty list", "leave the key out"),
        (
            STAGING + "    source_tags:\n    - 1.10\n",
            8,
            "expected text, found the number '1.10'",
            'quote it: "1.10"',
        ),
        (STAGING + "    repo: [a]\n", 7, "repo: expected text, found a list", ""),
        (STAGING + "    repo: ''\n", 7, "repo: it is empty", ""),
        (STAGING + '    repo: "a\\nb"\n', 7, "repo: it holds a control character", ""),
        (STAGING + f"    repo: {'a' * 1001}\n", 7, "more than 1000 characters", ""),
        (STAGING + "    forge: {kind: githup}\n", 7, "expected github or gitlab", "did you mean 'github'?"),
        (STAGING + "    forge: {api_url: github.com}\n", 7, "it must be an http(s) URL", ""),
        (STAGING + "    pull_request: {labls: []}\n", 7, "has no key 'labls'", "did you mean 'labels'?"),
        (STAGING + "    required_checks: [{app: 1}]\n", 7, "required_checks[0].name is missing", ""),
        (STAGING + "    ? [a]\n    : b\n", 7, "a key that is a list or a mapping", ""),
        (STAGING + "    repo: !!binary aGk=\n", 7, "the tag tag:yaml.org,2002:binary is not used here", ""),
        (STAGING + "    repo: *nowhere\n", 7, "the alias *nowhere has no anchor before it", ""),
        (STAGING + "    <<: [1]\n", 7, "'<<' takes mappings alone", ""),
        (STAGING.replace("staging", "Staging"), 3, "the name 'Staging': it must be lower-case letters", ""),
        (STAGING.replace("staging", "-x"), 3, "the name '-x'", ""),
        (STAGING + "    path2: 'a\n", 8, "not YAML", ""),
        (STAGING + "\tpath2: a\n", 7, "not YAML", ""),
        (b"version: 1\n# \xff\n", 2, "not UTF-8", "save the file as UTF-8"),
        ("version: 1\n# \x07\n", None, "not YAML", ""),
        (
            "version: 1\nimages: {a: {repository: ghcr.io/acme/app:v1}}\n",
            2,
            "has a tag or digest",
            "ghcr.io/acme/app'",
        ),
        ("version: 1\nimages: {a: {repository: Acme/App}}\n", 2, "images.a.repository", ""),
        ("version: 1\nimages: {'a/b': {repository: app}}\n", 2, "the name 'a/b'", ""),
        (
            "version: 1\ngate:\n  waivers:\n  - {rule: r, file: f, reason: x, expires: 2027-02-30}\n",
            4,
            "expires: expected a day of the calendar",
            "",
        ),
        (
            "version: 1\ngate: {waivers: [{rule: r, file: f, reason: x}]}\n",
            2,
            "waivers[0].expires is missing",
            "YYYY",
        ),
        ("version: 1\ntest: [1]\n", 2, "test[0]: expected text, found the number '1'", 'quote it: "1"'),
    ],
)
def test_structure_is_refused_with_its_line(
    text: str | bytes, line: int | None, message: str, hint: str
) -> None:
    error = refusal(text)
    assert message in error.message
    assert error.line == line
    assert hint in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            "version: 1\nenvironments:\n  a: {branch: b, path: p}\n",
            3,
            "neither 'source_branches' nor 'promotes'",
        ),
        (environments(a="promotes: b"), 3, "promotes: there is no environment 'b'"),
        (environments(a="promotes: a"), 3, "in a circle: a -> a"),
        (environments(a="promotes: b", b="promotes: c", c="promotes: a"), 5, "in a circle: a -> b -> c -> a"),
        (environments(a="protected: true, delivery: push"), 3, "'push' is not allowed here: it is protected"),
        (
            environments(a="protected: true", b="delivery: push"),
            4,
            "'push' is not allowed here: 'a' protects the same branch",
        ),
        (
            environments(
                a="delivery: push, repo: 'git@github.com:Acme/infra.git'",
                b="protected: true, repo: 'https://me@GITHUB.com:443/acme/infra'",
            ),
            3,
            "'b' protects the same branch",
        ),
        (
            environments(a="protected: true", b="pull_request: {auto_merge: true}"),
            4,
            "'auto_merge' is not allowed here: 'a' protects",
        ),
        (environments(a="repo: 'https://me:hush@github.com/acme/infra'"), 3, "the URL holds a password"),
        (environments(a="repo: '--upload-pack=x'"), 3, "cannot start with '-'"),
        (environments(a="source_tags: ['v[']"), 3, "'[' is never closed"),
        (environments(a="source_tags: ['refs/tags/v*']"), 3, "is a full ref"),
        *(
            (STAGING.replace("main\n", f"'{branch}'\n", 1), 4, "is no branch")
            for branch in ["-x", "a..b", "refs/heads/main", "HEAD", "a b", "a.lock", "a~1"]
        ),
        *(
            (STAGING.replace("deploy", f"'{path}'"), 5, message)
            for path, message in [
                ("/etc", "leaves"),
                ("a/../b", "leaves"),
                ("..", "leaves"),
                (".git/hooks", "leaves"),
                ("a/.GIT", "leaves"),
                ("a\\b", "leaves"),
                ("~/a", "leaves"),
                ("apps/{name}", "a brace that is not '{image}'"),
            ]
        ),
    ],
)
def test_rules_are_held(text: str, line: int, message: str) -> None:
    error = refusal(text)
    assert message in error.message
    assert error.line == line
    assert "hush" not in f"{error.message}{error.hint}"


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("a", "a", True),
        ("a", "./a/", True),
        ("a", "a/b", True),
        ("a/b/c", "a", True),
        (".", "a", True),
        ("a", "ab", False),
        ("a/b", "a/c", False),
        ("apps/{image}/staging", "apps/{image}/prod", False),
        ("apps/{image}", "apps/web/prod", True),
        ("apps/{image}", "apps/{image}", True),
        ("{image}/staging", "apps/staging", True),
        ("{image}/staging", "apps/prod", False),
        ("app-{image}", "web-{image}", False),
        ("app-{image}", "app-web", True),
        ("{image}-a", "x-b", False),
        ("app-{image}", "app-", False),
        ("a.yaml", "a.yaml", True),
        ("[a, b]", "[c, b/d]", True),
        ("[a, b]", "[c, d]", False),
    ],
)
@pytest.mark.parametrize("swap", [False, True])
def test_overlapping_paths_on_one_branch(one: str, other: str, overlap: bool, swap: bool) -> None:
    if swap:
        one, other = other, one
    quoted = [path if path.startswith("[") else f"'{path}'" for path in (one, other)]
    text = "version: 1\nenvironments:\n" + "".join(
        f"  {name}: {{branch: BRANCH-{name}, path: {path}, source_branches: [main]}}\n"
        for name, path in zip("ab", quoted, strict=True)
    )
    config(text)
    same = text.replace("BRANCH-a", "main").replace("BRANCH-b", "main")
    if overlap:
        assert "overlaps" in refusal(same).message
    else:
        config(same)


def test_the_repository_left_out_is_seen_once_it_is_known() -> None:
    text = environments(a="protected: true", b="delivery: push, repo: 'https://github.com/acme/infra'")
    apart = config(text)
    assert protecting(apart, apart.environment("b")) is None
    assert (
        located(apart, "git@github.com:acme/other.git").environment("a").repo
        == "git@github.com:acme/other.git"
    )
    with pytest.raises(ConfigError, match="'a' protects the same branch"):
        located(apart, "git@github.com:acme/infra.git")


def test_protection_is_shared_by_the_branch() -> None:
    shared = config(environments(a="protected: true", b=""))
    assert protecting(shared, shared.environment("b")) is shared.environment("a")


def test_a_wrong_environment_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no environment 'stagin'") as caught:
        config(EXAMPLE).environment("stagin")
    assert caught.value.hint == "did you mean 'staging'?"


DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("app=v2", "ghcr.io/acme/app:v2"),
        (f"app=v2@{DIGEST}", f"ghcr.io/acme/app:v2@{DIGEST}"),
        (f"app=@{DIGEST}", f"ghcr.io/acme/app@{DIGEST}"),
        ("ghcr.io/other/app:v2", "ghcr.io/other/app:v2"),
    ],
)
def test_image_refs(text: str, ref: str) -> None:
    assert str(config(EXAMPLE).image_ref(text)) == ref


@pytest.mark.parametrize("text", ["app=", "app=a b", "app=v2:v3", "app=x/y:v1", "app=#", "app=v1\n"])
def test_image_refs_of_no_tag(text: str) -> None:
    with pytest.raises(ImageError):
        config(EXAMPLE).image_ref(text)


def test_image_refs_of_no_image() -> None:
    with pytest.raises(UsageError) as caught:
        config(EXAMPLE).image_ref("apps=v2")
    assert caught.value.hint == "did you mean 'app'?"
    with pytest.raises(UsageError) as caught:
        config(STAGING).image_ref("app=v2")
    assert "full ref" in (caught.value.hint or "")


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "- " * 25_000,
        "? " * 25_000,
        "{a: " * 12_500,
        "version: " + "9" * 50_000,
        "a: &a [" + "*a, " * 10 + "]",
        "x0: &x0 [lol]\n" + "".join(f"x{n}: &x{n} [{f'*x{n - 1}, ' * 9}]\n" for n in range(1, 30)),
        "x0: &x0 {a: b}\n" + "".join(f"x{n}: &x{n} {{<<: [{f'*x{n - 1}, ' * 9}]}}\n" for n in range(1, 30)),
        "version: 1\nimages: &i {" + ", ".join(f"a{n}: b" for n in range(20_000)) + "}\n"
        "gate: [" + "{<<: *i}, " * 20_000 + "]",
        "version: 1\ngate:\n  bots: &b [" + "a, " * 5000 + "]\nenvironments:\n"
        + "".join(f"  e{n}: {{branch: b{n}, path: p, source_branches: *b}}\n" for n in range(10_000)),
        "#" * 1_000_001,
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_bombs_end_in_an_error_within_a_second(text: str) -> None:
    started = time.process_time()
    refusal(text)
    assert time.process_time() - started < 1.5


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.binary(max_size=200), st.text("ab:-[]{}&*!|>'\"%@`#?<, \n\t1", max_size=60).map(str.encode))
)
@example(b"%YAML 1.1\n---\nversion: 1\n")
def test_any_bytes_are_read_or_refused(text: bytes) -> None:
    try:
        load(text, "cipipe.yaml")
    except ConfigError as error:
        refused = error.message
    else:
        return
    assert refused
    assert "\n" not in refused


def test_the_schema_is_one_and_describes_every_key() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())

    def undescribed(node: dict[str, Any], place: str) -> list[str]:
        missing = [] if "description" in node else [place]
        for name, value in node.get("properties", {}).items():
            missing += undescribed(value, f"{place}.{name}")
        return missing

    assert undescribed(schema(), "") == []


def test_the_schema_takes_the_example_from_either_reader() -> None:
    VALIDATOR.validate(yaml.safe_load(EXAMPLE))  # YAML 1.1: `expires` is a date there
    VALIDATOR.validate(json.loads(json.dumps(yaml.safe_load(EXAMPLE), default=str)))


WHOLE: dict[str, Any] = {
    "version": 1,
    "images": {"app": {"repository": "ghcr.io/acme/app", "context": ".", "dockerfile": "D"}},
    "test": ["a", "b\nc"],
    "environments": {
        "staging": {
            "repo": "https://github.com/acme/infra",
            "branch": "main",
            "path": ["a", "b"],
            "source_branches": ["main"],
            "source_tags": ["v*"],
            "delivery": "push",
            "protected": False,
            "approvals": 0,
            "pull_request": {
                "labels": ["a"],
                "reviewers": ["b"],
                "assignees": ["c"],
                "draft": True,
                "auto_merge": False,
            },
            "code_owners": False,
            "required_checks": [{"name": "ci", "app": 1}, {"name": "ci", "app": "x"}],
            "forge": {"kind": "none", "api_url": "http://127.0.0.1:3000/api"},
        },
        "prod": {"branch": "prod", "path": "c", "promotes": "staging"},
    },
    "forge": {"kind": "github"},
    "gate": {
        "ephemeral_clusters": False,
        "bots": ["x"],
        "waivers": [{"rule": "a-b", "file": "f", "reason": "r", "expires": "2027-01-31"}],
    },
}
_ODD: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    2,
    -1,
    101,
    2**60,
    1.5,
    "",
    " ",
    "\t",
    "x",
    "X",
    "-x",
    "a-b",
    "a b",
    "a\n",
]
_ODD += [
    "\x7f",
    "\x85",
    "\u2028",
    "github",
    "push",
    "https://x",
    "https://x\n",
    "2027-01-31",
    "20270131",
    "é",
]
_ODD += ["a" * 101, "a" * 1001, [], ["a"], [1], [[]], [None], {}, {"a": 1}, {"name": "x"}, {"": {}}]
ODD = st.sampled_from(_ODD)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a value stands in a tree of dicts and lists."""
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [place, *(inner for key, child in children for inner in places(child, (*place, key)))]


PLACES = [place for place in places(WHOLE) if place]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_the_schema_and_the_reader_agree(data: st.DataObject) -> None:
    document = copy.deepcopy(WHOLE)
    for _ in range(data.draw(st.integers(0, 2))):
        *parents, last = data.draw(st.sampled_from(PLACES))
        target: Any = document
        try:
            for key in parents:
                target = target[key]
            action = data.draw(st.sampled_from(["replace", "delete", "add", "rename"]))
            value = data.draw(ODD)
            if action == "replace":
                target[last] = copy.deepcopy(value)
            elif action == "delete":
                del target[last]
            elif action == "add" and isinstance(target, dict):
                target[data.draw(st.sampled_from(["x", "branch", "-x", "A", "a\n"]))] = copy.deepcopy(value)
            elif isinstance(target, dict):
                target[str(value)] = target.pop(last)
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    text = json.dumps(document).encode()
    problems = list(VALIDATOR.iter_errors(document))
    try:
        read(parse(text, "f"), Config, "f")
    except ConfigError as error:
        refused = error.message
    else:
        refused = ""
    assert bool(problems) == bool(refused), (refused, problems)
