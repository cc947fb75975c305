"""Search a STAC API for scenes of an area and bring the area's window of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from camwatch.errors import CamwatchError, ConfigError, SceneError
from camwatch.scenes.access.jsonvalues import parse
from camwatch.scenes.fetching.fetch import Job, bring
from camwatch.scenes.fetching.remote import Http, Patience, is_inward, parts_of, shown
from camwatch.scenes.fetching.search import APIS, SIGNERS, Query, search
from camwatch.scenes.fetching.stated import plain_name
from camwatch.scenes.layers import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from camwatch.scenes.fetching.remote import Answer

    Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of an archive, beside the search.

    Attributes
    ----------
    api : str
        Name of a public archive, or address of a STAC API.
    sign : str
        Address that signs addresses, given one as `?href=`; empty for that of a named archive, or none.
    bands : tuple of str
        All where empty.
    margin_m : float
        Ground on each side of the area's bounding box.
    max_mb : int
        Mebibytes for one file.
    patience : Patience
    """

    api: str
    sign: str = ""
    bands: tuple[str, ...] = ()
    margin_m: float = 1000.0
    max_mb: int = 512
    patience: Patience = field(default_factory=Patience)

    def __post_init__(self) -> None:
        unknown = [name for name in self.bands if name not in ORDER]
        if unknown:
            raise ConfigError("no band of that name", where="--bands", got=", ".join(unknown), expected=", ".join(ORDER))


@dataclass(frozen=True, slots=True)
class Report:
    """What a fetch did.

    Attributes
    ----------
    fetched, kept : tuple of (str, Path)
        Id and Item of each scene of which something was brought, or all was there already.
    refused : tuple of (str, str)
        Id and reason.
    passed_over : tuple of (str, str)
        Id and reason of what the server offered and the search did not want.
    searched : mapping
        What was asked of whom.
    received_bytes : int
    """

    fetched: tuple[tuple[str, Path], ...]
    kept: tuple[tuple[str, Path], ...]
    refused: tuple[tuple[str, str], ...]
    passed_over: tuple[tuple[str, str], ...]
    searched: Mapping[str, Any]
    received_bytes: int

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {
            "fetched": [{"id": name, "item": str(path)} for name, path in self.fetched],
            "kept": [{"id": name, "item": str(path)} for name, path in self.kept],
            "refused": [{"id": name, "reason": reason} for name, reason in self.refused],
            "passed_over": [{"id": name, "reason": reason} for name, reason in self.passed_over],
            "searched": dict(self.searched),
            "received_bytes": self.received_bytes,
        }


def fetch_scenes(query: Query, wanted: Wanted, out: Path, *, progress: Progress) -> Report:
    """Bring the windows of all scenes that answer a query into `out/<collection>/<id>/`; a scene that fails does not end the others.

    Raises
    ------
    ConfigError
        When an option makes no sense.
    """
    api, signer = _addresses(wanted)
    folder = out / plain_name(query.collection)
    searched = {
        "api": api,
        "collection": query.collection,
        "bbox": list(query.bbox),
        "from": query.since.isoformat(),
        "to": query.until.isoformat(),
        "max_cloud": query.max_cloud,
        "min_cover": query.min_cover,
    }
    fetched: list[tuple[str, Path]] = []
    kept: list[tuple[str, Path]] = []
    refused: list[tuple[str, str]] = []
    with Http(wanted.patience, inward=is_inward(api)) as http:
        sign = None if not signer else lambda address: sign_with(http, signer, address)
        job = Job(query.bbox, wanted.margin_m, wanted.bands, wanted.max_mb * 2**20, api, sign)
        progress("searching", 0, 1)
        try:
            hits = search(http, api, query)
        except SceneError as error:
            return Report((), (), (("(search)", str(error)),), (), searched, http.received)
        for n, document in enumerate(hits.items):
            name = str(document["id"])
            try:
                tell = _teller(progress, printable(name), n, len(hits.items))
                one = bring(http, document, folder / plain_name(name), job, tell)
                (fetched if one.fetched else kept).append((name, one.path))
            except (CamwatchError, OSError) as error:
                refused.append((printable(name), str(error)))
        return Report(tuple(fetched), tuple(kept), tuple(refused), hits.passed_over, searched, http.received)


def printable(name: str) -> str:
    """Return a stranger's identifier for the screen: nothing in it moves the cursor or turns the writing round."""
    return name[:200] if name.isprintable() else repr(name[:200])[1:-1]


def _teller(progress: Progress, name: str, done: int, total: int) -> Callable[[str], None]:
    return lambda band: progress(f"{name} {band}", done, total)


def _addresses(wanted: Wanted) -> tuple[str, str]:
    """Return the addresses of the API and of its signer, the latter empty where there is none."""
    api = APIS.get(wanted.api, wanted.api).rstrip("/")
    signer = wanted.sign or SIGNERS.get(wanted.api, "")
    for option, address in (("--api", api), ("--sign", signer)):
        if address and (parts_of(address).scheme not in ("http", "https") or not parts_of(address).hostname):
            raise ConfigError("no address", where=option, got=shown(address), expected=f"{' | '.join(APIS)} or https://…")
    return api, signer


def sign_with(http: Http, signer: str, address: str) -> str:
    """Return the signed form of an address (Planetary Computer SAS API: `GET sign?href=…` → `{"href": …, "msft:expiry": …}`).

    A signature that has run out is refused by the archive, which is when a new one is asked for; nothing of it is stored.

    Raises
    ------
    SceneError
        When the answer is anything but the same address with a query.
    """

    def check(answer: Answer) -> str:
        try:
            said = parse(answer.body)
        except ValueError:
            return "no JSON"
        return "" if isinstance(said, dict) and isinstance(said.get("href"), str) else "JSON without href"

    answer = http.ask(f"{signer}?href={quote(address, safe='')}", check=check)
    signed = str(parse(answer.body)["href"])
    if parts_of(signed)[:3] != parts_of(address)[:3]:
        raise SceneError("signer answers with another address", where=shown(signer), got=shown(signed), expected=shown(address))
    return signed
