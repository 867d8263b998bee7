"""The forges by name (layer 0, so that the configuration can check `forge.kind`)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backend:
    """A forge's module, and what is known of it before that is loaded.

    `api` is where its API is below a host, `variables` are those of the tokens that its own tools leave, and
    `hosts` those that everybody knows to be of it.
    """

    module: str
    api: str = ""
    variables: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


FORGES: dict[str, Backend] = {
    "github": Backend("cipipe.forges.github", "api/v3", ("GITHUB_TOKEN", "GH_TOKEN"), ("github.com",)),
    "gitlab": Backend("cipipe.forges.gitlab", "api/v4", ("GITLAB_TOKEN",), ("gitlab.com",)),
    "gitea": Backend("cipipe.forges.gitea", "api/v1", ("GITEA_TOKEN",), ("codeberg.org", "gitea.com")),
    "none": Backend("cipipe.forges.none"),
}
