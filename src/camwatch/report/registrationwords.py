"""What a page of one registration says: its verdict, and its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from camwatch.report.tables import number

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox

    from camwatch.registration.record import Registration


class Words(NamedTuple):
    """How a page calls its verdict, the state that the pair ends in, and its two checkerboards."""

    verdict: str
    colour: str
    after: str
    boards: tuple[str, str]


ALIGNED = Words("✔ REGISTERED", "#00694c", "registered", ("Checkerboard as delivered", "Checkerboard registered"))

UNTOUCHED = Words(
    "✔ ALREADY ALIGNED – LEFT AS DELIVERED", "#00694c", "left as delivered", ("Checkerboard, clearest edges", "Checkerboard, longest residual")
)

REFUSED = Words("✘ REFUSED – NOT ALIGNED", "#a84300", "by the best transform", ("Checkerboard, longest residual", "Checkerboard, contrary residual"))


def words_of(registration: Registration) -> Words:
    """Return how a page calls an answer; a refusal is never called registered."""
    if not registration.ok:
        return REFUSED
    return UNTOUCHED if registration.model == "none" else ALIGNED


def figures(registration: Registration) -> tuple[tuple[str, str], ...]:
    """Return label and value of each line of the numbers; what a refusal does not have is not listed."""
    check, grid = registration.check, registration.grid
    metres = metres_of(grid)
    rows, cols = grid.shape

    def length(pixels: float) -> str:
        return "not measured" if pixels != pixels else f"{px(pixels)} = {number(pixels * metres, 2)} m"  # noqa: PLR0124 - NaN

    lines = [("Model", registration.model if registration.ok else "none"), ("Tie points", number(registration.tie_points))]
    if registration.ok:
        down, right = registration.shift_px((cols - 1) / 2, (rows - 1) / 2)
        col, row = np.meshgrid(np.linspace(0, cols - 1, 17), np.linspace(0, rows - 1, 17))
        errors = registration.se_at(np.column_stack([col.ravel(), row.ravel()]))
        lines += [
            ("Shift at the centre", f"{_signed(down)} rows, {_signed(right)} cols"),
            ("", f"{number(float(np.hypot(down, right)) * metres)} m"),
            ("Standard error, centre", length(registration.se_px)),
            ("Standard error, worst", length(float(np.nanmax(errors)) if np.isfinite(errors).any() else float("nan"))),
        ]
    lines += [("Check points", f"{check.n}, withheld from the fit" if check.n else "none")]
    after = "as delivered"
    if not np.array_equal(check.before, check.after):
        lines += [("RMSE as delivered", length(check.rmse_before_px))]
        after = "registered" if registration.ok else "best tried"
    lines += [(f"RMSE {after}", length(check.rmse_after_px)), (f"CE90 {after}", length(check.ce90_after_px)), ("Pixel", f"{number(metres)} m")]
    return tuple(lines)


def px(value: float) -> str:
    """Return a length in pixels with three digits, but no more than four decimals."""
    return f"{number(value, decimals=4) if abs(value) < 0.1 else number(value)} px"


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "−") + number(abs(value), decimals=3)


def metres_of(grid: GeoBox) -> float:
    """Return the side of a pixel in units of the grid's CRS, which are metres here."""
    return float(abs(grid.affine.determinant) ** 0.5)
