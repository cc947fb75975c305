"""Rules about places and distances, and about published figures that stand beside claims."""

from __future__ import annotations

import math
from itertools import combinations, product
from typing import TYPE_CHECKING

from camwatch.claims._compare import apart, comparable, dimension, figure, note, overlap, reach
from camwatch.claims.typed import Quantity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camwatch.claims._compare import Book, LintNote
    from camwatch.claims.model import Claim
    from camwatch.claims.typed import Place, Published, Where

    Box = tuple[float, float, float, float]

EARTH_KM = 6371.0
REACH_KM = {"in": 10.0, "edge of": 15.0, "bank of": 5.0, "near": 40.0}
"""How far from a town's coordinate something may lie that is said to be in it, at its edge, on its bank, or near it."""
WORDS = {"edge of": "at the edge of", "bank of": "on the bank of"}
SPREAD = 2.0
"""Published figures for one thing at one time that differ by this factor or more disagree."""


def regions(book: Book) -> Iterator[LintNote]:
    """Places given for one thing that share no ground; two rivers on whose bank one thing is said to lie."""
    for one, two in book.pairs():
        pairs = [(a, b) for a, b in product(one.readings, two.readings) if (a.subject, a.sub_area) == (b.subject, b.sub_area)]
        wheres = [(p, q) for a, b in pairs if overlap(a.interval, b.interval) for p, q in product(a.where, b.where)]
        for p, q in wheres:
            if _asunder(p, q, book):
                yield note("place", f"{_words(p)} and {_words(q)} share no ground", one, two)
                break
            if p.relation == q.relation == "bank of" and p.place != q.place:
                yield note("place", f"{_words(p)} and {_words(q)}: two rivers for one place", one, two)
                break


def _asunder(p: Where, q: Where, book: Book) -> bool:
    one, two = _box(p, book), _box(q, book)
    return one is not None and two is not None and (one[0] >= two[2] or two[0] >= one[2] or one[1] >= two[3] or two[1] >= one[3])


def _box(where: Where, book: Book) -> Box | None:
    """Return the ground that a statement allows, (west, south, east, north) in degrees; None where the place has no coordinates."""
    place = book.places[where.place]
    if where.relation == "away from":
        return None
    if place.box is None:
        return None if place.point is None else _around(place.point, REACH_KM[where.relation])
    west, south, east, north = place.box
    middle = (west + east) / 2, (south + north) / 2
    sector = (where.sector or "").split("-")
    if "north" in sector:
        south = middle[1]
    if "south" in sector:
        north = middle[1]
    if "east" in sector:
        west = middle[0]
    if "west" in sector:
        east = middle[0]
    return west, south, east, north


def _around(point: tuple[float, float], km: float) -> Box:
    dy = math.degrees(km / EARTH_KM)
    dx = dy / max(math.cos(math.radians(point[1])), 0.01)
    return point[0] - dx, point[1] - dy, point[0] + dx, point[1] + dy


def _words(where: Where) -> str:
    return f'"{WORDS.get(where.relation, where.relation)} {f"the {where.sector} of " if where.sector else ""}{where.place}"'


def extents(book: Book) -> Iterator[LintNote]:
    """A distance to a thing that is larger than the distance: from which point of it?"""
    sites = [s for s in book.said("area", aspects=("state",)) if s.subject == "site" and s.reading.sub_area is None]
    for distance, site in product(book.said("distance", aspects=("state",)), sites):
        far, size = distance.reading.quantity, site.reading.quantity
        if distance.claim.camp != site.claim.camp or distance.reading.sub_area or distance.reading.subject != "camp" or far is None or size is None:
            continue
        if dimension(size.unit) != "m2" or not overlap(distance.reading.interval, site.reading.interval):
            continue
        across, most = 2 * math.sqrt(max(reach(size)[0], 0) / math.pi), reach(far)[1]
        if math.isfinite(across) and most < across:
            told = (
                f"a distance of {figure(far.high or 0)} {far.unit} to a site some {across / 1000:.0f} km across: from which point of it is not said"
            )
            ids = {distance.claim.id, site.claim.id}
            yield note("extent", told, *(c for c in book.claims if c.id in ids))


def published(book: Book) -> Iterator[LintNote]:
    """No published figure for a reading fits it; published figures for it differ by a factor; a published position is elsewhere."""
    for claim in book.claims:
        for reading in claim.readings:
            figures = [(f, f.quantity) for f in claim.published if f.reading == reading.id and overlap(f.date, reading.interval)]
            held = [(f, q) for f, q in figures if q is not None]
            said = reading.quantity
            near = [(f, q) for f, q in held if comparable(said, q)]
            if said is not None and near and all(apart(said, _loose(q)) for _, q in near):
                yield note("published", f'"{reading.text}" is not what is published: {near[0][0].words}', claim)
            yield from _spread(claim, held)
        yield from _positions(book, claim)


def _loose(quantity: Quantity) -> Quantity:
    """Return a published figure with the slack of *about*: sources round. Years stay as they are."""
    return quantity if quantity.unit == "year" else quantity.model_copy(update={"about": True})


def _spread(claim: Claim, held: list[tuple[Published, Quantity]]) -> Iterator[LintNote]:
    for (f, a), (g, b) in combinations(held, 2):
        if not comparable(a, b) or a.unit == "year" or (f.date is None) != (g.date is None) or not overlap(f.date, g.date):
            continue
        (low_a, high_a), (low_b, high_b) = reach(a), reach(b)
        factor = max(low_a / high_b if high_b > 0 else 1, low_b / high_a if high_a > 0 else 1)
        if factor >= SPREAD:
            yield note("published", f"published figures differ by a factor of {factor:.1f}: {f.words}, and {g.words}", claim)


def _positions(book: Book, claim: Claim) -> Iterator[LintNote]:
    """Compare where a claim puts its subject with where sources put it."""
    for source, reading in product(claim.published, claim.readings):
        if source.where is None:
            continue
        place = book.places[source.where.place]
        for where in reading.where:
            if where.relation == source.where.relation == "bank of" and where.place != source.where.place:
                yield note("published", f"{_words(where)}, but {_words(source.where)} is published: two rivers for one place; {source.source}", claim)
            if place.point is None:
                continue
            far = _distance(where, place, book)
            west, south, east, north = _box(where, book) or (-180.0, -90.0, 180.0, 90.0)
            if not (west <= place.point[0] <= east and south <= place.point[1] <= north):
                told = f"{_words(where)} does not hold the published position {place.point[1]:.3f} N {place.point[0]:.3f} E"
                yield note("published", f"{told}; {source.source}", claim)
            elif far is not None and comparable(reading.quantity, far) and reading.quantity is not None and apart(reading.quantity, _loose(far)):
                told = f"{source.text} is {(far.low or 0) / 1000:.1f} km from {where.place}"
                yield note("published", f'"{reading.text}", but the {told}; {source.source}', claim)


def _distance(where: Where, place: Place, book: Book) -> Quantity | None:
    """Return the distance of two points in metres, on the sphere; None where either has no coordinate."""
    other = book.places[where.place].point
    if where.relation != "away from" or other is None or place.point is None:
        return None
    (lon, lat), (lon2, lat2) = (tuple(map(math.radians, point)) for point in (other, place.point))
    half = math.sin((lat2 - lat) / 2) ** 2 + math.cos(lat) * math.cos(lat2) * math.sin((lon2 - lon) / 2) ** 2
    metres = 2000 * EARTH_KM * math.asin(math.sqrt(half))
    return Quantity(low=metres, high=metres, unit="m")
