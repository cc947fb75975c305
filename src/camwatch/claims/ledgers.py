"""Read ledgers of claims, bundled ones and an analyst's own, and refuse what is wrong with them, with file, line and remedy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from camwatch.aoi import bundled, load_aoi
from camwatch.claims._nodes import Parsed, parse
from camwatch.claims.model import Claim, Ledger
from camwatch.errors import ClaimError, MissingInputError
from camwatch.resources import data_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from camwatch.aoi import Aoi
    from camwatch.claims.typed import Place

TEXTS = (".txt", ".md")
"""Endings of documents whose quotes are looked up without being asked: plain text."""
REMEDY = "see data/claims/chongjin.yaml for a complete example"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing for which a ledger is refused.

    Attributes
    ----------
    line : int or None
        Of the file, from 1.
    what : str
        Claim, field, and what is wrong with it.
    got : str or None
        The offending value.
    remedy : str
    """

    line: int | None
    what: str
    got: str | None
    remedy: str


def load_ledger(path: Path, *, aoi: Aoi | None = None, document: Path | None = None) -> Ledger:
    """Read a ledger in YAML or JSON.

    Parameters
    ----------
    path : Path
        A file ending in `.json` is read as JSON, any other as YAML, by the safe loader.
    aoi : Aoi, optional
        Whose outlines the sub-areas of its claims must name; the bundled one of each claim's camp without it.
    document : Path, optional
        The document that the quotes are from; plain text in UTF-8. Without it, the `.txt` or `.md`
        file beside the ledger that bears the ledger's `document` as its name, if there is one.

    Raises
    ------
    MissingInputError
        When there is no such file.
    ClaimError
        When it is no YAML or JSON, gives a key twice, does not fit the model, names a sub-area without geometry, or quotes what the document does not
        say; one line that names the file, the line, the claim, and what to do. :func:`ledger_faults` lists all of them.
    """
    ledger, faults = _read(path, aoi, document)
    if ledger is None or faults:
        first = faults[0]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        where = f"{path}, line {first.line}" if first.line else path
        raise ClaimError(first.what + more, where=where, got=first.got, remedy=first.remedy)
    return ledger


def ledger_faults(path: Path, *, aoi: Aoi | None = None, document: Path | None = None) -> tuple[str, ...]:
    """Return everything for which :func:`load_ledger` refuses a file, one line each in the order of the file; empty where it is taken.

    Raises
    ------
    MissingInputError, ClaimError
        When the file cannot be read at all.
    """
    faults = _read(path, aoi, document)[1]
    return tuple(str(ClaimError(f.what, where=f"{path}, line {f.line}" if f.line else path, got=f.got, remedy=f.remedy)) for f in faults)


@cache
def bundled_ledgers() -> tuple[Ledger, ...]:
    """Return the bundled ledgers, by file name."""
    return tuple(load_ledger(path) for path in sorted(data_folder("claims").glob("*.yaml")))


def claims_of(camp: str) -> tuple[Claim, ...]:
    """Return the bundled claims about a camp (AOI id, `system` or `method`), in the order of their documents; none where no document speaks of it."""
    return tuple(claim for ledger in bundled_ledgers() for claim in ledger.claims if claim.camp == camp.casefold())


def places_of(camp: str) -> tuple[Place, ...]:
    """Return the places that bundled ledgers with claims about a camp name, each once."""
    speaking = [ledger for ledger in bundled_ledgers() if any(claim.camp == camp.casefold() for claim in ledger.claims)]
    return tuple({place.name: place for ledger in speaking for place in ledger.places}.values())


def _read(path: Path, aoi: Aoi | None, document: Path | None) -> tuple[Ledger | None, list[Fault]]:
    parsed = parse(_text(path, "a ledger in YAML or JSON"), path)
    if not isinstance(parsed.data, dict):
        got = type(parsed.data).__name__
        raise ClaimError("not a ledger", where=path, got=got, expected="a mapping with document, title and claims", remedy=REMEDY)
    doubles = list(_doubles(parsed))
    try:
        ledger = Ledger.model_validate(parsed.data)
    except ValidationError as error:
        details = error.errors()
        # A list of which an item is wrong is also told to be too short: what lies deeper says it better.
        deepest = [d for d in details if not any(o["loc"][: len(d["loc"])] == d["loc"] and len(o["loc"]) > len(d["loc"]) for o in details)]
        # The model tells doubles too, of the whole ledger and so without a line.
        told = [d for d in deepest if d["loc"] or not doubles]
        faults = [*doubles, *(Fault(parsed.line(d["loc"]), _in_words(d, parsed.data), _short(d), REMEDY) for d in told)]
        return None, sorted(faults, key=lambda f: f.line or 0)
    document = document or _beside(path, ledger.document)
    found = [*_without_geometry(ledger, parsed, aoi), *(_misquoted(ledger, parsed, document) if document else ())]
    return ledger, sorted(found, key=lambda f: f.line or 0)


