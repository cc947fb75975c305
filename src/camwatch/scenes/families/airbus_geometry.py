"""Where the tiles of a DIMAP 2 document lie, and where its image lies when they do not say that themselves.

- **Sensor geometry** (Primary level) has no map grid: see :func:`grid_of`.
- **Position error**: CE68 or CE90 where the quality assessment states one that is not 0 (0 means not assessed), else figures
  without ground control: 5 m CE90 for Pléiades Neo (International Charter, mission parameters: better than that on average, at nadir), and what
  Airbus advertises, taken over without a document at hand: 8.5 m for Pléiades, 35 m for SPOT 6/7, 10 m for its orthoimages. They only say how far to
  search. For a circular normal error the root mean square is CE90 / √(ln 10).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camwatch.scenes.access.pairs import Pairs
from camwatch.scenes.access.xml import text_of
from camwatch.scenes.families.dimap_parts import FAR, epsg, inserted, member, stated
from camwatch.scenes.placement import fitted
from camwatch.scenes.rpc import located, pairs_of, rpc_of

if TYPE_CHECKING:
    from datetime import datetime
    from xml.etree.ElementTree import Element  # for the type checker only; nothing is parsed with it

    from camwatch.scenes.access.files import Files
    from camwatch.scenes.placement import Located
    from camwatch.scenes.rpc import Rpc

CE90_M = {"PHR": 8.5, "PNEO": 5.0, "SPOT": 35.0}
"""Mission → circular error at 90 % without ground control, metres."""

SPOT_ORTHO_CE90_M = 10.0

_VERSION_3 = re.compile(rb"METADATA_FORMAT[^>]*version\s*=\s*[\"']3")


@dataclass(frozen=True, slots=True)
class Reading:
    """One document while it is read."""

    files: Files
    name: str
    root: Element
    settings: Element
    when: datetime
    sun: tuple[float, float] | None

    @property
    def where(self) -> object:
        """What messages call the document."""
        return self.files.root / self.name


def tile_of(root: Element, entry: Element, shape: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return row and column of a tile's first pixel in the image, and its rows and columns."""
    tiling = root.find(".//Regular_Tiling")
    size = None if tiling is None else tiling.find("NTILES_SIZE")
    if tiling is None or size is None:
        return (0, 0), shape
    corner: list[int] = []
    extent: list[int] = []
    for axis, attribute, number, overlap in ((0, "nrows", "tile_R", "OVERLAP_ROW"), (1, "ncols", "tile_C", "OVERLAP_COL")):
        step = _whole_number(size.get(attribute)) or shape[axis]
        start = (max(_whole_number(entry.get(number)), 1) - 1) * (step - _whole_number(text_of(tiling, overlap)))
        corner.append(start)
        extent.append(min(step, shape[axis] - start))
    return (corner[0], corner[1]), (extent[0], extent[1])


def _whole_number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0


def grid_of(image: Reading, shape: tuple[int, int]) -> Located | None:
    """Return the grid of an image whose files have none.

    An orthoimage states its insertion point. An image in sensor geometry comes with rational polynomials, and states where its corners and its centre
    lie: the affine grid through those leaves out relief and the bend of the scan, and how far it misses them goes into the position error.
    """
    root = image.root
    codes = [text_of(root, f".//{tag}") for tag in ("PROJECTED_CRS_CODE", "GEODETIC_CRS_CODE")]
    crs = next((crs for code in codes if code and (crs := epsg(code, image.where)) is not None), None)
    kind = text_of(root, ".//Raster_CRS/PIXEL_CRS_TYPE").upper()
    if (whole := inserted(root, shape, crs, centre=kind == "POINT")) is not None:
        return whole
    extent = root.find(".//Dataset_Extent")
    entries = [] if extent is None else [*extent.findall("Vertex"), *extent.findall("Center")]
    rows = [[stated(entry, tag) for tag in ("COL", "ROW", "LON", "LAT")] for entry in entries]
    points = np.array([row for row in rows if all(value is not None and abs(value) < FAR for value in row)], float).reshape(-1, 4)
    if len(points):
        # Vertices are centres of pixels, numbered from 1; documents whose first one is (0, 0) number from 0.
        points[:, :2] += 0.5 if points[:, :2].min() == 0 else -0.5
    model = _rpc(image)
    if model is not None:
        height = None if extent is None else stated(extent, "Center/H")
        found = located(model, shape, image.where, height=height, known=(points[:, :2], points[:, 2:], None))
        if found is not None:
            return found
    how = "corners and centre in the metadata; relief not removed"
    return fitted(shape, points[:, :2], points[:, 2:], how, image.where) if len(points) >= 3 else None


def _rpc(image: Reading) -> Rpc | None:
    """Return the rational polynomials that the document names; None where they are not here, or incomplete."""
    path = image.root.find(".//Geoposition_Models//COMPONENT_PATH")
    name = None if path is None else member(image.files, image.name, path.get("href", ""))
    if name is None:
        return None
    said = pairs_of(image.files, name)
    parts = dict(said.sections("RFM_Validity|Inverse_Model|GroundtoImage_Values"))
    inverse = parts.get("Inverse_Model") or parts.get("GroundtoImage_Values") or Pairs()
    # Pixels are numbered from 1 up to version 2, from 0 in version 3.
    first = 0.0 if _VERSION_3.search(image.files.read(name)) else 1.0
    return rpc_of(Pairs(parts.get("RFM_Validity", Pairs()).entries + inverse.entries), first)


def position_error_m(root: Element, mission: str, level: str, bend: float) -> float | None:
    """Return the position error in metres (root mean square), with how far a grid misses the `bend` of the scan; None where nothing is known."""
    said = root.find(".//Planimetric_Accuracy_Measurement")
    ce90, ce68 = (None, None) if said is None else (stated(said, ".//ACCURACY_CE90"), stated(said, ".//ACCURACY_CE68"))
    if ce90 and 0 < ce90 < FAR:
        figure = ce90 / math.sqrt(math.log(10))
    elif ce68 and 0 < ce68 < FAR:
        figure = ce68 / math.sqrt(-math.log(0.32))
    else:
        documented = SPOT_ORTHO_CE90_M if (mission.upper(), level.upper()) == ("SPOT", "ORTHO") else CE90_M.get(mission.upper())
        if documented is None:
            return None
        figure = documented / math.sqrt(math.log(10))
    return round(math.hypot(figure, bend), 2)
