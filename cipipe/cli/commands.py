"""The one list of commands: `--help` reads it, so that no command module loads before it is asked for."""

COMMANDS: dict[str, tuple[str, str]] = {
    "bump": ("cipipe.cli.bump", "Change an image's tag in environments' manifests, and deliver it."),
    "promote": ("cipipe.cli.promote", "Bring one environment to exactly what another runs now."),
    "status": ("cipipe.cli.status", "Show what each environment runs, and the bumps that wait."),
    "set-image": ("cipipe.cli.set_image", "Change an image's tag in local files; no Git, no network."),
    "gate": ("cipipe.cli.gate", "Find what deploys round Git in pipelines."),
    "protect": ("cipipe.cli.protect", "Compare a forge's branch protection with the policy, or set it."),
    "facts": ("cipipe.cli.facts", "Print what the gate's rules judge, as JSON."),
    "rules": ("cipipe.cli.rules", "List the gate's rules."),
    "schema": ("cipipe.cli.schema", "Print the JSON schema of cipipe.yaml."),
    "demo": ("cipipe.cli.demo", "Make a repository on this machine and perform a real bump in it."),
}
