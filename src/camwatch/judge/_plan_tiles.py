"""Under which names archives keep a place: Landsat path and row (WRS-2), and the 100 km square of the military grid that Sentinel-2 tiles are cut by.

Both follow from the place alone. The nominal centre of a WRS-2 scene is a point of a circular orbit of 98.2° inclination that passes 233 times in 16
days, with 248 rows a turn; row 60 lies on the equator going south, path 1 crosses it at 64.6° W (Landsat 7 Science Data Users Handbook, chapter 5).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pyproj import Transformer

if TYPE_CHECKING:
    from camwatch.aoi import Aoi

INCLINATION, PATHS, ROWS, DAYS = math.radians(98.2), 233, 248, 16
FIRST_PATH_LON = -64.6
HALF_WIDTH_KM, HALF_HEIGHT_KM = 92.5, 85.0
"""Half of a Landsat scene across and along its track; the ground of neighbouring paths overlaps."""
EARTH_KM, FLATTENING = 6371.0, 1 / 298.257
COLUMNS = ("STUVWXYZ", "ABCDEFGH", "JKLMNPQR")
ROWS_ODD = "ABCDEFGHJKLMNPQRSTUV"
BANDS = "CDEFGHJKLMNPQRSTUVWX"


def tiles_of(aoi: Aoi) -> dict[str, tuple[str, ...]]:
    """Return the names of a site's ground by grid, the one that holds its middle first; none where the grid does not reach."""
    west, south, east, north = aoi.camp.geometry.bounds
    middle = (west + east) / 2, (south + north) / 2
    points = [middle, *((x, y) for x in (west, east) for y in (south, north))]
    return {name: tuple(dict.fromkeys(tile for point in points for tile in find(*point))) for name, find in (("wrs2", path_rows), ("mgrs", squares))}


def path_rows(lon: float, lat: float) -> tuple[str, ...]:
    """Return the WRS-2 scenes, `115/031`, on whose nominal ground a point lies, the one whose centre is nearest first."""
    found: list[tuple[float, str]] = []
    for row in range(1, 123):  # the daylight part of the turn
        angle = math.radians((row - 60) * 360 / ROWS)
        parallel = math.asin(-math.sin(angle) * math.sin(INCLINATION))
        centre = math.degrees(math.atan(math.tan(parallel) / (1 - FLATTENING) ** 2))
        if abs(centre - lat) > 2:
            continue
        # East of the node by the inclination, west of it by the turning of the Earth meanwhile.
        ahead = math.degrees(math.atan2(math.cos(INCLINATION) * math.sin(angle), math.cos(angle)))
        turned = math.degrees(angle) * DAYS / PATHS
        heading = -math.asin(math.cos(INCLINATION) / math.cos(parallel))
        for path in range(1, PATHS + 1):
            meridian = FIRST_PATH_LON - (path - 1) * 360 / PATHS + ahead - turned
            dx = math.radians((lon - meridian + 180) % 360 - 180) * EARTH_KM * math.cos(math.radians(lat))
            dy = math.radians(lat - centre) * EARTH_KM
            across, along = _turned(dx, dy, heading)
            if abs(across) <= HALF_WIDTH_KM and abs(along) <= HALF_HEIGHT_KM:
                found.append((math.hypot(across, along), f"{path:03d}/{row:03d}"))
    return tuple(name for _, name in sorted(found))


def _turned(dx: float, dy: float, heading: float) -> tuple[float, float]:
    """Return a shift in km (east, north) as one across and one along the track."""
    east, north = math.sin(heading), math.cos(heading)
    return dx * north - dy * east, dx * east + dy * north


def squares(lon: float, lat: float) -> tuple[str, ...]:
    """Return the 100 km square of the military grid, `52TEM`, in which a point lies; none near the poles and in the irregular zones of Norway."""
    if not -80 <= lat < 84 or (lat >= 56 and 0 <= lon < 42):
        return ()
    zone = int((lon + 180) // 6) % 60 + 1
    easting, northing = Transformer.from_crs(4326, (32600 if lat >= 0 else 32700) + zone, always_xy=True).transform(lon, lat)
    column = COLUMNS[zone % 3][int(easting // 100_000) - 1]
    row = ROWS_ODD[(int(northing // 100_000) + (0 if zone % 2 else 5)) % 20]
    return (f"{zone:02d}{BANDS[min(int((lat + 80) // 8), len(BANDS) - 1)]}{column}{row}",)
