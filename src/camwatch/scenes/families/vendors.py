"""Images of other vendors with a small text or XML beside them: one description each, one reader for all.

The descriptions stand in `camwatch.scenes.families.vendor_layouts`. What a delivery's metadata does not state stays unstated: some of these
texts hold a date and little else. Images without a map grid are placed by rational polynomials (beside them, or in their tags), else by the corners
that the text states. No published irradiances are used, values stay digital numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from camwatch.errors import CamwatchError, SceneError
from camwatch.scenes.access.files import base_of, folder_of, without_suffix
from camwatch.scenes.access.gdal import read_header
from camwatch.scenes.access.numbers import finite
from camwatch.scenes.access.pairs import BLOCK, LARGEST_GSD_M, Pairs, parse_pairs, sun_of, within
from camwatch.scenes.bands import alpha_bands, name_vendor_bands
from camwatch.scenes.build import build_item
from camwatch.scenes.dates import parse_time
from camwatch.scenes.facts import Channel, Facts, Layer
from camwatch.scenes.families.vendor_layouts import ANY_NAME, VENDORS
from camwatch.scenes.placement import fitted
from camwatch.scenes.product import Family, Found
from camwatch.scenes.rpc import locate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pystac

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.access.gdal import Header
    from camwatch.scenes.families.vendor_layouts import Vendor
    from camwatch.scenes.placement import Located
    from camwatch.scenes.product import Given

_SUFFIXES = (".tif", ".tiff", ".jp2", ".img")
_DMS = re.compile(r"([-+]?)(\d+):(\d+):(\d+(?:\.\d+)?)$")
_DAY_FIRST = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


@dataclass(frozen=True, slots=True)
class _Beside:
    """The members of one folder, so that those of one image are found among many thousands."""

    images: tuple[str, ...]
    others: dict[str, list[str]]  # file name up to its first dot, lower case → members

    @classmethod
    def of(cls, names: Sequence[str]) -> dict[str, _Beside]:
        """Return the members by folder."""
        folders: dict[str, list[str]] = {}
        for name in names:
            folders.setdefault(folder_of(name), []).append(name)
        return {folder: cls._in(inside) for folder, inside in folders.items()}

    @classmethod
    def _in(cls, names: Sequence[str]) -> _Beside:
        others: dict[str, list[str]] = {}
        for name in names:
            if not name.lower().endswith(_SUFFIXES):
                others.setdefault(base_of(name).split(".")[0].lower(), []).append(name)
        return cls(tuple(name for name in names if name.lower().endswith(_SUFFIXES)), others)

    def companions(self, of: Sequence[str]) -> list[str]:
        """Return the small files that bear the name of one of these: coefficients, world files, headers."""
        stems = [without_suffix(base_of(name)).lower() for name in of]
        return [name for stem in stems for end in ("", "_rpc") for name in self.others.get(stem + end, [])]


def find_vendors(files: Files) -> list[Found]:
    """Return one product for each metadata member of a known vendor; a GeoEye delivery that shows several source images is several."""
    products: list[Found] = []
    for beside in _Beside.of(files.names).values():
        stems = {without_suffix(base_of(image)).lower() for image in beside.images}
        owned: set[str] = set()
        for name in sorted(name for names in beside.others.values() for name in names):
            vendor = _vendor_of(files, name, stems)
            images = _images(beside.images, name, vendor) if vendor is not None else []
            if vendor is None or (images and owned.issuperset(images)):
                continue  # of two texts about the same images the first tells enough
            owned.update(images)
            try:
                parts = _by_image(parse_pairs(files.read(name), name), images)
            except CamwatchError:
                parts = {}
            groups = [(f"{name}#{part}", chosen) for part, chosen in sorted(parts.items())] if len(parts) > 1 else [(name, images)]
            products += [Found(called, frozenset([name, *chosen, *beside.companions([*chosen, name])])) for called, chosen in groups]
    return products


def _vendor_of(files: Files, name: str, stems: set[str]) -> Vendor | None:
    """Return whose metadata a member is; names that say nothing are looked into only where an image of the same name lies beside them."""
    for vendor in VENDORS:
        if re.fullmatch(vendor.document, base_of(name), re.IGNORECASE) and (
            vendor.document not in ANY_NAME or without_suffix(base_of(name)).lower() in stems
        ):
            try:
                if vendor.marker.lower() in files.read(name).lower():
                    return vendor
            except CamwatchError:
                return None
    return None


def read_vendors(files: Files, name: str, _given: Given = None) -> pystac.Item:
    """Return the Item of one product; `name` is its metadata member, with `#` and the source image where that describes several.

    Raises
    ------
    SceneError
        When the metadata is damaged or states no date, or no image that belongs to it is here.
    """
    document, part = (name, "") if name in files.names else name.rsplit("#", 1)
    where = str(files.root / document)
    vendor = _vendor_of(files, document, {without_suffix(base_of(other)).lower() for other in files.names if other != document})
    if vendor is None:
        raise SceneError("metadata of no known vendor", where=where, expected=", ".join(vendor.name for vendor in VENDORS))
    whole = parse_pairs(files.read(document), where)
    images = _images([other for other in files.names if other.lower().endswith(_SUFFIXES)], document, vendor)
    said = _of_image(whole, part or next(iter(_by_image(whole, images)), ""))
    if not images:
        raise SceneError("metadata without pixels: no image that belongs to it is here", where=where, remedy="keep image and metadata together")
    when, source = _acquired(vendor, said, where)
    layers, errors = [], []
    more: dict[str, Any] = {}
    for image in images:
        href = files.href(image)
        header = read_header(href, companions=True)
        placed = None if header.georeferenced else _located(files, vendor, said, header, image)
        box = None if placed is None else placed.geobox
        stem = without_suffix(base_of(image))
        names = _band_names(vendor, _tail(vendor, document, stem), header)
        channels = tuple(Channel(band, nodata=_fill(vendor, header, n), number=n + 1) for n, band in enumerate(names))
        layers.append(Layer(stem, href, channels, header=header, placed=box))
        layers += [Layer(f"{stem}-alpha", href, mask="alpha", index=n, header=header, placed=box) for n in alpha_bands(header) if not names[n - 1]]
        if placed is not None:
            errors.append(placed.position_error_m)
            more |= placed.more
            layers += [Layer(f"rpc-{stem}", files.href(placed.source), metadata=True)] if placed.source else []
    layers.append(Layer("metadata", files.href(document), metadata=True))
    tilt, incidence, height = (within(said.number(*keys), -90, 90) for keys in (vendor.off_nadir, vendor.incidence, vendor.elevation))
    incidence = 90 - height if incidence is None and height is not None else incidence
    spacings = [number for number in (within(said.number(key), 0.01, LARGEST_GSD_M) for key in vendor.gsd) if number is not None]
    identifier = said.text(*vendor.identifier) or without_suffix(base_of(images[0] if vendor.document.startswith("()") else document))
    return build_item(
        Facts(
            id=f"{identifier}#{part}" if part else identifier,
            family=vendor.name,
            acquired=when,
            date_source=source,
            calibration="dn",
            simulated=False,
            sun=sun_of(said.number(*vendor.sun_azimuth), said.number(*vendor.sun_elevation)),
            off_nadir=None if tilt is None else abs(tilt),
            gsd=round(sum(spacings) / len(spacings), 6) if spacings else None,
            platform=said.text(*vendor.platform).lower(),
            instrument=said.text(*vendor.instrument).lower(),
            position_error_m=max((error for error in errors if error is not None), default=None),
            more=more | ({} if incidence is None else {"view:incidence_angle": round(abs(incidence), 6)}),
        ),
        layers,
    )


def _tail(vendor: Vendor, document: str, stem: str) -> re.Match[str] | None:
    """Return what follows the common stem in an image's name; None where the image is none of this metadata."""
    found = re.fullmatch(vendor.document, base_of(document), re.IGNORECASE)
    common = found[1] if found else ""
    return re.fullmatch(vendor.image, stem[len(common) :], re.IGNORECASE) if stem.lower().startswith(common.lower()) else None


