"""What the keys mean together: defaults that depend on others, rules across environments (DESIGN 4 and 8)."""

import dataclasses
import posixpath
import re
import urllib.parse
from collections.abc import Iterator

from cipipe import globs
from cipipe.config.model import Config, Environment, Image
from cipipe.errors import ConfigError, ImageError
from cipipe.hints import near_miss
from cipipe.image import ImageRef
from cipipe.repository import branch_problem, identity

_IMAGE = "{image}"


def settle(config: Config) -> Config:
    """`config` with its dependent defaults filled in; raise `ConfigError` where a rule is broken."""
    for image in config.images.values():
        _check_image(config, image)
    environments = {name: _settle_one(config, env) for name, env in config.environments.items()}
    settled = dataclasses.replace(config, environments=environments)
    for environment in environments.values():
        _check_promotion(settled, environment)
    check_together(settled)
    return settled


def located(config: Config, repository: str) -> Config:
    """`config` with `repository` (a URL) for the environments that name none, its rules held once more.

    Only so is it seen that `repo:` left out and `repo:` with this repository's own URL are one place.
    """
    environments = {
        name: env if env.repo else dataclasses.replace(env, repo=repository)
        for name, env in config.environments.items()
    }
    whole = dataclasses.replace(config, environments=environments)
    check_together(whole)
    return whole


def protecting(config: Config, environment: Environment) -> Environment | None:
    """The protected environment whose repository and branch `environment` shares (itself first), or None."""
    if environment.protected:
        return environment
    return next(
        (
            other
            for other in config.environments.values()
            if other.protected and _same_branch(other, environment)
        ),
        None,
    )


def check_together(config: Config) -> None:
    """Raise `ConfigError` for a push to a protected branch, and for two environments that hold one file."""
    environments = list(config.environments.values())
    for index, environment in enumerate(environments):
        if guard := protecting(config, environment):
            _check_protected(config, environment, guard)
        for other in environments[:index]:
            if _same_branch(environment, other) and (both := _overlap(environment, other)):
                raise _error(
                    config,
                    environment,
                    "path",
                    f"'{both[0]}' overlaps '{both[1]}' of environment '{other.name}' on the same branch",
                    "give each environment its own folder or its own branch",
                )


def _settle_one(config: Config, env: Environment) -> Environment:
    if problem := branch_problem(env.branch):
        raise _error(config, env, "branch", f"'{env.branch}' is no branch: {problem}", None)
    if env.repo is not None:
        _check_repo(config, env, env.repo)
    if not (env.source_branches or env.source_tags or env.promotes):
        raise _error(
            config,
            env,
            "",
            "neither 'source_branches' nor 'promotes', so nothing may ever enter",
            "add 'source_branches: [main]', or 'promotes: ENVIRONMENT' to take what another environment runs",
        )
    for key, patterns in (("source_branches", env.source_branches), ("source_tags", env.source_tags)):
        for pattern in patterns:
            _check_glob(config, env, key, pattern)
    return dataclasses.replace(
        env,
        path=tuple(_clean_path(config, env, path) for path in env.path),
        approvals=env.approvals if "approvals" in env.lines else int(env.protected),
        forge=env.forge if "forge" in env.lines else config.forge,
    )


def _check_image(config: Config, image: Image) -> None:
    try:
        ref = ImageRef.parse(image.repository)
    except ImageError as problem:
        message = f"images.{image.name}.repository: {problem.message}"
        raise ConfigError(
            message, file=config.file, line=image.lines.get("repository"), hint=problem.hint
        ) from None
    if ref.tag or ref.digest:
        raise ConfigError(
            f"images.{image.name}.repository: '{image.repository}' has a tag or digest",
            file=config.file,
            line=image.lines.get("repository"),
            hint=f"write '{ref.name}'; the tag is said when it is built or bumped",
        )


def _check_repo(config: Config, env: Environment, repo: str) -> None:
    try:
        secret = urllib.parse.urlsplit(repo).password
    except ValueError:
        raise _error(config, env, "repo", "this is no repository URL", None) from None
    if secret is not None:
        hint = "take the password out, revoke it, and set CIPIPE_TOKEN"
        raise _error(config, env, "repo", "the URL holds a password", hint)
    if repo.startswith("-"):
        raise _error(config, env, "repo", "a repository URL cannot start with '-'", None)


