"""The forges by name, each with its module (layer 0, so that the configuration can check `forge.kind`)."""

FORGES: dict[str, str] = {
    "github": "cipipe.forges.github",
    "gitlab": "cipipe.forges.gitlab",
    "gitea": "cipipe.forges.gitea",
    "none": "cipipe.forges.none",
}
