"""What registration answers: a transform with its independent check, or a refusal with its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

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


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """How a moving image lies on a reference image.

    Attributes
    ----------
    status : {"ok", "refused"}
    reason : str
        One sentence: why refused, or what was decided ("already aligned; left untouched").
    model : {"none", "shift", "similarity", "affine"}
        `none` = the identity: the scenes are aligned as delivered, or the answer is a refusal.
    matrix : (2, 3) float64
        Moving pixel → reference pixel, both (col, row) on `grid`, pixel centres at integers. A moving pixel is the place on `grid` where
        moving content lies when its own georeferencing is believed. The identity when refused.
    grid : GeoBox
        The grid of the reference, on which pixels are counted.
    se_px : float
        Standard error of the answer at the centre of the grid, in pixels; NaN when refused.
    tie_points : int
        How many points (tiles) carried the fit.
    check : CheckPoints
    tie_positions, tie_residuals : (n, 2) float64
        For drawing: (col, row) on the grid and what is left after the fit.
    """

    status: Literal["ok", "refused"]
    reason: str
    model: Literal["none", "shift", "similarity", "affine"]
    matrix: NDArray[np.float64]
    grid: GeoBox
    se_px: float
    tie_points: int
    check: CheckPoints
    tie_positions: NDArray[np.float64]
    tie_residuals: NDArray[np.float64]

    @property
    def ok(self) -> bool:
        """Whether what depends on alignment may go on."""
        return self.status == "ok"

    def shift_px(self, col: float, row: float) -> tuple[float, float]:
        """Return (rows, cols) by which moving content lies further down and right than the reference, at reference pixel (col, row)."""
        linear, offset = self.matrix[:, :2], self.matrix[:, 2]
        moving = np.linalg.solve(linear, np.array([col, row]) - offset)
        return float(moving[1] - row), float(moving[0] - col)

    def world(self) -> Affine:
        """Return the transform in map coordinates: where moving content seems to lie → where it belongs."""
        # GeoBox affines count from the pixel's corner; the matrix counts from its centre.
        centre = Affine.translation(0.5, 0.5)
        pixel = Affine(*self.matrix[0], *self.matrix[1])
        affine = self.grid.affine * centre
        world: Affine = affine * pixel * ~affine
        return world

    def moving_geobox(self, geobox: GeoBox) -> GeoBox:
        """Return the grid on which the moving scene must be loaded so that its pixels fall on `geobox`.

        Loading on this grid and relabelling the result with `geobox` applies the transform in the one interpolation that loading makes.
        """
        return GeoBox(geobox.shape, ~self.world() * geobox.affine, geobox.crs)

    def on(self, grid: GeoBox) -> Registration:
        """Return the same answer counted in pixels of another grid of the same CRS."""
        centre = Affine.translation(0.5, 0.5)
        step: Affine = ~(grid.affine * centre) * (self.grid.affine * centre)
        back: Affine = ~step
        moved: Affine = step * Affine(*self.matrix[0], *self.matrix[1]) * back
        linear = np.array([[step.a, step.b], [step.d, step.e]])

        def place(points: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(points @ linear.T + np.array([step.c, step.f]), np.float64)

        def stretch(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(vectors @ linear.T, np.float64)

        return replace(
            self,
            matrix=np.array([[moved.a, moved.b, moved.c], [moved.d, moved.e, moved.f]]),
            grid=grid,
            se_px=self.se_px * float(abs(np.linalg.det(linear)) ** 0.5),
            check=CheckPoints(place(self.check.positions), stretch(self.check.before), stretch(self.check.after)),
            tie_positions=place(self.tie_positions),
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
            "se_px": number(self.se_px),
            "check": {
                "n": self.check.n,
                "rmse_before_px": number(self.check.rmse_before_px),
                "rmse_after_px": number(self.check.rmse_after_px),
                "ce90_after_px": number(self.check.ce90_after_px),
            },
            "tie_points": self.tie_points,
            "grid": {"crs": str(self.grid.crs), "transform": list(self.grid.affine)[:6], "shape": list(self.grid.shape)},
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
            grid=GeoBox(tuple(record["grid"]["shape"]), Affine(*record["grid"]["transform"]), record["grid"]["crs"]),
            se_px=float("nan") if record["se_px"] is None else record["se_px"],
            tie_points=record["tie_points"],
            check=CheckPoints(check[:, :2], check[:, 2:4], check[:, 4:]),
            tie_positions=tie[:, :2],
            tie_residuals=tie[:, 2:],
        )