def _images(images: Sequence[str], document: str, vendor: Vendor) -> list[str]:
    return [name for name in images if _tail(vendor, document, without_suffix(base_of(name)))]


def _by_image(said: Pairs, images: Sequence[str]) -> dict[str, list[str]]:
    """Return the images by the source image that they show, where the text tells that (GeoEye: component → product image)."""
    blocks = [block for _, block in said.sections(BLOCK)]
    shown = {block.text("Component ID"): block.text("Product Image ID") for block in blocks if block.text("Component ID")}
    parts: dict[str, list[str]] = {}
    for image in images:
        component = without_suffix(base_of(image)).rsplit("_", 1)[-1]
        if shown.get(component):
            parts.setdefault(shown[component], []).append(image)
    return parts


def _of_image(said: Pairs, part: str) -> Pairs:
    """Return what the text says of one source image first, then the rest."""
    own = [block for _, block in said.sections(BLOCK) if part and block.text("Product Image ID") == part]
    return Pairs(tuple(pair for block in own for pair in block.entries) + said.entries)


def _acquired(vendor: Vendor, said: Pairs, where: str) -> tuple[datetime, str]:
    for keys in vendor.dates:
        values = [said.text(key) for key in keys]
        text = "T".join(_DAY_FIRST.sub(r"\3-\2-\1", value) for value in values if value)
        when = parse_time(text + vendor.zone) if all(values) and len(values) > 1 else parse_time(text)
        if when is not None and all(values):
            return when, f"metadata {' and '.join(keys)}"
    raise SceneError("metadata states no date of acquisition", where=where, expected=" or ".join(" and ".join(keys) for keys in vendor.dates))