def _beside(path: Path, name: str) -> Path | None:
    """Return the document that lies beside a ledger as plain text under a bare name; None where there is none. A ledger does not point elsewhere."""
    if "/" in name or "\\" in name or not name.lower().endswith(TEXTS):
        return None
    document = path.parent / name
    return document if document.is_file() else None


def _text(path: Path, expected: str) -> str:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise MissingInputError(what, where=path, expected=expected, remedy="check the path")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ClaimError(f"not UTF-8 at byte {error.start}", where=path, remedy="save the file as UTF-8") from error


def _doubles(parsed: Parsed) -> Iterator[Fault]:
    """Yield the claims whose id an earlier one has, where they stand."""
    claims = parsed.data.get("claims")
    seen: set[str] = set()
    for n, claim in enumerate(claims if isinstance(claims, list) else []):
        name = claim.get("id") if isinstance(claim, dict) else None
        if isinstance(name, str) and name in seen:
            yield Fault(parsed.line(("claims", n, "id")), "claim id given twice", repr(name), "give each claim an id of its own")
        elif isinstance(name, str):
            seen.add(name)


def _without_geometry(ledger: Ledger, parsed: Parsed, aoi: Aoi | None) -> Iterator[Fault]:
    """Yield the sub-areas that no outline of their camp has; a camp whose outlines are not known here is left to who loads them."""
    for n, claim in enumerate(ledger.claims):
        known = aoi if aoi is not None and aoi.id == claim.camp else load_aoi(claim.camp) if claim.camp in bundled() else None
        for m, reading in enumerate(claim.readings):
            if reading.sub_area is None or known is None or reading.sub_area in {o.id for o in known.outlines}:
                continue
            outlines = ", ".join(o.id for o in known.outlines)
            line = parsed.line(("claims", n, "readings", m, "sub_area"))
            what = f"claim {claim.id} › {reading.id}: sub-area has no geometry"
            yield Fault(line, what, repr(reading.sub_area), f"name an outline of {known.id} ({outlines}), or add one to its AOI")


def _misquoted(ledger: Ledger, parsed: Parsed, document: Path) -> Iterator[Fault]:
    """Yield the quotes that the document does not hold; runs of spaces and line breaks count as one space."""
    text = _text(document, "the document that the quotes are from")
    digest = hashlib.sha256(document.read_bytes()).hexdigest()
    if ledger.sha256 not in ("", digest):
        what = f"the document {document.name} is not the one that was quoted: its SHA-256 differs"
        yield Fault(parsed.line(("sha256",)), what, digest, "bring the document that was quoted, or read the quotes again and give its SHA-256")
    whole = " ".join(text.split())
    for n, claim in enumerate(ledger.claims):
        quote = " ".join(claim.quote.split())
        if quote not in whole:
            agrees = next((quote[:end] for end in range(len(quote) - 1, 0, -1) if quote[:end] in whole), "")
            upto = f"it agrees up to {agrees[-30:]!r}" if agrees.strip() else "not even its beginning does"
            what = f"claim {claim.id}: the quote does not stand in {document.name}"
            yield Fault(parsed.line(("claims", n, "quote")), what, None, f"{upto}; quote letter for letter, typographic marks included")


def _in_words(detail: ErrorDetails, data: dict[str, Any]) -> str:
    """Say where in the ledger, by claim id where there is one, and what is wrong."""
    place = list(detail["loc"])
    try:
        if len(place) >= 2 and place[0] == "claims":
            place[:2] = [f"claim {data['claims'][place[1]]['id']}"]
    except (KeyError, TypeError, IndexError):
        pass  # the claim has no id to be named by; its number stays
    message = detail["msg"].removeprefix("Value error, ")
    return f"{' › '.join(str(p) for p in place)}: {message}" if place else message


def _short(detail: ErrorDetails) -> str | None:
    """Return the offending value, where it is small enough to help."""
    text = repr(detail["input"])
    return text if len(text) <= 80 and detail["type"] != "missing" else None
