"""How every forge's API is called: with a deadline over all, few retries, and never twice what must be once.

A request that only reads, or that sets what can be set twice, is repeated after a failure. A rate limit is a
refusal, so that waiting and repeating is right for every request (GitHub: "Rate limits for the REST API",
"Best practices"; GitLab: "Rate limits"; RFC 6585 for 429).
"""

import email.utils
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import TypeVar

from cipipe.errors import CredentialsError, DeadlineError, ForgeError
from cipipe.forges import app
from cipipe.forges.base import Access, ConflictError, NotFoundError, UncertainError
from cipipe.proc import escaped, interrupted

_log = logging.getLogger("cipipe")
TIMEOUT = 30.0  # seconds for one answer
_TRIES = 4
_PAUSE = 0.5  # seconds, three times as long with each try, of which a random part is waited
_SECONDARY = 60.0  # seconds, GitHub's advice where a limit comes without a time
_LEAST = 1.0  # seconds, as finely as limits are told
_SLICE = 0.25  # seconds between looks whether somebody stops cipipe
_COUNT = re.compile("[0-9]{1,12}", re.ASCII)
_Result = TypeVar("_Result")


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - an answer, not yet an error
    """An answer that is not the wanted one; header names are in lower case."""

    status: int
    message: str
    headers: Mapping[str, str]

    @property
    def wait(self) -> float | None:
        """Seconds that a rate limit asks to wait; None where the refusal has another reason."""
        text = self.message.lower()
        limited = self.status == 429 or (
            self.status == 403
            and ("rate limit" in text or "retry-after" in self.headers or self._remaining == "0")
        )
        if not limited:
            return None
        if (after := self._seconds("retry-after")) is not None:
            return after
        reset = self.headers.get("x-ratelimit-reset") or self.headers.get("ratelimit-reset") or ""
        if _COUNT.fullmatch(reset) and self._remaining in {"0", None}:
            return max(_LEAST, float(reset) - self._now)
        return _SECONDARY

    def _seconds(self, name: str) -> float | None:
        """A header that is a number of seconds, or a date (RFC 9110, 10.2.3)."""
        text = self.headers.get(name, "")
        if _COUNT.fullmatch(text):
            return float(text)
        date = _time(text)
        return max(_LEAST, date - self._now) if date is not None else None

    @property
    def _now(self) -> float:
        """The time by the server's own clock, which this machine's need not follow."""
        date = _time(self.headers.get("date", ""))
        return time.time() if date is None else date

    @property
    def _remaining(self) -> str | None:
        return self.headers.get("x-ratelimit-remaining") or self.headers.get("ratelimit-remaining")


def check_kept(what: str, wanted: Sequence[str], there: Sequence[str], *, hint: str) -> None:
    """Raise ConflictError where a forge has passed over some of the wanted names without a word."""
    known = {name.casefold() for name in there}
    if missing := [name for name in wanted if name.casefold() not in known]:
        raise ConflictError(f"{what}: the forge does not set '{escaped(missing[0], 100)}'", hint=hint)


class Lost(Exception):  # noqa: N818 - no answer, not yet an error
    """No answer, or none that can be read."""


class Calls:
    """Calls of one forge; `translated` turns an SDK's exception into a Refusal or Lost."""

    def __init__(self, access: Access, translated: Callable[[Exception], Refusal | Lost | None]) -> None:
        self._access = access
        self._translated = translated
        self._service = access.api_url

    def repeatable(self, what: str, call: Callable[[], _Result]) -> _Result:
        """The result of `call`, which may be done twice."""
        for attempt in range(_TRIES):
            try:
                return self.once(what, call)
            except UncertainError:
                if attempt == _TRIES - 1:
                    raise
            self._access.deadline.sleep(random.uniform(0, _PAUSE * 3**attempt))  # noqa: S311 - jitter
        raise AssertionError  # pragma: no cover - the last attempt returns or raises

    def once(self, what: str, call: Callable[[], _Result]) -> _Result:
        """The result of `call`; raises UncertainError where its effect is not known."""
        while True:
            try:
                return self._in_time(what, call)
            except Refusal as refusal:
                if refusal.wait is None:
                    raise self._error(what, refusal) from None
                self._wait(what, refusal.wait)
            except Lost as lost:
                raise UncertainError(f"{what}: {self._service}: {escaped(str(lost), 300)}") from None

    def _in_time(self, what: str, call: Callable[[], _Result]) -> _Result:
        """Run `call` in a thread: an answer that trickles in has no other end."""
        _log.debug("%s: %s", self._service, what)
        result: Future[_Result] = Future()

        def work() -> None:
            try:
                result.set_result(call())
            except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
                result.set_exception(error)

        end = time.monotonic() + min(TIMEOUT, self._access.deadline.remaining())
        threading.Thread(target=work, daemon=True).start()
        while not wait([result], max(0.0, min(_SLICE, end - time.monotonic()))).done:
            if interrupted():
                raise ForgeError(f"{what}: interrupted")
            if self._access.deadline.expired:
                raise self._access.deadline.error(what)
            if time.monotonic() >= end:
                raise Lost(f"no answer within {TIMEOUT:g} s")
        if error := result.exception():
            raise (self._translated(error) if isinstance(error, Exception) else None) or error
        return result.result()

    def _wait(self, what: str, seconds: float) -> None:
        deadline = self._access.deadline
        if seconds >= deadline.remaining():
            raise DeadlineError(
                f"{what}: {self._service} limits requests, and asks to wait {seconds:.0f} s,"
                f" longer than the deadline of {deadline.seconds:g} s",
                hint="run it again later, or give it longer with --timeout",
            )
        _log.info("%s limits requests: waiting %.0f s", self._service, seconds)
        deadline.sleep(seconds)

    def _error(self, what: str, refusal: Refusal) -> ForgeError | CredentialsError:
        said = f"{what}: {self._service} answered {refusal.status}: {escaped(refusal.message, 300)}"
        variable = self._access.credentials.variable
        if refusal.status in {401, 403}:
            return CredentialsError(said, hint=_permission_hint(variable, refusal))
        if refusal.status == 404:
            return NotFoundError(
                said, hint=f"the repository is not there, or the token in {variable} may not see it"
            )
        if refusal.status in {400, 405, 406, 409, 412, 422}:
            return ConflictError(said)
        if refusal.status >= 500:
            return UncertainError(said)
        hint = "correct the repository's address, or forge.api_url" if refusal.status < 400 else None
        return ForgeError(said, hint=hint)


def _time(text: str) -> float | None:
    """The Unix time of an HTTP date."""
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _permission_hint(variable: str, refusal: Refusal) -> str:
    if "not permitted to create or approve pull requests" in refusal.message:
        return (
            "allow GitHub Actions to create pull requests in the repository's settings (Actions, General),"
            " or set CIPIPE_TOKEN to an app's or a person's token"
        )
    if variable == app.KEY:
        return (
            "the App must have the permission in its settings, and its installation's owner have accepted it"
        )
    return f"the token in {variable} must be valid, and allowed to write pull requests"