def _band_names(vendor: Vendor, tail: re.Match[str] | None, header: Header) -> tuple[str, ...]:
    which = (tail[1] or "").lower() if tail is not None and tail.re.groups else ""
    names = dict(vendor.bands).get(which, ())
    if len(names) == header.count:
        return names
    return vendor.multi if len(vendor.multi) == header.count else name_vendor_bands(header)


def _fill(vendor: Vendor, header: Header, n: int) -> float | None:
    return header.nodata[n] if header.nodata[n] is not None or header.dtype != "uint16" else vendor.fill


def _located(files: Files, vendor: Vendor, said: Pairs, header: Header, image: str) -> Located | None:
    """Return where rational polynomials, else the stated corners, put an image; None where neither is stated."""
    rows, cols = header.shape
    known: list[tuple[float, ...]] = []
    for (section, lat_key, lon_key), pixel in zip(vendor.corners, ((0, 0), (cols, 0), (cols, rows), (0, rows)), strict=bool(vendor.corners)):
        group = next((part for _, part in said.sections(section)), Pairs()) if section else said
        # KOMPSAT states latitude and longitude in one value.
        latitude, longitude = _degrees(group.text(lat_key).split(" ")[0]), _degrees(group.text(lon_key).split(" ")[-1])
        if latitude is not None and longitude is not None:
            known.append((*pixel, longitude, latitude))
    table = np.array(known, float).reshape(-1, 4)
    fit = locate(files, image, header, known=(table[:, :2], table[:, 2:], None))
    if fit is not None or len(known) < 3:
        return fit
    return fitted(header.shape, table[:, :2], table[:, 2:], "corners in the metadata; relief not removed", files.href(image))


def _degrees(text: str) -> float | None:
    """Return decimal degrees of `54.8365` or `54:50:11.36`; None for anything else."""
    if found := _DMS.match(text):
        return (-1 if found[1] == "-" else 1) * (int(found[2]) + int(found[3]) / 60 + float(found[4]) / 3600)
    return finite(text)


OTHER_VENDORS = Family("vendors", find_vendors, read_vendors, alone=True)
