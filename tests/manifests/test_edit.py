"""(before, after) tables: the text between « and » is what moves, and nothing else does."""

import re
import time

import pytest

from cipipe.errors import ImageError, ManifestError, NothingMatched
from cipipe.image import ImageRef
from cipipe.manifests import Edit, edit, may_hold, needles, needs_digest, running
from tests.manifests.conftest import Editor

OLD = "sha256:" + "a" * 64
NEW = "sha256:" + "b" * 64
V2 = "ghcr.io/acme/app:v2"
POD = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n"
ARGO = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec:\n  source:\n"

# (file, text with «old|new» where it moves, refs)
MOVES = [
    pytest.param("a.yaml", POD + "  - image: ghcr.io/acme/app:«v1|v2»\n", V2, id="container"),
    pytest.param("a.yaml", POD + "  - image: ghcr.io/acme/app:«v1|v2»", V2, id="no-last-newline"),
    pytest.param("a.yaml", POD + "  - image: ghcr.io/acme/app:«v1|v2»\n---\n", V2, id="trailing-separator"),
    pytest.param("a.yaml", POD + "  - image:\t'ghcr.io/acme/app:«v1|v2»'\t# x\n", V2, id="tabs"),
    pytest.param("a.yaml", POD + '  - "image": "ghcr.io/acme/app:«v1|v2»"  \n', V2, id="double-quotes"),
    pytest.param(
        "a.yaml", POD + "  - image:\n      ghcr.io/acme/app:«v1|v2»\n    x: y\n", V2, id="next-line"
    ),
    pytest.param("a.yaml", POD + "  - ? image\n    : ghcr.io/acme/app:«v1|v2»\n", V2, id="explicit-key"),
    pytest.param(
        "a.yaml", POD + "  - image: |-\n      ghcr.io/acme/app:«v1|v2»\n", V2, id="block-of-one-line"
    ),
    pytest.param("a.yaml", POD + "  - {name: é, image: ghcr.io/acme/app:«v1|v2»} # ü\n", V2, id="non-ascii"),
    pytest.param("a.yaml", POD + "  - image: ghcr.io/acme/app:«v1|v2» # a\u0085  # b\n", V2, id="nel"),
    pytest.param("a.yaml", "\ufeff" + POD + "  - image: ghcr.io/acme/app:«v1|v2»\n", V2, id="bom"),
    pytest.param(
        "a.yaml", POD + "  - image: &i !!str ghcr.io/acme/app:«v1|v2»\n  - image: *i\n", V2, id="anchor"
    ),
    pytest.param("a.yaml", POD + "  - image: ghcr.io/acme/app«|:v2»\n", V2, id="no-tag-yet"),
    pytest.param("a.yaml", POD + "  - image: host:5000/app:«v1|v2»\n", "host:5000/app:v2", id="port"),
    pytest.param("a.yaml", POD + '  - image: «12:30|"12:31"»\n', "12:31", id="base-60"),
    pytest.param(
        "a.yaml",
        POD
        + "  - image: nginx:«1|2»\n  - image: docker.io/library/nginx:«1|2»\n  - image: library/nginx:«1|2»\n",
        "nginx:2",
        id="docker-hub",
    ),
    pytest.param(
        "a.yaml",
        POD + f"  - image: ghcr.io/acme/app:«v1@{OLD}|v2@{NEW}»\n",
        f"{V2}@{NEW}",
        id="tag-and-digest",
    ),
    pytest.param(
        "a.yaml",
        ARGO + "    helm:\n      values: |\n        # café 😀\n        image:\n"
        "          repository: ghcr.io/acme/app\n          tag: «v1|v2» # ü\n",
        V2,
        id="values-text-non-ascii",
    ),
    pytest.param(
        "a.yaml",
        ARGO + "    helm:\n      values: |\n        name: '{{cluster}}'\n        image:\n"
        "          repository: ghcr.io/acme/app\n          tag: «v1|v2»\n",
        V2,
        id="values-text-templated",
    ),
    pytest.param(
        "a.yaml",
        "apiVersion: v1\nkind: ConfigMap\ndata:\n  image: ghcr.io/acme/app:v1\n  x: @bad\n---\n"
        "apiVersion: v1\nkind: Pod\nx: @bad\nmetadata:\n  annotations:\n    image: ghcr.io/acme/app:v1\nspec:\n"
        "  containers:\n  - env:\n    - name: x\n      image: ghcr.io/acme/app:v1\n    args:\n"
        "    - image: ghcr.io/acme/app:v1\n    name: app\n    image: ghcr.io/acme/app:«v1|v2»\n",
        V2,
        id="text-in-what-is-no-yaml",
    ),
    pytest.param(
        "a.yaml",
        POD + "  - image: ghcr.io/acme/app-canary:v1\n  - image: x.ghcr.io/acme/app:v1\n"
        "  - image: ghcr.io/acme/app/sub:v1\n  - image: ghcr.io/acme/app:«v1|v2»\n",
        V2,
        id="like-names",
    ),
    pytest.param(
        "a.yaml",
        "apiVersion: v1\nkind: List\nitems:\n- apiVersion: batch/v1\n  kind: CronJob\n  spec: {jobTemplate: {spec: {template: "
        "{spec: {initContainers: [{image: ghcr.io/acme/app:«v1|v2»}]}}}}}\n- apiVersion: v1\n  kind: ConfigMap\n"
        "  data: {image: 'ghcr.io/acme/app:v1'}\n",
        V2,
        id="list",
    ),
    pytest.param(
        "a.yaml",
        POD + "  - image: ghcr.io/acme/app:«v1|v2»\n    env: [{name: image, value: ghcr.io/acme/app:v1}]\n"
        "    args: [--image=ghcr.io/acme/app:v1]\nmetadata: {annotations: {image: 'ghcr.io/acme/app:v1'}}\n"
        "# image: ghcr.io/acme/app:v1\n",
        V2,
        id="text-stays",
    ),
    pytest.param(
        "a.json",
        '{\n\t"apiVersion": "v1", "kind": "Pod",\n\t"spec": {"containers": [{"image": "ghcr.io/acme/app:«v1|v2»"}]},'
        '\n\t"x": "\\ud83d\\ude00"\n}',
        V2,
        id="json",
    ),
    pytest.param(
        "p.yaml",
        "- op: replace\n  path: /spec/x/image\n  value: ghcr.io/acme/app:«v1|v2»\n",
        V2,
        id="json-patch",
    ),
    pytest.param(
        "a.yaml",
        "apiVersion: v1\nkind: Pod\nspec: {volumes: [{image: {reference: ghcr.io/acme/app:«v1|v2»}}]}\n",
        V2,
        id="image-volume",
    ),
    pytest.param(
        "kustomization.yaml",
        "images:\n- name: app\n  newName: ghcr.io/acme/app\n  newTag: «v1|v2»\n"
        "- name: ghcr.io/acme/app\n  newName: other/app\n  newTag: v1\n",
        V2,
        id="kustomize-new-name-first",
    ),
    pytest.param(
        "kustomization.yaml",
        'images:\n- name: ghcr.io/acme/app\n  newName: mirror.example/app\n  newTag: «1.10|"1.20"»\n',
        "ghcr.io/acme/app:1.20",
        id="kustomize-name",
    ),
    pytest.param(
        "c/kustomization.yaml",
        f"kind: Component\nimages:\n- name: ghcr.io/acme/app\n  digest: «{OLD}|{NEW}»\n",
        f"{V2}@{NEW}",
        id="kustomize-digest",
    ),
    pytest.param(
        "k.yaml",
        "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nspec:\n  images:\n"
        f"  - {{name: ghcr.io/acme/app, newTag: '«v1|v2@{NEW}»'}}\n",
        f"{V2}@{NEW}",
        id="flux-kustomization",
    ),
    pytest.param(
        "values.yaml",
        "a: {image: {registry: ghcr.io, repository: acme/app, tag: «v1|v2»}}\n"
        "b: {image: {registry: ghcr.io, repository: acme, name: app, version: «1|v2»}}\n"
        'c: {sidecarImage: "ghcr.io/acme/app:«v1|v2»", imageRepository: ghcr.io/acme/app, imageTag: «v1|v2»}\n'
        "d:\n  image: ghcr.io/acme/app\n  tag:«| v2» # default\n"
        "e: {image: {registry: quay.io, repository: acme/app, tag: v1}}\n"
        "f: {image: {repository: ghcr.io/acme/app, tag: '«|v2»', digest: ''}}\n"
        "toolImage: {registry: ghcr.io, repository: acme/app, tag: «v1|v2»}\n",
        V2,
        id="helm",
    ),
    pytest.param(
        "values.yaml",
        f"image: {{repository: ghcr.io/acme/app, tag: «v1|v2», digest: '«|{NEW}»'}}\n"
        f"b: {{repository: ghcr.io/acme/app, tag: «v1@{OLD}|v2@{NEW}»}}\n"
        f"c: {{repository: ghcr.io/acme/app, tag: «v1|v2», sha: «{'a' * 64}|{'b' * 64}»}}\n",
        f"{V2}@{NEW}",
        id="helm-digests",
    ),
    pytest.param(
        "values.json",
        '{"image": {"repository": "ghcr.io/acme/app", "tag": «12|"v2"»}}\n',
        V2,
        id="helm-json-number",
    ),
    pytest.param(
        "app.yaml",
        ARGO + "    kustomize: {images: [ghcr.io/acme/app:«v1|v2», x=ghcr.io/acme/app:«v1|v2»]}\n    helm:\n"
        "      parameters:\n      - name: image.repository\n        value: ghcr.io/acme/app\n"
        "      - {name: image.tag, value: «v1|v2»}\n      values: |\n        # ghcr.io/acme/app:v1\n        image:\n"
        "          repository: ghcr.io/acme/app\n          tag: «v1|v2»\n\n        b: {image: 'ghcr.io/acme/app:«v1|v2»'}\n",
        V2,
        id="argocd",
    ),
    pytest.param(
        "app.yaml",
        ARGO + "    helm:\n      valuesObject: {image: {repository: ghcr.io/acme/app, tag: «v1|v2»}}\n"
        "      parameters: [{name: image.tag, value: «v1|v2»}]\n      values: |\n        image: ghcr.io/acme/app:v1\n",
        V2,
        id="argocd-values-object-wins",
    ),
    pytest.param(
        "hr.yaml",
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  values:\n    image: {repository: ghcr.io/acme/app, "
        "tag: «v1|v2»}\n",
        V2,
        id="flux-helm-release",
    ),
    pytest.param(
        "t.yaml",
        '{{- if .Values.on }}\napiVersion: v1\nkind: Pod\nmetadata:\n  labels:\n    {{- include "x" . | nindent 4 }}\n'
        "spec:\n  containers:\n  - name: {{ .Chart.Name }}\n    image: ghcr.io/acme/app:«v1|v2»\n"
        '  - image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"\n{{- end }}\n',
        V2,
        id="helm-template",
    ),
    pytest.param(
        "t.yaml",
        "a: b: c\nspec:\n  image: ghcr.io/acme/app:«v1|v2» # x\n  run: |\n    image: ghcr.io/acme/app:v1\n# image: ghcr.io/acme/app:v1\n",
        V2,
        id="no-yaml-but-a-plain-line",
    ),
    pytest.param("t.yaml", 'a: «v1|v2» # cipipe: app:tag\nb: "# cipipe: app:tag"\n', V2, id="marker"),
    pytest.param(
        "t.yaml",
        f"a: «v1|v2» # cipipe: app:tag\nd: {OLD.replace(OLD, f'«{OLD}|{NEW}»')} # cipipe: ghcr.io/acme/app:digest\n",
        f"{V2}@{NEW}",
        id="marker-of-a-digest",
    ),
    pytest.param(
        "v.yaml",
        "a: &a {repository: ghcr.io/acme/app, tag: «v1|v2»}\nb: {<<: *a, tag: «v1|v2»}\nc: {<<: *a}\n",
        V2,
        id="merge-keys",
    ),
]


def _both(text: str) -> tuple[str, str]:
    return re.sub("«(.*?)\\|.*?»", r"\1", text), re.sub("«.*?\\|(.*?)»", r"\1", text)


@pytest.mark.parametrize("crlf", [False, True], ids=["lf", "crlf"])
@pytest.mark.parametrize(("file", "text", "ref"), MOVES)
def test_only_what_is_marked_moves(file: str, text: str, ref: str, edited: Editor, *, crlf: bool) -> None:
    before, after = _both(text.replace("\n", "\r\n") if crlf else text)

    result = edited(file, before, ref)

    assert result.contents[file].decode() == after
    assert all(change.file == file and change.old != change.new for change in result.changes)
    again = edited(file, after, ref)
    assert again.contents == {}
    assert not again.changes
    assert {(held.line, held.path) for held in again.held} >= {(c.line, c.path) for c in result.changes}


def test_latin_1_in_a_comment_is_kept(edited: Editor) -> None:
    before = (POD + "  - image: ghcr.io/acme/app:v1 # ").encode() + b"\xe9\x85\n"

    assert edited("a.yaml", before, V2).contents["a.yaml"] == before.replace(b":v1", b":v2")


REFUSED = [
    ("templated", "a.yaml", POD + "  - image: ghcr.io/acme/app:{{ .Values.tag }}\n", 5, "templated"),
    (
        "templated-registry",
        "a.yaml",
        "{{ if x }}\na: {image: '{{ .r }}/acme/app:v1'}\n{{ end }}\n",
        2,
        "templated",
    ),
    ("variable", "a.yaml", POD + "  - image: ghcr.io/acme/app:${TAG}\n", 5, "templated"),
    ("folded", "a.yaml", "image: >-\n  ghcr.io/acme/app:v1\n  more\n", 2, "folded over lines"),
    ("escaped", "a.yaml", 'image: "ghcr.io/acme/\\x61pp:v1"\n', 1, "escaped"),
    ("escaped-json", "a.json", '{"image": "ghcr.io\\/acme\\/app:v1"}', 1, "escaped"),
    ("continued", "a.yaml", 'image: "ghcr.io/acme/\\\n  app:v1"\n', 1, "folded over lines"),
    ("pinned", "a.yaml", POD + f"  - image: ghcr.io/acme/app:v1@{OLD}\n", 5, "pinned by a digest"),
    (
        "pinned-kustomize",
        "kustomization.yaml",
        f"images:\n- name: ghcr.io/acme/app\n  digest: {OLD}\n",
        3,
        "pinned",
    ),
    ("no-new-tag", "kustomization.yaml", "images:\n- {name: a, newName: ghcr.io/acme/app}\n", 2, "no newTag"),
    (
        "tag-templated",
        "values.yaml",
        "image:\n  repository: ghcr.io/acme/app\n  tag: '{{ x }}'\n",
        3,
        "templated",
    ),
    ("tag-no-tag", "values.yaml", "image:\n  repository: ghcr.io/acme/app\n  tag: a b\n", 3, "holds no tag"),
    (
        "two-tags",
        "values.yaml",
        "image:\n  repository: ghcr.io/acme/app\n  tag: v1\n  tag: v0\n",
        3,
        "two 'tag' keys",
    ),
    ("yaml-tag", "a.yaml", "image: !vault ghcr.io/acme/app:v1\n", 1, "YAML tag"),
    ("no-yaml", "values.yaml", "a: [\nimage:\n  repository: ghcr.io/acme/app\n  tag: v1\n", 3, "no YAML"),
    ("no-yaml-flow", "a.yaml", "a: [\nb: {image: ghcr.io/acme/app:v1}\n", 2, "no YAML"),
    (
        "shared-tag",
        "values.yaml",
        "t: &t v1\na: {repository: ghcr.io/acme/app, tag: *t}\nb: {repository: ghcr.io/acme/b, tag: *t}\n",
        1,
        "line 2, 3",
    ),
    (
        "folded-values",
        "app.yaml",
        ARGO + "    helm:\n      values: >\n        image: ghcr.io/acme/app:v1\n",
        7,
        "no literal block",
    ),
    ("marker-unknown", "a.yaml", "a: v1 # cipipe: app:tags\n", 1, "marker"),
    ("marker-of-two", "a.yaml", "{a: v1, b: v2} # cipipe: app:tag\n", 1, "2 values"),
    ("lfs", "a.yaml", "version https://git-lfs.github.com/spec/v1\n# ghcr.io/acme/app\n", 1, "LFS"),
]


@pytest.mark.parametrize(
    ("file", "text", "line", "message"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_what_cannot_be_edited_safely_is_an_error_with_its_line(
    file: str, text: str, line: int, message: str, edited: Editor
) -> None:
    with pytest.raises(ManifestError, match=message) as refused:
        edited(file, text, V2)
    assert (refused.value.file, refused.value.line) == (file, line)


def test_utf_16_is_refused(edited: Editor) -> None:
    with pytest.raises(ManifestError, match="UTF-16"):
        edited("a.yaml", (POD + "  - image: ghcr.io/acme/app:v1\n").encode("utf-16"), V2)


IGNORED = [
    POD + "  - image: ghcr.io/acme/app-canary:v1\n",
    "apiVersion: v1\nkind: ConfigMap\ndata:\n  image: ghcr.io/acme/app:v1\n  x: |\n    image: ghcr.io/acme/app:v1\n",
    "apiVersion: v1\nkind: Secret\nstringData: {image: 'ghcr.io/acme/app:v1'}\n",
    "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {default: {image: 'ghcr.io/acme/app:v1'}}\n",
    "apiVersion: image.toolkit.fluxcd.io/v1\nkind: ImageRepository\nspec: {image: ghcr.io/acme/app}\n",
    "apiVersion: v1\nkind: Pod\nstatus: {containerStatuses: [{image: 'ghcr.io/acme/app:v1'}]}\n",
    "image: {repository: ghcr.io/acme/app}\n",
    "# image: ghcr.io/acme/app:v1\n",
    "env: {image: 'ghcr.io/acme/app:v1'}\npodAnnotations: {image: 'ghcr.io/acme/app:v1'}\n",
    "$schema: http://json-schema.org/draft-07/schema\nexamples: [{image: 'ghcr.io/acme/app:v1'}]\n",
]


@pytest.mark.parametrize("text", IGNORED)
def test_text_schemas_and_state_are_no_fields(text: str, edited: Editor) -> None:
    with pytest.raises(NothingMatched):
        edited("a.yaml", text, V2)


def test_nothing_matched_names_the_nearest_repositories(edited: Editor) -> None:
    with pytest.raises(NothingMatched, match=r"no field holds ghcr\.io/acme/ap$") as nothing:
        edited("a.yaml", POD + "  - image: ghcr.io/acme/app:v1\n", "ghcr.io/acme/ap:v2")
    assert "ghcr.io/acme/app" in (nothing.value.hint or "")


def test_all_or_none() -> None:
    files = {
        "a.yaml": (POD + "  - image: ghcr.io/acme/app:v1\n").encode(),
        "b.yaml": (POD + "  - image: ghcr.io/acme/app:{{ x }}\n").encode(),
    }
    with pytest.raises(ManifestError) as refused:
        edit(files, [ImageRef.parse(V2)])
    assert refused.value.file == "b.yaml"
    with pytest.raises(NothingMatched, match="acme/other"):
        edit(files, [ImageRef.parse("acme/other:v2")])


def test_a_kustomization_tags_the_images_without_a_tag() -> None:
    base = (POD + "  - image: ghcr.io/acme/app\n").encode()
    overlay = b"images:\n- name: ghcr.io/acme/app\n  newTag: v1\n"

    result = edit({"base/a.yaml": base, "kustomization.yaml": overlay}, [ImageRef.parse(V2)])

    assert result.contents == {"kustomization.yaml": overlay.replace(b"v1", b"v2")}


def test_narrowing_by_container(edited: Editor) -> None:
    text = POD + "  - {name: a, image: ghcr.io/acme/app:v1}\n  - {name: b, image: ghcr.io/acme/app:v1}\n"

    assert [c.line for c in edited("a.yaml", text, V2, container="b").changes] == [6]
    with pytest.raises(NothingMatched, match="container 'c'"):
        edited("a.yaml", text, V2, container="c")


@pytest.mark.parametrize("key", ["a.image.tag", "a.image", "a"])
def test_narrowing_by_key(key: str, edited: Editor) -> None:
    text = "a: {image: {repository: ghcr.io/acme/app, tag: v1}}\nb: {image: {repository: ghcr.io/acme/app, tag: v1}}\n"

    assert [c.path for c in edited("v.yaml", text, V2, key=key).changes] == ["a.image.tag"]


@pytest.mark.parametrize(
    ("text", "key", "ref", "after"),
    [
        ("a: {tag: 1.5}\n", "a.tag", ":1.6", 'a: {tag: "1.6"}\n'),
        ("a: [x/y:v1]\n", "a[0]", ":v2", "a: [x/y:v2]\n"),
        ("a: [x/y:v1]\n", "a.0", "x/y:v2", "a: [x/y:v2]\n"),
        ("a.b/c: v1\n", "a\\.b/c", ":v2", "a.b/c: v2\n"),
        (ARGO + "    helm: {values: 1}\n    x: |\n      a: {b: v1}\n", "spec.source.x.a.b", ":v2", None),
    ],
)
def test_a_key_names_a_plain_scalar(text: str, key: str, ref: str, after: str | None, edited: Editor) -> None:
    result = edited("v.yaml", text, ref, key=key)

    assert result.contents["v.yaml"].decode() == (after or text.replace("v1}", "v2}"))


def test_a_key_of_another_repository_is_left_alone(edited: Editor) -> None:
    with pytest.raises(NothingMatched, match=r"at 'image\.tag'"):
        edited("v.yaml", "image: {repository: acme/other, tag: v1}\n", V2, key="image.tag")


def test_an_alias_that_follows_is_said(edited: Editor) -> None:
    result = edited("v.yaml", "image: &i ghcr.io/acme/app:v1\nb: {image: *i}\nc: *i\n", V2)

    assert [change.line for change in result.changes] == [1]
    assert result.notes == ("v.yaml:2: the alias *i follows", "v.yaml:3: the alias *i follows")


def test_refs_that_contradict_each_other_are_refused(edited: Editor) -> None:
    with pytest.raises(ImageError, match="two refs of one repository"):
        edited("a.yaml", POD, "nginx:1", "docker.io/library/nginx:2")
    with pytest.raises(ImageError, match="neither tag nor digest"):
        edited("a.yaml", POD, "nginx")


def test_needs_digest_asks_only_for_what_is_pinned() -> None:
    files = {
        "a.yaml": (POD + f"  - image: ghcr.io/acme/app:v1@{OLD}\n  - image: acme/free:v1\n").encode(),
    }
    refs = [ImageRef.parse(V2), ImageRef.parse("acme/free:v2")]

    assert needs_digest(files, refs) == (refs[0],)
    pinned = [refs[0].with_tag("v2", NEW), refs[1]]
    assert needs_digest(files, pinned) == ()
    assert edit(files, pinned).contents["a.yaml"].decode() == (
        POD + f"  - image: ghcr.io/acme/app:v2@{NEW}\n  - image: acme/free:v2\n"
    )


@pytest.mark.parametrize("bomb", ["[", "{", "- ", "? ", "[[a],", "{a: ", "a: [", "-\n", "!a ", "&a "])
def test_hostile_nesting_ends_in_a_clear_error_within_a_second(bomb: str, edited: Editor) -> None:
    text = bomb * (50_000 // len(bomb)) + "\n# ghcr.io/acme/app\n"
    started = time.monotonic()
    with pytest.raises((ManifestError, NothingMatched)):
        edited("a.yaml", text, V2)
    assert time.monotonic() - started < 1


def test_a_bomb_of_aliases_is_not_expanded(edited: Editor) -> None:
    levels = "".join(f"l{n}: &l{n} [{','.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 30))
    merges = "".join(f"m{n}: &m{n} {{<<: [{','.join([f'*m{n - 1}'] * 9)}]}}\n" for n in range(1, 30))
    text = f"l0: &l0 [x]\nm0: &m0 {{a: b}}\n{levels}{merges}image: ghcr.io/acme/app:v1\nhuge: {'y' * 1_000_000}\n"
    started = time.monotonic()

    assert edited("a.yaml", text, V2).contents["a.yaml"].decode() == text.replace(":v1", ":v2")
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(("file", "text", "ref"), MOVES)
def test_a_file_with_a_field_passes_the_byte_search(file: str, text: str, ref: str) -> None:
    before, refs = _both(text)[0].encode(), [ImageRef.parse(ref)]

    assert may_hold(before, refs)
    assert any(needle in before for needle in needles(refs))


def test_too_large_a_file_is_refused(edited: Editor) -> None:
    with pytest.raises(ManifestError, match="at most"):
        edited("a.yaml", "image: ghcr.io/acme/app:v1\n" + "#" * (8 * 2**20), V2)


def test_edits_are_equal_values(edited: Editor) -> None:
    assert edited("a.yaml", "image: a/b:1\n", "a/b:1") == Edit(
        {}, (), edited("a.yaml", "image: a/b:1\n", "a/b:1").held, ()
    )


def test_a_tag_alone_cannot_ask_a_registry() -> None:
    files = {"v.yaml": f"a: {{ref: acme/app:v1@{OLD}}}\n".encode()}
    with pytest.raises(ManifestError, match="pinned by a digest"):
        needs_digest(files, [ImageRef.parse(":v2", tag_alone=True)], key="a.ref")


def test_running_takes_a_kustomization_s_image_before_the_manifest_s() -> None:
    files = {
        "base/a.yaml": (POD + "  - image: app\n  - image: acme/side:v1\n").encode(),
        "kustomization.yaml": b"images:\n- {name: app, newName: ghcr.io/acme/app, newTag: v7}\n",
        "values.yaml": b"image: {repository: ghcr.io/acme/web, tag: v3}\n",
    }

    assert {(f.file, str(f.ref)) for f in running(files)} == {
        ("base/a.yaml", "acme/side:v1"),
        ("kustomization.yaml", "ghcr.io/acme/app:v7"),
        ("values.yaml", "ghcr.io/acme/web:v3"),
    }
    assert [str(f.ref) for f in running(files, [ImageRef.parse("ghcr.io/acme/web")])] == [
        "ghcr.io/acme/web:v3"
    ]


def test_a_digest_that_was_asked_for_goes_to_pinned_fields_alone() -> None:
    files = {
        "a.yaml": f"a: {{image: ghcr.io/acme/app:v1@{OLD}}}\nb: {{image: ghcr.io/acme/app:v1}}\n".encode()
    }
    wanted = ImageRef.parse(V2)
    assert needs_digest(files, [wanted]) == (wanted,)
    result = edit(files, [wanted], digests={wanted: NEW})
    after = f"a: {{image: ghcr.io/acme/app:v2@{NEW}}}\nb: {{image: ghcr.io/acme/app:v2}}\n"
    assert result.contents["a.yaml"].decode() == after


@pytest.mark.parametrize("marker", ["shop:tag", "frontend:tag", "ghcr.io/acme/frontend:tag"])
def test_running_reads_markers(marker: str) -> None:
    files = {"a.yaml": f"version: v1 # cipipe: {marker}\n".encode()}
    repository = ImageRef.parse("ghcr.io/acme/frontend")
    for names in ((), (repository,)):
        (field,) = running(files, names, {"shop": repository})
        assert str(field.ref) == "ghcr.io/acme/frontend:v1"
        assert field.names == (repository.normalized,)
