"""The only door to the network: HTTP requests that end in bounded time, whatever the server does.

Other doors were looked at and left closed. GDAL's own (`/vsicurl/`) follows any redirect, has one configuration for the whole process and says
"read failed" of everything. `pystac-client` follows a `next` link to a local file, and puts no limit on bytes, pages or the time of an answer that
trickles.
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import SplitResult, urljoin, urlsplit

from camwatch.errors import ConfigError, SceneError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

REPEATED = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be another one a moment later (RFC 9110 section 15, RFC 6585)."""
REDIRECTED = frozenset({301, 302, 303, 307, 308})
HOPS = 5
PIECE = 1 << 16
TEXT_LIMIT = 32 * 2**20
"""Bytes of a JSON or XML answer; no page of a search comes near it."""

_MEANING = {
    401: "the archive wants a log-in; take a public copy of the collection (--api)",
    403: "the archive wants a signed address; give --sign URL",
    404: "it is no longer there; search again",
    405: "this is no STAC API's search",
}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for.

    Attributes
    ----------
    attempts : int
        Requests for one thing, the first among them.
    delay_s : float
        Wait before the second attempt; it doubles with each further one. A `Retry-After` of the server goes before it.
    longest_s : float
        Longest wait between two attempts; a server that asks for more is not waited for.
    stall_s : float
        Longest time without a byte.
    answer_s : float
        Longest time for one whole answer, so that a trickle ends too.
    """

    attempts: int = 5
    delay_s: float = 1.0
    longest_s: float = 120.0
    stall_s: float = 30.0
    answer_s: float = 300.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.stall_s, self.answer_s) <= 0:
            raise ConfigError(
                "patience makes no sense", got=f"{self.attempts} attempts, {self.stall_s} s", expected="at least one attempt, above 0 s"
            )


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer: `headers` by their names in small letters, `body` complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """A session that asks until it has a whole answer or knows that there is none.

    Use as a context manager. `received` counts the bytes of all bodies.

    Parameters
    ----------
    patience : Patience
    inward : bool
        Addresses of this machine and of private networks may be asked. Where a public archive is searched they may not: an Item must not send the
        analyst's machine to its neighbours.
    sleep : callable (seconds), optional
    """

    def __init__(self, patience: Patience, *, inward: bool = False, sleep: Callable[[float], None] = time.sleep) -> None:
        try:
            import requests
        except ImportError as error:
            raise ConfigError("scenes fetch needs the extra packages", remedy="pip install 'camwatch[fetch]'") from error
        self.patience = patience
        self.inward = inward
        self.received = 0
        self._sleep = sleep
        self._session = requests.Session()
        self._failures: tuple[type[Exception], ...] = (requests.RequestException, *_transport_errors(), _BrokenError)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._session.close()

    def ask(
        self,
        address: str,
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        accept: frozenset[int] = frozenset({200}),
        limit: int = TEXT_LIMIT,
        check: Callable[[Answer], str] | None = None,
    ) -> Answer:
        """Return the answer to a GET, or to a POST of `body` as JSON.

        Parameters
        ----------
        address : str
            http or https.
        accept : frozenset of int
            Statuses that are answers.
        limit : int
            Bytes that the body may have.
        check : callable (Answer) -> str, optional
            Says what is wrong with an answer, empty where nothing is; a wrong one is asked for again.

        Raises
        ------
        SceneError
            When the address may not be asked, the server says no, or no attempt brought a whole and right answer.
        """
        problem, wait = "", self.patience.delay_s
        for attempt in range(self.patience.attempts):
            if attempt:
                self._sleep(min(wait, self.patience.longest_s))
                wait *= 2
            try:
                answer = self._follow(address, body, headers or {}, limit)
            except self._failures as error:
                problem = _words(error)
                continue
            if answer.status in accept:
                problem = check(answer) if check is not None else ""
                if not problem:
                    return answer
                continue
            problem = f"HTTP status {answer.status}"
            if answer.status not in REPEATED:
                remedy = _MEANING.get(answer.status, "try again later")
                raise SceneError("server does not hand it out", where=shown(address), got=problem, remedy=remedy)
            wait = _retry_after(answer, address, self.patience) or wait
        got = f"{problem} after {self.patience.attempts} attempts"
        raise SceneError("server gives no whole answer", where=shown(address), got=got, remedy="start the same command again later to go on")

    def _follow(self, address: str, body: Any, headers: Mapping[str, str], limit: int) -> Answer:
        deadline = time.monotonic() + self.patience.answer_s
        for _ in range(HOPS):
            self._refuse(address)
            answer = self._once(address, body, headers, limit, deadline)
            if answer.status not in REDIRECTED:
                return answer
            onward = _joined(address, answer.headers.get("location", ""))
            if parts_of(address).scheme == "https" and parts_of(onward).scheme != "https":
                raise SceneError("server redirects to an address that is not https", where=shown(address), got=shown(onward))
            address, body = onward, (body if answer.status in (307, 308) else None)
        raise SceneError("server redirects in circles", where=shown(address), got=f"over {HOPS} redirects")

    def _refuse(self, address: str) -> None:
        parts = parts_of(address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise SceneError("address is not fetched", where=shown(address), expected="http:// or https://, without a user name")
        if not self.inward and is_inward(address):
            raise SceneError("address lies in this machine's own network", where=shown(address), expected="a public archive")

    def _once(self, address: str, body: Any, headers: Mapping[str, str], limit: int, deadline: float) -> Answer:
        # Identity: an encoded answer has no byte ranges, and can be far larger than it looks.
        said = {"Accept-Encoding": "identity", "User-Agent": "camwatch", **headers}
        response = self._session.request(
            "GET" if body is None else "POST",
            address,
            json=body,
            headers=said,
            stream=True,
            allow_redirects=False,
            timeout=(self.patience.stall_s, self.patience.stall_s),
        )
        with response:
            heads = {name.lower(): value for name, value in response.headers.items()}
            if response.status_code in REDIRECTED:
                return Answer(response.status_code, heads, b"")
            if "Range" in headers and response.status_code == 200:
                got = f"the whole file, {heads.get('content-type', 'of no stated type')[:60]}"
                wanted = "the part that was asked for (status 206)"
                raise SceneError("server does not hand out parts of the file", where=shown(address), got=got, expected=wanted)
            data = bytearray()
            while piece := response.raw.read1(PIECE, decode_content=True):
                self.received += len(piece)
                data += piece
                if len(data) > limit:
                    raise SceneError("answer is too large", where=shown(address), got=f"over {limit} bytes")
                if time.monotonic() > deadline:
                    raise _BrokenError(f"only {len(data)} bytes in {self.patience.answer_s:g} s")
        return Answer(response.status_code, heads, bytes(data))


class _BrokenError(Exception):
    """An answer that is not whole; asked for again, never shown by itself."""


def _transport_errors() -> tuple[type[Exception], ...]:
    """What reading a body raises below requests."""
    from urllib3.exceptions import HTTPError

    return HTTPError, OSError


def _words(error: Exception) -> str:
    """Return what happened, without addresses: they may hold a signature."""
    kind = type(error).__name__
    if "Timeout" in kind or "timed out" in str(error).lower():
        return "no byte for too long"
    if isinstance(error, _BrokenError):
        return str(error)
    return "the connection closed" if "refused" not in str(error).lower() else "nobody listens there"


def _retry_after(answer: Answer, address: str, patience: Patience) -> float | None:
    """Return the seconds that the server asks to wait; None where it does not say, or says a date (RFC 9110 section 10.2.3)."""
    said = answer.headers.get("retry-after", "").strip()
    if not said.isdigit():
        return None
    if int(said) > patience.longest_s:
        wanted, remedy = f"at most {patience.longest_s:g} s", "start the same command again then to go on"
        raise SceneError("server asks to wait too long", where=shown(address), got=f"{said} s", expected=wanted, remedy=remedy)
    return float(said)


def parts_of(address: str) -> SplitResult:
    """Return the parts of an address; SceneError where it is none."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # read here, where a port that is no number can be told
    except ValueError as error:
        got, wanted = repr(address[:120]), "http:// or https://"
        raise SceneError("address is not fetched: it is none", got=got, expected=wanted) from error
    return parts


def _joined(address: str, location: str) -> str:
    try:
        return urljoin(address, location)
    except ValueError as error:
        raise SceneError("server redirects to what is no address", where=shown(address), got=repr(location[:120])) from error


def shown(address: str) -> str:
    """Return an address for a message: without its query, which may hold a signature, and without a user name."""
    parts = parts_of(address)
    return parts._replace(query="", fragment="", netloc=parts.netloc.rpartition("@")[2]).geturl()[:300]


def is_inward(address: str) -> bool:
    """Whether an address names this machine or a private network by a number or as localhost; names are not looked up."""
    host = (parts_of(address).hostname or "").rstrip(".").lower()
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
