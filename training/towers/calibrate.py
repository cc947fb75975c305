"""How often the network errs: the density of false towers by score and resolution, and the odds that a report is a tower."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import onnx
from affine import Affine
from odc.geo.geobox import GeoBox

from camwatch.detect._tower_model import load_tower_model
from camwatch.detect._tower_sight import APART_M, peaks
from camwatch.imagery.image import Image
from training.towers.data import read_scenes
from training.towers.metadata import describe
from training.towers.posts import RGB

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from camwatch.detect._tower_model import TowerModel
    from training.towers.scenes import Scene

GSD_M = (0.3, 0.5, 0.7, 1.0)
"""Resolutions at which rates are stated."""

LEAST = -4.0
"""Scores below this are not looked at."""

HIT_M, NEAR_M = 3.0, 6.0
"""A peak within the first of a tower is one; between the two, or near a tower that cannot be seen, it counts neither way."""

EDGE_M = 6.0
"""Rim of a picture that is left out: towers there lack their shadow."""


def image_of(scene: Scene) -> Image:
    """Return a scene as camwatch holds it."""
    side = scene.picture.shape[1]
    grid = GeoBox((side, side), Affine(scene.pixel_m, 0, 559_000.0, 0, -scene.pixel_m, 4_633_000.0), "EPSG:32652")
    values = np.ascontiguousarray(scene.picture, np.float32)
    when = datetime(2012, 5, 1, tzinfo=UTC)
    return Image(values, np.ones((side, side), bool), RGB, grid, when, scene.sun, scene.pixel_m, "dn", "scene", simulated=True)


def judged(model: TowerModel, scene: Scene) -> tuple[NDArray[np.float64], NDArray[np.bool_], float, int]:
    """Return the scores of the peaks, which are towers, the km² looked at, and the number of towers that can be seen there."""
    image = image_of(scene)
    side, rim = scene.picture.shape[1], round(EDGE_M / scene.pixel_m)
    inside = np.zeros((side, side), bool)
    inside[rim:-rim, rim:-rim] = True
    score = model.look(image, scene.sun, inside).logit
    at = peaks(score, LEAST, APART_M / scene.pixel_m)
    told = score[tuple(at.T)].astype(np.float64)
    kept, right = np.ones(len(at), bool), np.zeros(len(at), bool)
    there = 0
    for row, col, wide, _, visible in scene.towers:
        away = np.hypot(at[:, 0] - row, at[:, 1] - col) * scene.pixel_m
        hit = away <= max(HIT_M, wide / 2)
        if visible < 0.5:
            kept &= away > NEAR_M
            continue
        if inside[round(float(np.clip(row, 0, side - 1))), round(float(np.clip(col, 0, side - 1)))]:
            there += 1
        if hit.any():
            best = np.flatnonzero(hit)[told[hit].argmax()]
            right[best] = True
        kept &= (away > NEAR_M) | right
    return told[kept], right[kept], float(inside.sum()) * scene.pixel_m**2 / 1e6, there


def calibrate(path: Path, scenes: Iterable[Path]) -> dict[str, object]:
    """Measure the rates on the places in `scenes` and write them into the ONNX file; return what was measured."""
    model = load_tower_model(path)
    rows = [(made.pixel_m, *judged(model, made)) for place in scenes for made in read_scenes(place)]
    scores, right = np.concatenate([r[1] for r in rows]), np.concatenate([r[2] for r in rows])
    gsd = np.concatenate([np.full(len(r[1]), r[0]) for r in rows])
    table = [_tail(scores[~right], gsd[~right], [(r[0], r[3]) for r in rows], at) for at in GSD_M]
    odds = _logistic(scores, right)
    properties = {"false_rates": json.dumps(np.round(table, 4).tolist()), "odds": json.dumps(np.round(odds, 4).tolist())}
    describe(onnx.load(path), path, properties)
    return {**properties, "pictures": len(rows), "towers": sum(r[4] for r in rows), "km2": round(sum(r[3] for r in rows), 3)}


def _tail(false: NDArray[np.float64], gsd: NDArray[np.float64], looked: list[tuple[float, float]], at: float) -> tuple[float, float, float]:
    """Return (gsd, a, b) of the density exp(a − b s) per km² of false peaks above s, fitted to the highest ones of resolutions near `at`.

    Pictures weigh by their distance on the logarithm of the resolution, with a standard deviation of a fifth.
    """

    def weight(value: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.asarray(np.exp(-0.5 * (np.log(np.asarray(value) / at) / 0.2) ** 2))

    km2 = sum(float(weight(g)) * area for g, area in looked)
    w = weight(gsd)
    order = np.argsort(-false)
    # The tail from a density of 300 for each km² on: an exponential whose scale is the mean excess.
    reach = int(np.searchsorted(np.cumsum(w[order]), 300.0 * km2))
    tail = order[: max(reach, 8)]
    base = float(false[tail].min())
    excess = float((w[tail] * (false[tail] - base)).sum() / max(float(w[tail].sum()), 1e-9))
    b = 1.0 / max(excess, 0.2)
    return at, float(np.log(max(float(w[tail].sum()), 0.5) / km2) + b * base), b


def _logistic(scores: NDArray[np.float64], right: NDArray[np.bool_], steps: int = 30) -> tuple[float, float]:
    """Return a, b of 1 / (1 + exp(−a − b s)) by Newton's method, held by a weak prior at (0, 1)."""
    design = np.stack([np.ones_like(scores), scores], axis=1)
    beta = np.array([0.0, 1.0])
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -30, 30)))
        slope = design.T @ (right - p) - 0.1 * (beta - (0.0, 1.0))
        bend = (design * (p * (1 - p))[:, None]).T @ design + 0.1 * np.eye(2)
        beta = beta + np.clip(np.linalg.solve(bend, slope), -1, 1)
    return float(beta[0]), float(beta[1])
