"""Asking a STAC API which scenes it has; what the server may not have understood is checked here again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
from shapely.errors import ShapelyError
from shapely.geometry import shape

from camwatch.errors import ConfigError, SceneError
from camwatch.scenes.access.jsonvalues import mapping, number, objects, parse
from camwatch.scenes.dates import parse_time
from camwatch.scenes.fetching.remote import parts_of, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from shapely.geometry.base import BaseGeometry

    from camwatch.scenes.fetching.remote import Answer, Http

APIS = {"earth-search": "https://earth-search.aws.element84.com/v1", "planetary-computer": "https://planetarycomputer.microsoft.com/api/stac/v1"}
"""Public archives by name."""
SIGNERS = {"planetary-computer": "https://planetarycomputer.microsoft.com/api/sas/v1/sign"}
"""Where an archive hands out signed addresses, without a log-in."""
PAGE_SIZE, PAGES = 100, 200


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for.

    Attributes
    ----------
    collection : str
    area : geometry
        EPSG:4326; only its bounding box is told to the server.
    since, until : date
        First and last day, UTC.
    max_cloud : float or None
        Percent of the whole scene; None for any.
    min_cover : float
        Share of `area` inside the scene's outline, 0..1.
    platform : str
        Empty for any.
    limit : int or None
        At most so many scenes, the clearest first.
    """

    collection: str
    area: BaseGeometry
    since: date
    until: date
    max_cloud: float | None = None
    min_cover: float = 0.0
    platform: str = ""
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.until < self.since:
            raise ConfigError("days in the wrong order", got=f"{self.since} to {self.until}", expected="--from before --to")
        if not 0 <= self.min_cover <= 1 or (self.limit is not None and self.limit < 1):
            raise ConfigError("search makes no sense", got=f"cover {self.min_cover}, limit {self.limit}", expected="cover 0..1, limit 1 or more")

    @property
    def bbox(self) -> tuple[float, float, float, float]:
        """West, south, east, north: all that the server is told of where the site lies."""
        west, south, east, north = self.area.bounds
        return west, south, east, north


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search found: Items to bring, by (datetime, id), and (id, reason) of those that it passed over."""

    items: tuple[dict[str, Any], ...]
    passed_over: tuple[tuple[str, str], ...]


def search(http: Http, api: str, query: Query) -> Hits:
    """Return the Items of a STAC API that answer a query.

    Collection, days and bounding box are asked of the server; they, and all that is not asked because servers differ in it, are checked here.

    Raises
    ------
    SceneError
        When the server does not answer as a STAC API does.
    """
    found: dict[str, dict[str, Any]] = {}
    passed: dict[str, str] = {}
    for document in _items(http, api, query):
        name = str(document.get("id") or "")[:200] if isinstance(document, dict) else ""
        reason = _unfit(document, query) if name else "no STAC Item"
        if reason:
            passed.setdefault(name or "(without id)", reason)
        else:
            found.setdefault(name, document)
    clearest = sorted(found.values(), key=lambda item: (_cloud(item) if _cloud(item) is not None else 101.0, _when(item), item["id"]))
    for item in clearest[query.limit :] if query.limit is not None else []:
        passed[item["id"]] = f"more than {query.limit} scenes, and others are clearer"
    chosen = sorted(clearest[: query.limit], key=lambda item: (_when(item), item["id"]))
    return Hits(tuple(chosen), tuple(sorted(passed.items())))


def _items(http: Http, api: str, query: Query) -> Iterator[Any]:
    """Yield the features of all pages; servers page by a link with a body (POST) or with everything in its address (GET)."""
    days = f"{query.since.isoformat()}T00:00:00Z/{query.until.isoformat()}T23:59:59.999999Z"
    first: dict[str, Any] = {"collections": [query.collection], "bbox": list(query.bbox), "datetime": days, "limit": PAGE_SIZE}
    address = api.rstrip("/") + "/search"
    body: dict[str, Any] | None = first
    asked = set()
    for _ in range(PAGES):
        asked.add((address, json.dumps(body, sort_keys=True)))
        page = _page(http, address, body)
        yield from page["features"]
        following = next((link for link in objects(page.get("links")) if link.get("rel") == "next"), None)
        if following is None or not page["features"]:
            return
        address, body = _next(following, api, first)
        if (address, json.dumps(body, sort_keys=True)) in asked:
            raise SceneError("server pages in circles", where=shown(address), remedy="search fewer days at a time")
    raise SceneError("server has too many pages", where=shown(api), got=f"over {PAGES}", remedy="search fewer days at a time")


def _page(http: Http, address: str, body: dict[str, Any] | None) -> dict[str, Any]:
    def check(answer: Answer) -> str:
        if answer.status != 200:
            return ""
        try:
            said = parse(answer.body)
        except ValueError:
            return f"no JSON ({answer.headers.get('content-type', 'no type')[:60]})"
        return "" if isinstance(said, dict) and isinstance(said.get("features"), list) else "JSON without features"

    answer = http.ask(address, body=body, accept=frozenset({200, 405} if body is not None else {200}), check=check)
    if answer.status == 405 and body is not None:  # an API that searches by GET alone
        flat = {key: ",".join(map(str, value)) if isinstance(value, list) else value for key, value in body.items()}
        answer = http.ask(f"{address}?{urlencode(flat)}", check=check)
    page: dict[str, Any] = parse(answer.body)
    return page


def _next(link: Mapping[str, Any], api: str, first: Mapping[str, Any]) -> tuple[str, dict[str, Any] | None]:
    """Return address and body of the next page (STAC API specification, item-search, pagination)."""
    home, there = parts_of(api), parts_of(str(link.get("href")))
    if there.hostname != home.hostname or there.scheme not in ("http", "https"):
        raise SceneError("next page lies on another server", where=shown(api), got=shown(str(link.get("href"))), remedy="do not trust this server")
    address = there._replace(scheme=home.scheme).geturl()  # servers behind a proxy call themselves http
    if str(link.get("method", "GET")).upper() != "POST":
        return address, None
    own = mapping(link.get("body"))
    return address, {**first, **own} if link.get("merge") else own


def _unfit(document: dict[str, Any], query: Query) -> str:
    """Return why an Item is not what was searched for; empty where it is."""
    said, when = document.get("properties"), _when(document)
    if not isinstance(said, dict) or not isinstance(document.get("assets"), dict) or not when:
        return "no STAC Item with a datetime and assets"
    cloud, cover = _cloud(document), _cover(document, query.area)
    checks = (
        (document.get("collection") != query.collection, f"is of collection {document.get('collection')}"),
        (not query.since.isoformat() <= when[:10] <= query.until.isoformat(), f"was taken on {when[:10]}"),
        (bool(query.platform) and said.get("platform") != query.platform, f"was taken by {said.get('platform')}"),
        (query.max_cloud is not None and cloud is None, "states no cloud cover"),
        (query.max_cloud is not None and cloud is not None and cloud > query.max_cloud, f"cloud cover {cloud} %"),
        (cover is None, "has no outline that can be used"),
        (cover is not None and (cover <= 0 or cover < query.min_cover), f"covers {100 * (cover or 0):.0f} % of the area"),
    )
    return next((reason for unfit, reason in checks if unfit), "")


def _when(document: Mapping[str, Any]) -> str:
    """Return when an Item says it was taken, UTC, as sortable text; empty where it does not."""
    said = mapping(document.get("properties"))
    stated = said.get("datetime") or said.get("start_datetime")
    when = parse_time(str(stated or ""))
    return when.isoformat() if when else ""


def _cloud(document: Mapping[str, Any]) -> float | None:
    return number(document["properties"].get("eo:cloud_cover"))


def _cover(document: Mapping[str, Any], area: BaseGeometry) -> float | None:
    """Return the share of the area inside the Item's outline; None where that is no outline."""
    try:
        with np.errstate(all="ignore"):  # what is no longitude is told below
            outline = shape(document.get("geometry") or {})
        bounds = outline.bounds
        if not bounds or not all(-360 <= side <= 360 for side in bounds):
            return None
        return float(outline.buffer(0).intersection(area).area / area.area)
    except (ShapelyError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError):
        return None
