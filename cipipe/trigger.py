"""What started this run: the CI's word, and the user's checkout where the CI has none (layer 3).

The checkout is only read. A commit's time and descent come from it, because no CI tells them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cipipe import ci
from cipipe.errors import ConfigError
from cipipe.git.local import Checkout
from cipipe.git.url import Remote
from cipipe.source import Source
from cipipe.trailers import Origin


@dataclass(frozen=True, slots=True)
class Trigger:
    """`environ` is what cipipe was given, `checkout` the repository that it was started in, if any."""

    environ: Mapping[str, str] = field(repr=False)
    checkout: Checkout | None
    source: Source
    origin: Origin

    def is_ancestor(self, ancestor: str, descendant: str) -> bool | None:
        """Whether one source commit comes before another; None where the checkout cannot tell."""
        return self.checkout.is_ancestor(ancestor, descendant) if self.checkout else None

    def own_repository(self, file: str) -> str:
        """The address of the repository that holds the configuration `file`; raises ConfigError."""
        url = self.checkout.remote_url if self.checkout else None
        if url is None:
            raise ConfigError(
                "an environment has no 'repo', and this folder's repository has no remote to take it from",
                file=file,
                hint="write 'repo: https://HOST/OWNER/NAME.git' under the environment",
            )
        return url

    @property
    def root(self) -> Path | None:
        """The folder of the checkout."""
        return self.checkout.root if self.checkout else None


def detect(environ: Mapping[str, str], folder: Path) -> Trigger:
    """Read the CI's variables and the checkout around `folder`; raises `UsageError` for absurd variables."""
    run = ci.detect(environ)
    checkout = Checkout.find(folder, environ)
    head = checkout.head if checkout else None
    source = run.source
    if run.service == "terminal" and checkout:
        source = Source(branch=checkout.branch)
    commit = run.commit or (head.id if head else None)
    origin = Origin(
        repository=run.repository or _public(checkout.remote_url if checkout else None),
        commit=commit,
        commit_time=checkout.commit_time(commit) if checkout and commit else None,
        pipeline=run.pipeline,
        run_number=run.run_number,
        run_url=run.run_url,
        actor=run.actor,
    )
    return Trigger(environ, checkout, source, origin)


def _public(url: str | None) -> str | None:
    """`url` where it can be shown to others: no path of this machine, no credentials."""
    if url is None:
        return None
    try:
        remote = Remote.parse(url)
    except ConfigError:
        return None
    return None if remote.scheme == "file" else str(remote)
