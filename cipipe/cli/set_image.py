"""`cipipe set-image`."""

import click

from cipipe.cli import options, output


@click.command("set-image", epilog="Example: cipipe set-image manifests/ --image ghcr.io/acme/app:v2 --diff")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--image",
    "images",
    multiple=True,
    required=True,
    metavar="REF",
    help="REPOSITORY:TAG, with @DIGEST if you like, or NAME=TAG for a name under `images:`; may be repeated.",
)
@options.container
@options.key
@click.option("--diff", is_flag=True, help="Show a unified diff.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when something would change.")
@options.config
@options.dry_run
@options.common()
def command(  # noqa: PLR0913, PLR0917 - one parameter for each option
    paths: tuple[str, ...],
    images: tuple[str, ...],
    container: str | None,
    key: str | None,
    diff: bool,  # noqa: FBT001 - click passes flags by name
    check: bool,  # noqa: FBT001
    config_file: str | None,
    dry_run: bool,  # noqa: FBT001
    output_format: str,
    output_file: str | None,
) -> int:
    """Change an image's tag in local files and folders; no Git, no network.

    In a folder, YAML, JSON and templates of them are read; a file that is named is read whatever its name.
    Nothing but the tag (and digest) changes, in all files or in none.
    """
    from cipipe.cli import configuration  # noqa: PLC0415 - `--help` needs no YAML
    from cipipe.image import ImageRef  # noqa: PLC0415
    from cipipe.set_image import Options, set_image  # noqa: PLC0415

    named = any("=" in image for image in images)
    config = configuration.read(config_file) if named or config_file else None
    refs = [
        config.image_ref(image)
        if config and "=" in image
        else ImageRef.parse(image, tag_alone=key is not None)
        for image in images
    ]
    names = {name: ImageRef.parse(each.repository) for name, each in config.images.items()} if config else {}
    settings = Options(container, key, diff=diff, check=check, dry_run=dry_run)
    return output.report(set_image(paths, refs, settings, names), output_format, output_file)