def _check_glob(config: Config, env: Environment, key: str, pattern: str) -> None:
    try:
        globs.matches(pattern, "")
    except ValueError as problem:
        raise _error(config, env, key, str(problem), None) from None
    if pattern.startswith("refs/"):
        raise _error(
            config, env, key, f"'{pattern}' is a full ref", "write the name alone, e.g. main or release/*"
        )


def _clean_path(config: Config, env: Environment, path: str) -> str:
    parts = path.split("/")
    if (
        path.startswith(("/", "~"))
        or ".." in parts
        or ".git" in [part.lower() for part in parts]
        or "\\" in path
    ):
        hint = "write it from the manifest repository's root, with '/', e.g. manifests/staging"
        raise _error(config, env, "path", f"'{path}' leaves the manifest repository's tree", hint)
    if re.search("[{}]", path.replace(_IMAGE, "")):
        raise _error(
            config, env, "path", f"'{path}' holds a brace that is not '{_IMAGE}'", f"the one is '{_IMAGE}'"
        )
    return posixpath.normpath(path)


def _check_promotion(config: Config, env: Environment) -> None:
    seen = [env.name]
    while env.promotes is not None:
        if env.promotes not in config.environments:
            hint = near_miss(env.promotes, config.environments.keys() - {env.name})
            raise _error(config, env, "promotes", f"there is no environment '{env.promotes}'", hint)
        if env.promotes in seen:
            round_trip = " -> ".join([*seen, env.promotes])
            raise _error(config, env, "promotes", f"promotion goes in a circle: {round_trip}", None)
        seen.append(env.promotes)
        env = config.environments[env.promotes]


def _check_protected(config: Config, env: Environment, guard: Environment) -> None:
    why = "it is protected" if guard is env else f"'{guard.name}' protects the same branch"
    if env.delivery == "push":
        hint = "write 'delivery: pull-request', or leave the key out"
        raise _error(config, env, "delivery", f"'push' is not allowed here: {why}", hint)
    if env.pull_request.auto_merge:
        raise _error(
            config, env, "pull_request", f"'auto_merge' is not allowed here: {why}", "people merge it"
        )


def _same_branch(one: Environment, other: Environment) -> bool:
    return one.branch == other.branch and _repository(one) == _repository(other)


def _repository(env: Environment) -> str | None:
    return identity(env.repo) if env.repo else None


def _overlap(one: Environment, other: Environment) -> tuple[str, str] | None:
    pairs: Iterator[tuple[str, str]] = ((mine, theirs) for mine in one.path for theirs in other.path)
    return next(((mine, theirs) for mine, theirs in pairs if _may_meet(mine, theirs)), None)


def _may_meet(one: str, other: str) -> bool:
    """Whether a file can lie under both paths; a folder that is a prefix of the other holds it."""
    if "." in {one, other}:
        return True
    return all(
        _parts_may_meet(mine, theirs) for mine, theirs in zip(one.split("/"), other.split("/"), strict=False)
    )


def _parts_may_meet(one: str, other: str) -> bool:
    """Whether two path parts can be the same name, `{image}` standing for anything; rather yes than no."""
    if _IMAGE not in one and _IMAGE not in other:
        return one == other
    if _IMAGE not in one:
        one, other = other, one
    start, end = one.partition(_IMAGE)[0], one.rpartition(_IMAGE)[2]
    other_start, other_end = other.partition(_IMAGE)[0], other.rpartition(_IMAGE)[2]
    if _IMAGE not in other:
        return other.startswith(start) and other.endswith(end) and len(other) > len(start) + len(end)
    starts_meet = start.startswith(other_start) or other_start.startswith(start)
    return starts_meet and (end.endswith(other_end) or other_end.endswith(end))


def _error(config: Config, env: Environment, key: str, message: str, hint: str | None) -> ConfigError:
    place = f"environments.{env.name}{'.' if key else ''}{key}"
    return ConfigError(f"{place}: {message}", file=config.file, line=env.line(key), hint=hint)
