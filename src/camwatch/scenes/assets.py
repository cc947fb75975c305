"""Reading the assets of our Items: files that hold the same band, or the same quality layer, on one lattice are its tiles."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from affine import Affine
from odc.geo.geobox import GeoBox

from camwatch.scenes.flags import Flag
from camwatch.scenes.layers import ORDER, Band, Mask, Part, is_polygons
from camwatch.scenes.mosaic import mosaics

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pystac

    from camwatch.scenes.mosaic import Mosaic


def bands_of(item: pystac.Item) -> tuple[Band, ...]:
    """Return where each band lies and how its numbers are meant, in the order of :func:`band_names`.

    Files with the same band and the same numbers on one lattice are its tiles. Where a name still stands for several rasters, the finest counts,
    the first of equally fine ones.
    """
    parts: list[Part] = []
    boxes: list[GeoBox] = []
    said: list[tuple[str, float, float, float | None, float | None, int]] = []
    for asset in item.assets.values():
        if "data" not in (asset.roles or []):
            continue
        geobox = _geobox(asset)
        for index, (name, raster) in enumerate(zip(names_of(asset), asset.extra_fields["raster:bands"], strict=True), 1):
            if name:
                parts.append(_part(asset, index, geobox))
                boxes.append(geobox)
                scaling = float(raster.get("scale", 1)), float(raster.get("offset", 0))
                special = _number(raster.get("nodata")), _number(raster.get("camwatch:saturated"))
                said.append((name, *scaling, *special, int(raster.get("camwatch:number", 0))))
    found: dict[str, Band] = {}
    # By the text of the numbers: a no-data value that is NaN equals itself there.
    for mosaic in mosaics(boxes, [str(numbers) for numbers in said]):
        name, scale, offset, nodata, saturated, number = said[mosaic.members[0]]
        band = Band(name, _placed(parts, mosaic), mosaic.geobox, scale, offset, nodata, saturated, number)
        if name not in found or band.pixel_area < 0.999 * found[name].pixel_area:
            found[name] = band

    def place_of(name: str) -> tuple[int, int, str]:
        return (ORDER.index(name), 0, "") if name in ORDER else (len(ORDER), len(name), name)  # b2 before b10

    return tuple(found[name] for name in sorted(found, key=place_of))


def masks_of(item: pystac.Item) -> tuple[Mask, ...]:
    """Return the quality layers, in the order of the Item's assets; files of one kind on one lattice are tiles of one layer."""
    parts: list[Part] = []
    boxes: list[GeoBox] = []
    said: list[tuple[str, tuple[Flag, ...], tuple[tuple[float, float], ...]]] = []
    for asset in item.assets.values():
        if "mask" in (asset.roles or []):
            fields = asset.extra_fields
            boxes.append(_geobox(asset))
            parts.append(_part(asset, int(fields.get("camwatch:index", 1)), boxes[-1]))
            polygon = tuple((float(col), float(row)) for col, row in fields.get("camwatch:polygon", []))
            said.append((str(fields["camwatch:mask"]), tuple(Flag.from_json(flag) for flag in fields["camwatch:flags"]), polygon))
    # Outlines say where they lie by themselves; they make no mosaic.
    kinds = [(kind, flags, parts[n].index, n if polygon or is_polygons(parts[n].href) else None) for n, (kind, flags, polygon) in enumerate(said)]
    layers = []
    for mosaic in mosaics(boxes, kinds):
        kind, flags, polygon = said[mosaic.members[0]]
        layers.append(Mask(kind, _placed(parts, mosaic), mosaic.geobox, flags, polygon))
    return tuple(layers)


def _part(asset: pystac.Asset, index: int, geobox: GeoBox) -> Part:
    rows, cols = geobox.shape
    return Part(asset.href, index, 0, 0, (rows, cols), "camwatch:companions" in asset.extra_fields)


def _placed(parts: Sequence[Part], mosaic: Mosaic) -> tuple[Part, ...]:
    return tuple(replace(parts[n], row=row, col=col) for n, (row, col) in zip(mosaic.members, mosaic.corners, strict=True))


def names_of(asset: pystac.Asset) -> list[str]:
    """Return the name of each band of the file, empty for one that is no data (alpha)."""
    return [str(band.get("common_name") or band.get("name") or "") for band in asset.extra_fields.get("eo:bands", [])]


def _number(value: object) -> float | None:
    """JSON has no NaN, so STAC writes `nan`, `inf` and `-inf` as strings."""
    return None if value is None else float(str(value))


def _geobox(asset: pystac.Asset) -> GeoBox:
    fields: dict[str, Any] = asset.extra_fields
    return GeoBox(tuple(fields["proj:shape"]), Affine(*fields["proj:transform"][:6]), fields.get("proj:code") or fields["proj:wkt2"])
