"""The record of a registration: `registration.json`, counted on the reference as delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from camwatch.aoi import LONLAT, reproject
from camwatch.scenes import item as scene

if TYPE_CHECKING:
    import pystac
    from odc.geo.geobox import GeoBox

    from camwatch.aoi import Aoi
    from camwatch.pipeline.pair import Alignment
    from camwatch.registration import Registration


def registration_record(alignment: Alignment, aoi: Aoi | None) -> dict[str, Any]:
    """Return what `registration.json` holds: pixels counted on the reference raster as delivered."""
    scenes = {"reference": alignment.before.id, "moving": alignment.after.id, "simulated": alignment.simulated}
    return {**counted(alignment.registration, alignment.before, aoi, alignment.geobox), **scenes}


def counted(answer: Registration, reference: pystac.Item, aoi: Aoi | None, ground: GeoBox) -> dict[str, Any]:
    """Return a registration as JSON, in pixels of a scene as delivered where the CRS is the same; its shift is that at the middle of the ground."""
    native = scene.native_geobox(reference)
    if str(native.crs) == str(answer.grid.crs):
        answer = answer.on(native)
    place, crs = (ground.extent.geom, ground.crs) if aoi is None else (aoi.camp.geometry, LONLAT)
    centre = reproject(place, crs, answer.grid.crs).centroid
    col, row = ~answer.grid.affine * (centre.x, centre.y)
    return answer.as_json(col - 0.5, row - 0.5)
