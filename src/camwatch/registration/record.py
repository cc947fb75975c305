"""What registration answers: a transform with its independent check, or a refusal with its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from camwatch.registration.lattice import Lattice

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class CheckPoints:
    """Points withheld from the fit.

    Attributes
    ----------
    positions : (n, 2) float64
        (col, row) on the reference grid.
    before, after : (n, 2) float64
        Residual (col, row) in pixels with the georeferencing as delivered, and with the transform applied.
    """

    positions: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]

    @property
    def n(self) -> int:
        """How many."""
        return len(self.positions)

    @property
    def rmse_before_px(self) -> float:
        """Root mean square of the residual lengths as delivered; NaN without points."""
        return _rmse(self.before)

    @property
    def rmse_after_px(self) -> float:
        """Root mean square of the residual lengths with the transform; NaN without points."""
        return _rmse(self.after)

    @property
    def ce90_after_px(self) -> float:
        """Radius that holds 90 % of the residuals with the transform; NaN without points."""
        return float(np.quantile(np.hypot(*self.after.T), 0.9)) if self.n else float("nan")


def _rmse(residuals: NDArray[np.float64]) -> float:
    return float(np.sqrt((residuals**2).sum(axis=1).mean())) if len(residuals) else float("nan")


Model = Literal["none", "shift", "similarity", "affine", "field"]


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """How a moving image lies on a reference image.

    A moving pixel is the place on `grid` where moving content lies when its own georeferencing is believed.

    Attributes
    ----------
    status : {"ok", "refused"}
    reason : str
        One sentence: why refused, or what was decided ("already aligned; left untouched").
    model : {"none", "shift", "similarity", "affine", "field"}
        `none` = the identity: the scenes are aligned as delivered, or the answer is a refusal. `field` = an affine and a smooth field upon it.
    matrix : (2, 3) float64
        Moving pixel → reference pixel, both (col, row) on `grid`, pixel centres at integers: the affine part. The identity when refused.
    field : Lattice or None
        At a reference pixel, how much further right and down (col, row; pixels) moving content lies than the affine part says.
    precision : Lattice or None
        At a reference pixel, the covariance of the answered place in px²: variance of the column, covariance, variance of the row. None when refused.
    grid : GeoBox
        The grid of the reference, on which pixels are counted.
    tie_points : int
        How many points (tiles) carried the fit.
    check : CheckPoints
    tie_positions, tie_residuals : (n, 2) float64
        For drawing: (col, row) on the grid and what is left after the fit.
    """

    status: Literal["ok", "refused"]
    reason: str
    model: Model
    matrix: NDArray[np.float64]
    field: Lattice | None
    precision: Lattice | None
    grid: GeoBox
    tie_points: int
    check: CheckPoints
    tie_positions: NDArray[np.float64]
    tie_residuals: NDArray[np.float64]

    @classmethod
    def refused(cls, geobox: GeoBox, reason: str, check: CheckPoints | None = None) -> Registration:
        """Return the answer that there is none, with its reason and what was checked before it was given up."""
        none = np.zeros((0, 2))
        return cls("refused", reason, "none", np.eye(3)[:2], None, None, geobox, 0, check or CheckPoints(none, none, none), none, none)

    @property
    def ok(self) -> bool:
        """Whether what depends on alignment may go on."""
        return self.status == "ok"

    @property
    def se_px(self) -> float:
        """Standard error at the centre of the grid in pixels, both axes together; NaN when refused."""
        rows, cols = self.grid.shape
        return float(self.se_at(np.array([[(cols - 1) / 2, (rows - 1) / 2]]))[0])

    def se_at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the standard error (n,) in pixels, both axes together, of the place answered for reference pixels (n, 2); NaN when refused."""
        if self.precision is None:
            return np.full(len(points), np.nan)
        variance = self.precision.at(points)
        return np.asarray(np.sqrt(np.maximum(variance[:, 0] + variance[:, 2], 0)), np.float64)

    def to_moving(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the moving pixels (n, 2) at which the ground of reference pixels (n, 2) lies, (col, row)."""
        out = np.linalg.solve(self.matrix[:, :2], (points - self.matrix[:, 2]).T).T
        return np.asarray(out if self.field is None else out + self.field.at(points), np.float64)

    def to_reference(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the reference pixels (n, 2) of the ground that lies at moving pixels (n, 2): the inverse of :meth:`to_moving`."""

        def back(places: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(places @ self.matrix[:, :2].T + self.matrix[:, 2], np.float64)

        out = back(points)
        if self.field is not None:
            # A field is much smoother than it is long, so that the fixed point attracts: each round leaves the slope's share of the error.
            for _ in range(INVERSE_ROUNDS):
                out = back(points - self.field.at(out))
        return out

    def seen_at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where, by the moving scene's own georeferencing, the ground at map coordinates (n, 2) is found; (x, y) in the grid's CRS."""
        to_map = self.grid.affine * HALF
        to_pixel = ~to_map
        moving = self.to_moving(_apply(to_pixel, xy))
        return _apply(to_map, moving)

    def belongs_at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where the ground lies that the moving scene, by its own georeferencing, shows at map coordinates (n, 2): undoes :meth:`seen_at`."""
        to_map = self.grid.affine * HALF
        return _apply(to_map, self.to_reference(_apply(~to_map, xy)))

    def shift_px(self, col: float, row: float) -> tuple[float, float]:
        """Return (rows, cols) by which moving content lies further down and right than the reference, at reference pixel (col, row)."""
        moving = self.to_moving(np.array([[col, row]], float))[0]
        return float(moving[1] - row), float(moving[0] - col)

    def world(self) -> Affine:
        """Return the affine part in map coordinates: where moving content seems to lie → where it belongs."""
        affine = self.grid.affine * HALF
        world: Affine = affine * Affine(*self.matrix[0], *self.matrix[1]) * ~affine
        return world

    def moving_geobox(self, geobox: GeoBox) -> GeoBox:
        """Return the grid on which the moving scene must be loaded so that its pixels fall on `geobox`; for answers without a field.

        Loading on this grid and relabelling the result with `geobox` applies the transform in the one interpolation that loading makes.
        """
        if self.field is not None:
            raise ValueError("moving_geobox: the answer has a field, which no grid holds; load through seen_at")
        return GeoBox(geobox.shape, ~self.world() * geobox.affine, geobox.crs)

    def on(self, grid: GeoBox) -> Registration:
        """Return the same answer counted in pixels of another grid of the same CRS."""
        step: Affine = ~(grid.affine * HALF) * (self.grid.affine * HALF)
        back: Affine = ~step
        moved: Affine = step * Affine(*self.matrix[0], *self.matrix[1]) * back
        linear = np.array([[step.a, step.b], [step.d, step.e]])

        def stretch(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(vectors @ linear.T, np.float64)

        def spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
            full = linear @ values[..., [[0, 1], [1, 2]]] @ linear.T
            return np.stack([full[..., 0, 0], full[..., 0, 1], full[..., 1, 1]], axis=-1)

        return replace(
            self,
            matrix=np.array([[moved.a, moved.b, moved.c], [moved.d, moved.e, moved.f]]),
            field=None if self.field is None else self.field.on(step, stretch(self.field.values)),
            precision=None if self.precision is None else self.precision.on(step, spread(self.precision.values)),
            grid=grid,
            check=CheckPoints(_apply(step, self.check.positions), stretch(self.check.before), stretch(self.check.after)),
            tie_positions=_apply(step, self.tie_positions),
            tie_residuals=stretch(self.tie_residuals),
        )

    def as_json(self, col: float, row: float) -> dict[str, Any]:
        """Return the record written to `registration.json`; (col, row) is the AOI's centre on the reference grid."""

        def number(value: float) -> float | None:
            return round(value, 5) if np.isfinite(value) else None

        rows, cols = self.shift_px(col, row)
        return {
            "status": self.status,
            "reason": self.reason,
            "model": self.model,
            "shift_px": [round(rows, 5), round(cols, 5)],
            "matrix": [[round(float(v), 10) for v in line] for line in self.matrix],
            "se_px": number(float(self.se_at(np.array([[col, row]]))[0])),
            "check": {
                "n": self.check.n,
                "rmse_before_px": number(self.check.rmse_before_px),
                "rmse_after_px": number(self.check.rmse_after_px),
                "ce90_after_px": number(self.check.ce90_after_px),
            },
            "tie_points": self.tie_points,
            "grid": {"crs": str(self.grid.crs), "transform": list(self.grid.affine)[:6], "shape": list(self.grid.shape)},
            "field": self.field and self.field.as_json(),
            "precision": self.precision and self.precision.as_json(),
            "points": {
                "check": np.round(np.hstack([self.check.positions, self.check.before, self.check.after]), 4).tolist(),
                "tie": np.round(np.hstack([self.tie_positions, self.tie_residuals]), 4).tolist(),
            },
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Registration:
        """Return the registration that :meth:`as_json` wrote, its numbers as rounded there."""
        check = np.array(record["points"]["check"], float).reshape(-1, 6)
        tie = np.array(record["points"]["tie"], float).reshape(-1, 4)
        return cls(
            status=record["status"],
            reason=record["reason"],
            model=record["model"],
            matrix=np.array(record["matrix"], float),
            field=record["field"] and Lattice.from_json(record["field"]),
            precision=record["precision"] and Lattice.from_json(record["precision"]),
            grid=GeoBox(tuple(record["grid"]["shape"]), Affine(*record["grid"]["transform"]), record["grid"]["crs"]),
            tie_points=record["tie_points"],
            check=CheckPoints(check[:, :2], check[:, 2:4], check[:, 4:]),
            tie_positions=tie[:, :2],
            tie_residuals=tie[:, 2:],
        )


HALF = Affine.translation(0.5, 0.5)
"""GeoBox affines count from the pixel's corner; answers count from its centre."""

INVERSE_ROUNDS = 30
"""Rounds of the fixed point of the inverse; a field that changes by 0.3 px per pixel, more than any that is answered, is then exact to 1e-14."""


def _apply(affine: Affine, points: NDArray[np.float64]) -> NDArray[np.float64]:
    linear = np.array([[affine.a, affine.b], [affine.d, affine.e]])
    return np.asarray(points @ linear.T + np.array([affine.c, affine.f]), np.float64)
