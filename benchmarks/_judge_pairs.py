"""Labelled pairs searched and planted into by halves: one half is the camp, the other one its control ground."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy import ndimage as ndi
from shapely.geometry import box

from _structures_scores import SMALLEST_M2, drawn, match, records_of
from camwatch.aoi import LONLAT, load_aoi, reproject
from camwatch.config import RunConfig
from camwatch.findings import Findings
from camwatch.judge import Evidence
from camwatch.pipeline.evidence import search_or_refuse, sensitivities
from camwatch.pipeline.pair import align
from camwatch.pipeline.search import unheard
from camwatch.scenes import open_scene
from camwatch.sensitivity import Sensitivity

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry import Polygon

    from _structures_pairs import Pair

HALVES = ("west", "east")
OUTLINE_M = 1.0
"""Error of the line between camp and control ground: where the labels are cut."""

NO_SCORE = np.zeros((1, 1), np.float32), GeoBox((1, 1), Affine.identity(), "EPSG:32652")
"""Stands for the score plane, which counts over a whole site never look at."""


@dataclass(frozen=True, slots=True)
class Searched:
    """What one half of a pair says, and what its labels say.

    Attributes
    ----------
    name : str
    evidence : Evidence
    labelled : dict of {"appeared", "removed"} to int
        Buildings whose centre lies in the half.
    right : dict of {"appeared", "removed"} to int
        Reports that mean one of them.
    aspects : tuple of {"appeared", "removed"}
        Of which change the labels of the pair are; of the other one nothing is known.
    km2 : float
        Of the half.
    """

    name: str
    evidence: Evidence
    labelled: dict[str, int]
    right: dict[str, int]
    aspects: tuple[Literal["appeared", "removed"], ...]
    km2: float


def half_of(pair: Pair, half: str) -> Polygon:
    """Return one half of the labelled ground, in the CRS of the labels."""
    west, south, east, north = pair.grid.extent.boundingbox
    middle = (west + east) / 2
    return box(west, south, middle, north) if half == "west" else box(middle, south, east, north)


def labelled_in(pair: Pair, half: str) -> dict[str, int]:
    """Return how many labelled buildings of 5 m² and more have their centre in a half."""
    columns = pair.grid.shape[1] / 2

    def count(labels: np.ndarray) -> int:
        numbers = np.flatnonzero(np.bincount(labels.ravel())[1:] * pair.pixel_m**2 >= SMALLEST_M2) + 1
        centres = ndi.center_of_mass(labels > 0, labels, numbers) if len(numbers) else []
        return sum(bool((col < columns) == (half == "west")) for _, col in centres)

    return {"appeared": count(pair.came), "removed": count(pair.gone)}


def right_in(pair: Pair, found: Findings) -> dict[str, int]:
    """Return how many reports mean a labelled building."""
    told = {change: drawn(records_of(found, {change}), found.crs, pair.grid) for change in ("appeared", "removed")}
    truth = {"appeared": pair.came, "removed": pair.gone}
    return {change: len(match(told[change], truth[change], pair.pixel_m).right) for change in told}


def search_half(pair: Pair, half: str, folder: Path, config: RunConfig) -> dict[str, Any]:
    """Search one half, measure what the search shows there, and return the record of it."""
    area = half_of(pair, half)
    outline = folder / f"{half}.geojson"
    properties = {"id": "labelled", "name": f"{half}ern half", "role": "camp", "accuracy_m": OUTLINE_M}
    geometry = reproject(area, pair.grid.crs, LONLAT).__geo_interface__
    outline.write_text(json.dumps({"type": "Feature", "properties": properties, "geometry": geometry}), encoding="utf-8")
    aoi = load_aoi(outline)
    items = [open_scene(file, date=day) for file, day in zip(pair.files, pair.days, strict=True)]
    alignment = align(items[0], items[1], aoi, config)
    found = search_or_refuse(alignment, aoi, config, unheard)
    measured = sensitivities(alignment, aoi, config, found)
    return {
        "name": f"{pair.name} {half}",
        "labelled": labelled_in(pair, half),
        "aspects": [change for change, labels in (("appeared", pair.came), ("removed", pair.gone)) if labels.any()],
        "right": right_in(pair, found["structure"]),
        "km2": area.area / 1e6,
        "refused": "" if alignment.registration.ok else alignment.registration.reason,
        "findings": found["structure"].as_geojson(),
        "sensitivity": measured["structure"].as_json() if "structure" in measured else None,
    }


def read_half(record: dict[str, Any]) -> Searched:
    """Return what :func:`search_half` recorded."""
    found = Findings.from_geojson(record["findings"], *NO_SCORE)
    sensitivity = {} if record["sensitivity"] is None else {"structure": Sensitivity.from_json(record["sensitivity"])}
    first, second = sorted(found.acquired)  # a pair whose dates were exchanged is one that happened the other way round
    evidence = Evidence(record["name"], (first, second), found.gsd_m, {"structure": found}, sensitivity, refused=record["refused"])
    return Searched(record["name"], evidence, record["labelled"], record["right"], tuple(record["aspects"]), record["km2"])


def configured(model: str) -> RunConfig:
    """Return the configuration that a user gets."""
    return RunConfig.read(None, report_date=date(2000, 1, 1), kinds=("structure",), model=model)


def span_of(evidence: Evidence) -> tuple[datetime, datetime]:
    """Return both acquisitions."""
    return evidence.acquired
