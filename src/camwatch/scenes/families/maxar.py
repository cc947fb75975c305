"""Deliveries of Maxar (DigitalGlobe, Vantor): GeoTIFF images or tiles with .IMD or .XML beside them, and .TIL where there are several tiles.

A product is one acquisition: the multispectral part (`…_P001_MUL`) and the panchromatic part (`…_P001_PAN`) of the same catalogue identifier and
order part are one Item with a `pan` band, as with Landsat. A pan-sharpened part is an Item of its own; so is every other part of an order.

Format: DigitalGlobe, Imagery Support Data Documentation, version 1.1.2 (2014). The bands of a file are those of `bandId` where it spells them (RGB,
NRG, BGRN), else the band groups in their order. Zero is fill in 16-bit images. Images without a map projection (1B) are placed by their rational
polynomials (.RPB, the RPB group of an .XML, or the tags of an image that is no tile), else by the corner coordinates of the metadata.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from camwatch.errors import CamwatchError, SceneError
from camwatch.scenes.access.files import base_of, without_suffix
from camwatch.scenes.access.pairs import LARGEST_GSD_M, Pairs, sun_of, within
from camwatch.scenes.build import build_item
from camwatch.scenes.dates import parse_time
from camwatch.scenes.facts import Facts, Layer
from camwatch.scenes.families.maxar_parts import Names, Part, delivery, documents_of, read_part
from camwatch.scenes.families.maxar_rasters import drafts_of
from camwatch.scenes.product import Family, Found

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pystac

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.placement import Located
    from camwatch.scenes.product import Given

SATELLITES = {
    "QB02": "quickbird-2",
    "WV01": "worldview-1",
    "WV02": "worldview-2",
    "WV03": "worldview-3",
    "WV04": "worldview-4",
    "GE01": "geoeye-1",
    "IK02": "ikonos-2",
}

POINTING_M = {"QB02": 13.8}
OTHER_POINTING_M = 3.5
"""Root mean square error of where a satellite pointed, without relief: 90 % within 21 m (QuickBird) and 5.3 m (WorldView-1, later ones are no worse),
B. Smiley, The absolute and relative geolocation accuracies of QB02 and WV01, ASPRS 2009; 90 % of a round normal error lie within 1.517 of it."""


def find_maxar(files: Files) -> list[Found]:
    """Return one product for each acquisition: an image with its metadata, or a multispectral and a panchromatic one that belong together."""
    groups: dict[tuple[str, ...], list[tuple[Part, frozenset[str]]]] = {}
    names = Names(files.names)
    for document in documents_of(files):
        members = names.of(document)
        part = Part(document, Pairs(), ())
        try:
            part = read_part(replace(files, names=members), document)
        except CamwatchError:
            key: tuple[str, ...] = (document,)  # damaged: a product by itself, of which the reader will say what is wrong
        else:
            order, image = part.said.text("productOrderId"), part.said.text("catId", "productCatalogId")
            alone = not order or not image or part.sharpened
            key = (document,) if alone else (delivery(document), order, image)
        groups.setdefault(key, []).append((part, frozenset(members)))
    products = []
    for group in groups.values():
        pans = [entry for entry in group if entry[0].is_pan]
        if len(group) == 2 and len(pans) == 1:
            first = next(entry for entry in group if entry is not pans[0])
            products.append(Found(first[0].document, first[1] | pans[0][1]))
        else:
            products += [Found(part.document, members) for part, members in group]
    return products


def read_maxar(files: Files, name: str, _given: Given = None) -> pystac.Item:
    """Return the Item of one acquisition; `name` is the metadata member of its first part.

    Raises
    ------
    SceneError
        When metadata is damaged, states no time, or names no image that is here; when an image is not placed on the ground.
    """
    documents = [name, *(other for other in documents_of(files) if other != name)]
    names = Names(files.names)
    parts = [read_part(replace(files, names=names.of(document)), document) for document in documents]
    said, where = parts[0].said, str(files.root / name)
    when, key, times = _times(said, where)
    strip = next((image for _, image in said.sections(r"IMAGE(_\d+)?")), said)
    azimuth, elevation = (_angle(strip, said, *keys) for keys in (("meanSunAz", "sunAz"), ("meanSunEl", "sunEl")))
    off_nadir = _angle(strip, said, "meanOffNadirViewAngle", "offNadirViewAngle")
    drafts = [draft for part in parts for draft in drafts_of(files, part, elevation, when)]
    if not drafts:
        raise _without_pixels(files, where)
    calibrated = all(draft.scaling is not None for draft in drafts)
    layers = [draft.layer(calibrated=calibrated) for draft in drafts]
    texts = [text for part in parts for text in (part.document, part.til) if text]
    texts += sorted({draft.whole.source for draft in drafts if draft.whole is not None and draft.whole.source})
    layers += [Layer(f"metadata-{n}", files.href(text), metadata=True) for n, text in enumerate(texts, 1)]
    satellite = said.text("satId").upper()
    fits = [draft.whole for draft in drafts if draft.whole is not None]
    image = said.text("catId", "productCatalogId")
    more: dict[str, Any] = dict(fits[0].more) if fits else {}
    more |= {"maxar:catalog_id": image} if image else {}
    if max(times) > min(times):
        more |= {"start_datetime": f"{min(times):%Y-%m-%dT%H:%M:%S.%fZ}", "end_datetime": f"{max(times):%Y-%m-%dT%H:%M:%S.%fZ}"}
    return build_item(
        Facts(
            id=without_suffix(base_of(name)),
            family="maxar",
            acquired=when,
            date_source=f"metadata {key}",
            calibration="toa reflectance" if calibrated else "dn",
            simulated=False,
            sun=sun_of(azimuth, elevation),
            off_nadir=None if off_nadir is None else abs(off_nadir),
            gsd=within(said.number("meanCollectedGSD", "collectedGSD", "meanProductGSD", "productGSD"), 0.01, LARGEST_GSD_M),
            platform=SATELLITES.get(satellite, satellite.lower()),
            position_error_m=_position_error_m(fits, satellite),
            more=more,
        ),
        layers,
    )


def _without_pixels(files: Files, where: str) -> SceneError:
    """Return what to say of metadata beside which lies no image that is read."""
    nitf = any(other.lower().endswith((".ntf", ".nitf")) for other in files.names)
    what = "metadata without pixels: " + ("NITF is no format that is read here" if nitf else "no image of this product is here")
    remedy = "order GeoTIFF or convert to it" if nitf else "keep image and metadata together"
    return SceneError(what, where=where, expected="GeoTIFF or JPEG 2000 images that bear its name", remedy=remedy)


def _position_error_m(fits: Sequence[Located], satellite: str) -> float | None:
    """Return how far the images may lie off, at worst: what their placing left, and where the satellite pointed; None where nothing tells."""
    pointing = POINTING_M.get(satellite, OTHER_POINTING_M)
    return max((math.hypot(fit.error_m, fit.stated_m or pointing) for fit in fits if fit.error_m is not None), default=None)


def _times(said: Pairs, where: str) -> tuple[datetime, str, tuple[datetime, ...]]:
    """Return when the first strip was taken, the key that says so, and the times of all strips."""
    strips = [image for _, image in said.sections(r"IMAGE(_\d+)?")]
    for key in ("firstLineTime", "TLCTime", "earliestAcqTime", "acquisitionTime"):
        stated = [parse_time(text) for text in [strip.text(key) for strip in strips] or [said.text(key)]]
        times = tuple(time for time in stated if time is not None) or tuple(filter(None, [parse_time(said.text(key))]))
        if times:
            return times[0], key, times
    raise SceneError("metadata states no time of acquisition", where=where, expected="firstLineTime or earliestAcqTime")


def _angle(strip: Pairs, said: Pairs, *keys: str) -> float | None:
    """Return an angle in degrees; None where it is absent or what the vendor writes for unknown (-999)."""
    value = strip.number(*keys)
    return within(said.number(*keys) if value is None else value, -360, 360)


MAXAR = Family("maxar", find_maxar, read_maxar, alone=True)
