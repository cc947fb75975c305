"""Reference samples of an analyst set against the polygons of land cover: areas with their error."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely import STRtree, get_coordinates
from shapely.geometry import Point

from camwatch.aoi import LONLAT, reproject
from camwatch.custody import write_json
from camwatch.detect._land_area import LEVEL, adjusted_areas
from camwatch.detect._land_cover import CLASSES
from camwatch.errors import ClaimError, MissingInputError

if TYPE_CHECKING:
    from pathlib import Path

    from camwatch.findings import Findings

AREAS = "areas.json"
UNCHANGED = "unchanged"
LABEL = "class"


def with_areas(folder: Path, findings: Findings, samples: Path | None) -> Findings:
    """Write `areas.json` into a folder, and return findings that tell these areas; where the samples do not suffice, the reason says so.

    Without samples, and of findings that tell nothing, nothing is written, and one from an earlier time goes.
    """
    (folder / AREAS).unlink(missing_ok=True)
    if samples is None or findings.status != "searched":
        return findings
    try:
        told = write_areas(folder / AREAS, findings, samples)["classes"]
    except ClaimError as error:  # too few samples of a class must not undo the search: its patches stand for themselves
        return replace(findings, reason=f"{findings.reason} No areas are told from the reference samples: {error}.".strip())
    return replace(findings, areas={row["name"]: (row["adjusted_m2"], row["low_m2"], row["high_m2"]) for row in told if row["name"] != UNCHANGED})


def write_areas(path: Path, findings: Findings, samples: Path) -> dict[str, Any]:
    """Write and return the error-adjusted areas of the classes of land cover, as `camwatch.detect._land_area` estimates them.

    Samples outside the searched ground, or where it was not observed, are left out and counted.

    Raises
    ------
    MissingInputError, ClaimError
        When the file is not there or not readable, a label is unknown, or too few samples fall into a mapped class.
    """
    placed, labels = read_samples(samples, findings.crs)
    seen = _seen(findings, placed)
    kept = [n for n in range(len(labels)) if seen[n]]
    tree = STRtree([record.geometry for record in findings.records])
    mapped = []
    for n in kept:
        inside = tree.query(Point(*placed[n]), predicate="within")
        mapped.append(str(findings.records[int(inside.min())].measures[LABEL]) if inside.size else UNCHANGED)
    areas = {name: sum(r.area_m2 for r in findings.records if r.measures[LABEL] == name) for name in CLASSES}
    areas = {name: area for name, area in areas.items() if area > 0}
    areas[UNCHANGED] = max(findings.searched_km2 * 1e6 - sum(areas.values()), 0.0)
    rows = adjusted_areas(mapped, [labels[n] for n in kept], areas)
    plain = [{k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(row).items()} for row in rows]
    document = {"level": LEVEL, "samples": len(kept), "left_out": len(labels) - len(kept), "classes": plain, "simulated": findings.simulated}
    write_json(path, document)
    return document


def _seen(findings: Findings, placed: np.ndarray[Any, Any]) -> list[bool]:
    """Return whether each place (n, 2) in the CRS of the findings was observed at all dates that count."""
    cols, rows = np.floor(np.array([~findings.geobox.affine * (x, y) for x, y in placed]).reshape(-1, 2)).astype(int).T
    height, width = findings.geobox.shape
    score = np.asarray(findings.score)
    return [bool(0 <= r < height and 0 <= c < width and np.isfinite(score[r, c])) for r, c in zip(rows, cols, strict=True)]


def read_samples(path: Path, crs: str) -> tuple[np.ndarray[Any, Any], list[str]]:
    """Return (n, 2) places in a CRS, and the label of each sample, of a CSV (`lon`, `lat`, `class`) or of points in any vector file.

    Raises
    ------
    MissingInputError, ClaimError
    """
    if not path.is_file():
        raise MissingInputError("no such file of reference samples", where=path, remedy="check the path")
    known = {*CLASSES, UNCHANGED}
    wanted = f"points with `{LABEL}`: {', '.join([*CLASSES, UNCHANGED])}; a CSV has `lon` and `lat` too"
    try:
        lonlat, labels = _of_csv(path) if path.suffix.lower() == ".csv" else _of_vectors(path)
    except (KeyError, ValueError, OSError, RuntimeError) as error:
        raise ClaimError("not readable as reference samples", where=path, got=str(error)[:120], expected=wanted, remedy="correct the file") from error
    strange = sorted(set(labels) - known)
    if strange or not labels:
        got = ", ".join(strange) or "no sample"
        raise ClaimError("not labels of land cover", where=path, got=got, expected=wanted, remedy="correct the labels")
    return get_coordinates([reproject(Point(*place), LONLAT, crs) for place in lonlat]), labels


def _of_csv(path: Path) -> tuple[list[tuple[float, float]], list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    places = [(float(row["lon"]), float(row["lat"])) for row in rows]
    if any(not (-180 <= x <= 180 and -90 <= y <= 90) for x, y in places):
        raise ValueError("a longitude or latitude beyond the earth")
    return places, [row[LABEL].strip() for row in rows]


def _of_vectors(path: Path) -> tuple[list[tuple[float, float]], list[str]]:
    import geopandas as gpd

    frame = gpd.read_file(path)
    if frame.crs is None or not (frame.geom_type == "Point").all():
        raise ValueError("geometries that are no points, or no CRS")
    frame = frame.to_crs(LONLAT)
    return [(p.x, p.y) for p in frame.geometry], [str(label).strip() for label in frame[LABEL]]
