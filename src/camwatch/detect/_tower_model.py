"""A model of guard towers: a small network in an ONNX file, asked about the ground along a line, turned to the sun."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage as ndi

from camwatch.detect._common import filled, shadow_step
from camwatch.detect._model_file import check_tensors, read_properties, session_of
from camwatch.detect._tower_frame import PIXEL_M, PLANES, SunFrame, softened, toned, with_sun
from camwatch.resources import data_folder, model_bytes, state_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from camwatch.imagery.image import Image, Sun

SIGNATURE = "towers/1"
STRIDE = 2
"""Pixels of the frame for each answer of the network."""

SIDE, CORE, FIRST = 128, np.array((96, 80)), np.array((16, 12))
"""Side of what one question shows, (v, u) of the ground in it that it answers for, and where that begins: most is seen of where shadows fall."""

OUTPUTS = 5
"""Planes of an answer: the tower's logit, side and height in metres, share of tree crowns, share of deep shade."""


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the network says of one date, each (y, x) float32 on the grid of the image, NaN where it was not asked.

    Attributes
    ----------
    logit : tower against none, as trained; not yet a probability
    side_m, height_m : of the tower, where there is one
    tree, shade : share 0..1 of what hides the ground
    """

    logit: NDArray[np.float32]
    side_m: NDArray[np.float32]
    height_m: NDArray[np.float32]
    tree: NDArray[np.float32]
    shade: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class TowerModel:
    """A network that tells guard towers, with the rates at which it errs.

    Attributes
    ----------
    session : onnxruntime.InferenceSession
    sha256 : str
        Of the file's bytes.
    rates : (n, 3) float64
        Ground sample distance in metres, and a, b of the density of false towers above a logit s: exp(a − b s) for each km², finest first.
    odds : (float, float)
        a, b of the probability that a report is a tower: 1 / (1 + exp(−a − b s)).
    """

    session: Any
    sha256: str
    rates: NDArray[np.float64]
    odds: tuple[float, float]

    def density(self, gsd_m: float) -> tuple[float, float]:
        """Return a, b of the density of false towers at a ground sample distance, linear between those that were measured."""
        steps = self.rates[:, 0]
        return float(np.interp(gsd_m, steps, self.rates[:, 1])), float(np.interp(gsd_m, steps, self.rates[:, 2]))

    def probability(self, logit: float) -> float:
        """Return a logit as a probability."""
        a, b = self.odds
        return float(1.0 / (1.0 + np.exp(-np.clip(a + b * logit, -30.0, 30.0))))

    def look(self, image: Image, sun: Sun, area: NDArray[np.bool_]) -> Answer:
        """Ask about the pixels of `area` (y, x); a pixel's answer does not depend on which other pixels are asked about, but for rounding."""
        out = np.full((OUTPUTS, *area.shape), np.nan, np.float32)
        rows, cols = np.nonzero(area)
        if len(rows):
            self._ask(image, sun, (rows, cols), out)
        return Answer(*out)

    def _ask(self, image: Image, sun: Sun, at: tuple[NDArray[np.intp], NDArray[np.intp]], out: NDArray[np.float32]) -> None:
        margin = int(np.ceil(1.5 * SIDE * PIXEL_M / image.pixel_m))
        # Only the part of the picture that is looked at is filled, toned and turned.
        top, left = (max(int(a.min()) - margin, 0) for a in at)
        bottom, right = (int(a.max()) + margin + 1 for a in at)
        part = (slice(top, bottom), slice(left, right))
        valid = image.valid[part]
        values = filled(image.values[:, *part], valid)
        luminance = filled(image.luminance()[None, *part], valid)[0]
        planes = softened(toned(values, image.bands, luminance, valid), image.pixel_m)
        frame = SunFrame.along(shadow_step(sun, image.geobox))
        # Tiles are counted from the grid's own origin, so that a window of a picture is cut as the picture is.
        places = np.stack(at, axis=1)
        spots = frame.of(places.astype(np.float64))
        tiles = np.floor(spots / CORE).astype(np.intp)
        order = np.lexsort((tiles[:, 1], tiles[:, 0]))
        starts = np.flatnonzero(np.r_[True, (np.diff(tiles[order], axis=0) != 0).any(axis=1)])
        for mine in np.split(order, starts[1:]):
            corner = tiles[mine[0]] * CORE - FIRST
            local = frame.moved(float(corner[0]), float(corner[1]))
            local = SunFrame(local.origin - (top, left), local.ahead, local.down)
            ground = with_sun(local.sampled(planes, (SIDE, SIDE)), sun.elevation_deg, sun.doubt_deg)
            answer = self.session.run(None, {"ground": ground[None]})[0][0]
            # An answer stands for the middle of its pixels.
            v, u = (spots[mine] - corner - (STRIDE - 1) / 2).T / STRIDE
            for plane, target in zip(answer, out, strict=True):
                target[at[0][mine], at[1][mine]] = ndi.map_coordinates(plane, (v, u), order=1, mode="nearest", prefilter=False)


def load_tower_model(path: Path | None = None) -> TowerModel:
    """Return the model of an ONNX file, opened once as long as the file stays as it is; None = the shipped weights.

    Raises
    ------
    MissingInputError
        No such file.
    ConfigError
        No model of towers.
    """
    file = path or data_folder("models") / "towers.onnx"
    return _opened(file, state_of(file))


@lru_cache(maxsize=2)
def _opened(path: Path, _state: tuple[int, ...] | None) -> TowerModel:
    content = model_bytes(path)
    session = session_of(path, content)
    properties = read_properties(path, session, SIGNATURE)
    check_tensors(path, "input", session.get_inputs(), ("ground",), ("1", str(PLANES), "any", "any"))
    check_tensors(path, "output", session.get_outputs(), ("answer",), ("1", str(OUTPUTS), "any", "any"))
    rates = np.array(json.loads(properties["false_rates"]), np.float64)
    a, b = json.loads(properties["odds"])
    return TowerModel(session, sha256(content).hexdigest(), rates, (float(a), float(b)))
