"""Records on disk: what a pair gave, as files that other tools open and that camwatch reads back."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import numpy as np
from shapely.geometry import mapping

from camwatch.custody import digest_of, read_json, write_json
from camwatch.findings import Findings
from camwatch.imagery import Sun
from camwatch.imagery.clouds import FALLBACK
from camwatch.pipeline.asseen import as_searched, as_seen
from camwatch.pipeline.scores import PLURAL, score_path, searched_path, write_score
from camwatch.rasters import StoredPlane, stored
from camwatch.registration import Registration
from camwatch.report import Source
from camwatch.scenes import item as scene

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pystac

    from camwatch.aoi import Aoi
    from camwatch.claims import Claim, Place
    from camwatch.config import RunConfig
    from camwatch.judge import SceneInfo

LONGEST_NAME = 120
"""Characters of a folder name; scene identifiers can be long, and paths have limits."""


def write_findings(folder: Path, findings: Mapping[str, Findings], registration: Registration | None = None) -> list[Path]:
    """Write `findings.geojson`, `findings.gpkg` and the scores by kind; return their paths.

    The GeoJSON holds the features of all kinds. Its member `searches` says of each kind how well it was looked for; the same members stand at the
    top level for the first kind, and `growth` wherever a perimeter was traced at both dates. Given the pair's registration, buildings and towers
    that appeared lie where the later scene shows them, and `appeared_on` says so; scores that the search wrote are kept.
    """
    if registration is not None:
        findings = {kind: as_seen(f, registration) for kind, f in findings.items()}
    documents = {kind: f.as_geojson() for kind, f in findings.items()}
    searches = [{k: v for k, v in d.items() if k not in ("type", "features")} for d in documents.values()]
    growth = next((d["growth"] for d in documents.values() if "growth" in d), None)
    combined = {
        "type": "FeatureCollection",
        **searches[0],
        **({"growth": growth} if growth else {}),
        "appeared_on": "before" if registration is None else "after",
        "searches": searches,
        "features": [feature for d in documents.values() for feature in d["features"]],
    }
    paths = [write_json(folder / "findings.geojson", combined), _write_geopackage(folder / "findings.gpkg", findings)]
    for kind, found in findings.items():
        if isinstance(found.score, StoredPlane) and found.score.path == searched_path(folder, kind):  # the search wrote it
            paths += sorted({found.score.path, score_path(folder, kind)})
        else:
            paths += write_score(folder, kind, found.score, found.geobox, simulated=found.simulated)
    return paths


def read_findings(folder: Path) -> dict[str, Findings]:
    """Read back what :func:`write_findings` wrote, by kind, in the order of the searches, all on the grid of the search.

    Scores are read when they are looked at; the registration, where outlines were moved by it, from the `registration.json` beside them.
    """
    combined = read_json(folder / "findings.geojson")
    moved = combined.get("appeared_on") == "after"
    registration = Registration.from_json(read_json(folder / "registration.json")) if moved else None
    findings = {}
    for search in combined["searches"]:
        kind = search["kind"]
        searched = searched_path(folder, kind)
        score, geobox = stored(searched if searched.exists() else score_path(folder, kind))  # older runs moved no score
        features = [f for f in combined["features"] if f["properties"]["kind"] == kind]
        found = Findings.from_geojson({**search, "features": features}, score, geobox)
        findings[kind] = found if registration is None else as_searched(found, registration)
    return findings


def _write_geopackage(path: Path, findings: Mapping[str, Findings]) -> Path:
    """One layer per kind, in the CRS of the analysis, so that it opens beside the imagery without a warp."""
    import geopandas as gpd
    import pyogrio

    part = path.with_name(f".{path.stem}.part.gpkg")
    part.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    # GeoPackage stores the time of writing; a fixed one keeps the bytes the same from run to run.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "1970-01-01T00:00:00.000Z"})
    try:
        for kind, found in findings.items():
            rows = [_row(found, i) for i in range(len(found.records))]
            columns: dict[str, Any] = {name: [row.get(name) for row in rows] for name in sorted({k for row in rows for k in row})}
            frame = gpd.GeoDataFrame(columns or {"id": np.array([], str)}, geometry=[r.geometry for r in found.records], crs=found.crs)
            pyogrio.write_dataframe(frame, part, layer=PLURAL[kind], driver="GPKG", geometry_type="Unknown")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    return part.replace(path)


def _row(found: Findings, index: int) -> dict[str, Any]:
    record = found.records[index]
    dates = [t.date().isoformat() for t in found.acquired]
    return {
        "id": record.id,
        "kind": record.kind,
        "change": record.change,
        "score": record.score,
        "area_m2": record.area_m2,
        "before": dates[0],
        "after": dates[1],
        "nominal_outline": found.nominal,
        "simulated": found.simulated,
        **record.measures,
    }


def aoi_document(aoi: Aoi) -> dict[str, Any]:
    """Return an area of interest as the GeoJSON that :func:`camwatch.aoi.load_aoi` reads."""
    features = [
        {
            "type": "Feature",
            "id": o.id,
            "properties": {
                "id": o.id,
                "name": o.name,
                "role": o.role,
                "nominal": o.nominal,
                "accuracy_m": o.accuracy_m,
                "source": o.source,
                "made": o.made,
                "valid_from": o.valid_from and o.valid_from.isoformat(),
                "valid_to": o.valid_to and o.valid_to.isoformat(),
                "documented": dict(o.documented),
            },
            "geometry": mapping(o.geometry),
        }
        for o in aoi.outlines
    ]
    distances = [dict(d) for d in aoi.distances]
    head = {"id": aoi.id, "name": aoi.name, "aliases": list(aoi.aliases), "notes": aoi.notes, "distances": distances}
    return {"type": "FeatureCollection", **head, "features": features}


def claims_document(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    """Return claims as JSON."""
    return [claim.model_dump(mode="json") for claim in claims]


def read_claims(path: Path) -> tuple[Claim, ...]:
    """Read back what :func:`claims_document` gave."""
    from camwatch.claims import Claim

    return tuple(Claim.model_validate(record) for record in read_json(path))


def places_document(places: Sequence[Place]) -> list[dict[str, Any]]:
    """Return the places that claims name as JSON."""
    return [place.model_dump(mode="json") for place in places]


def read_places(path: Path) -> tuple[Place, ...]:
    """Read back what :func:`places_document` gave."""
    from camwatch.claims import Place

    return tuple(Place.model_validate(record) for record in read_json(path))


def scene_info(item: pystac.Item) -> SceneInfo:
    """Return what planning knows of a scene."""
    from camwatch.judge import SceneInfo

    return SceneInfo(item.id, scene.acquired(item), scene.gsd_m(item), scene.band_names(item), simulated=scene.is_simulated(item))


def named_apart(items: Sequence[pystac.Item]) -> tuple[pystac.Item, ...]:
    """Return Items of which no two have one id: pairs, folders and pages tell scenes by it.

    Two files may bear one name, `2010/camp.tif` and `2012/camp.tif`. Those add their time, and a number where that is one too.
    """
    often = Counter(item.id for item in items)
    taken: set[str] = set()
    apart = []
    for item in items:
        wanted = f"{item.id}_{scene.acquired(item):%Y%m%dT%H%M%S}" if often[item.id] > 1 else item.id
        name = next(name for name in chain([wanted], (f"{wanted}-{n}" for n in count(2))) if name not in taken)
        taken.add(name)
        renamed = item
        if name != item.id:
            renamed = item.clone()
            renamed.id = name
        apart.append(renamed)
    return tuple(apart)


def scene_row(item: pystac.Item) -> dict[str, Any]:
    """Return what one asks first of a scene; None where its product does not tell."""
    angles = scene.sun(item)
    return {
        "scene": item.id,
        "family": item.properties.get("camwatch:family", ""),
        "acquired": f"{scene.acquired(item):%Y-%m-%dT%H:%M:%SZ}",
        "date_from": item.properties.get("camwatch:date_source", ""),
        "sensor": sensor_of(item),
        "gsd_m": round(scene.gsd_m(item), 3),
        "sensor_gsd_m": round(scene.sensor_gsd_m(item), 3),
        "bands": list(scene.band_names(item)),
        "sun": {"azimuth": angles[0], "elevation": angles[1]} if angles else None,
        "off_nadir_deg": item.properties.get("view:off_nadir"),
        "position_error_m": scene.position_error_m(item) or None,
        "processing": item.properties.get("camwatch:processing"),
        "calibration": scene.calibration(item),
        "mask": scene.cloud_mask(item),
        "missing": item.properties.get("camwatch:missing", []),
        "simulated": scene.is_simulated(item),
    }


def sensor_of(item: pystac.Item) -> str:
    """Return platform and instrument, empty where the product names none."""
    return " ".join([item.properties.get("platform") or "", *(item.properties.get("instruments") or [])]).strip()


def folder_name(pair: str) -> str:
    """Return a pair's identifier as a folder name that every file system takes."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", pair)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 13]}-{digest_of(pair)[:12]}"


def source_of(item: pystac.Item, hashes: Mapping[Path, str], config: RunConfig) -> Source:
    """Return a scene as the pages quote it."""
    angles = scene.sun(item)
    values = [hashes[path] for path in scene.files_of(item)]
    return Source(
        id=item.id,
        sensor=sensor_of(item),
        acquired=scene.acquired(item),
        gsd_m=scene.gsd_m(item),
        sun=Sun(*angles) if angles else None,
        off_nadir_deg=item.properties.get("view:off_nadir"),
        sha256=values[0] if len(values) == 1 else digest_of(values),
        mask=FALLBACK if config.search_clouds and scene.cloud_mask(item) == "none" else scene.cloud_mask(item),
    )
