"""The drawn parts of the page of one registration: vectors, maps of residual and standard error, the field, the share of points within a distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from camwatch.report import canvas as sheet
from camwatch.report import style
from camwatch.report.canvas import Area, Ink
from camwatch.report.ground import Ground, hatched
from camwatch.report.tables import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camwatch.registration.record import Registration
    from camwatch.report.canvas import Canvas

VECTOR = 34.0
"""A vector of the 90th percentile is drawn about so many pixels long."""
MANY = 150
"""So many vectors are drawn finer."""
KEY = 90.0
"""Longest bar of a vector's key, in pixels."""
CLASSES = 6
"""Steps of a map's colours at most."""
CELLS = 8
"""Cells along the longer side of the residual map at most."""
ALIKE = 0.05
"""A standard error that varies by less than this share is told in words."""
FEW_DECADES = 1.7
"""A scale of no more decades is told at 1, 2 and 5."""
MAP_STEP = 2
"""The standard error is smooth: it is evaluated under every other pixel of its map."""

# Dark means much, also in grey. The steps of each ramp are about as far apart for every eye.
WARM = ("#fff5e3", "#fdd49e", "#fc9f5b", "#e0632c", "#a83405", "#5e1500")
COOL = ("#f1f7fb", "#cfe1f0", "#9dc4e0", "#5e9bc9", "#2a6aa8", "#0d3468")


def nice(value: float) -> float:
    """Return the largest of 1, 2, 5 × 10ⁿ that is not more than a positive value."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(step * power for step in (1, 2, 5) if step * power <= value * (1 + 1e-9)))


def magnification(residuals: NDArray[np.float64], scale: float) -> float:
    """Return the round factor by which vectors (n, 2), in grid pixels that are `scale` page pixels wide, are magnified; 0 without any."""
    typical = float(np.quantile(np.hypot(*residuals.T), 0.9)) if len(residuals) else 0.0
    return nice(VECTOR / (scale * typical)) if typical > 0 else 0.0


def vectors(page: Canvas, ground: Ground, starts: NDArray[np.float64], moves: NDArray[np.float64], *, colour: str) -> float:
    """Draw vectors in grid pixels, magnified by a round factor, with a white rim, and a key to their length; return the factor, 0 without vectors.

    A ring stands where each begins, a smaller one where there are many.
    """
    width, radius = (2.0, 3.6) if len(starts) < MANY else (1.2, 1.4)
    rim, ink, times = Ink(ground.area), Ink(ground.area), magnification(moves, ground.scale)
    places, ends = ground.on_page(starts), ground.on_page(starts + times * moves)
    for place, end in zip(places, ends, strict=True):
        for target, wider in ((rim, width), (ink, 0.0)):
            target.line(np.stack([place, end]), width + wider)
            target.ring(place[0], place[1], radius, 0.8 * width + wider)
    page.ink(rim, "white", share=0.85)
    page.ink(ink, colour)
    if times:
        _key(page, ground, times, colour)
    return times


def _key(page: Canvas, ground: Ground, times: float, colour: str) -> None:
    """Draw a bar as long as a vector of a round number of pixels, on a white ground."""
    length = nice(KEY / (times * ground.scale))
    reach, said = length * times * ground.scale, f"{number(length)} px"
    area = ground.area
    wide = round(reach + sheet.measure(said, sheet.SMALL) + 26)
    plate = Area(area.right - wide - 6, area.bottom - 32, wide, 26)
    page.veil(plate, 0.88)
    ink = Ink(plate)
    ink.line(np.array([[8.0, 13.0], [8.0 + reach, 13.0]]), 2.0)
    for x in (8.0, 8.0 + reach):
        ink.line(np.array([[x, 8.0], [x, 18.0]]), 2.0)
    page.ink(ink, colour)
    page.text(plate.x + 16 + reach, plate.y + 2, said, sheet.SMALL)


def points(page: Canvas, ground: Ground, places: NDArray[np.float64], colour: str) -> None:
    """Draw small dots."""
    ink = Ink(ground.area)
    for x, y in ground.on_page(places):
        ink.dot(x, y, 1.6)
    page.ink(ink, colour, share=0.65)


def scale_bar(page: Canvas, ground: Ground, metres: float) -> None:
    """Draw a scale bar of about a quarter of the panel's width, lower left, two-toned, on a white ground; `metres` is the side of a grid pixel."""
    area = ground.area
    length = nice(area.width * 0.3 / ground.scale * metres)
    wide = length / metres * ground.scale
    said = f"{number(length / 1000)} km" if length >= 1000 else f"{number(length)} m"
    page.veil(Area(area.x + 6, area.bottom - 38, round(max(wide, sheet.measure(said, sheet.SMALL))) + 16, 32), 0.88)
    page.text(area.x + 14, area.bottom - 38, said, sheet.SMALL)
    bar = Area(area.x + 14, area.bottom - 16, round(wide), 6)
    page.fill(bar, "white")
    page.fill(Area(bar.x, bar.y, bar.width // 2, bar.height), style.INK)
    page.frame(bar)


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of a map's colours: `edges` are the limits between them, one more than there are colours."""

    edges: tuple[float, ...]
    colours: tuple[str, ...]

    @classmethod
    def over(cls, low: float, high: float, ramp: Sequence[str]) -> Steps:
        """Return steps of round width that hold all values from `low` to `high`."""
        span = max(high - low, 0.02 * abs(high), 1e-6)
        step = next(s for s in (factor * nice(span / CLASSES) for factor in (1, 2, 2.5, 5, 10)) if _count(low, high, s) <= CLASSES)
        first = np.floor(low / step + 1e-9) * step
        count = _count(low, high, step)
        # Few steps use the ramp's whole reach all the same, but for its ends.
        chosen = np.round(np.linspace(0, len(ramp) - 1, count)).astype(int) if count > 1 else [1]
        return cls(tuple(float(first + n * step) for n in range(count + 1)), tuple(ramp[n] for n in chosen))

    def of(self, values: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the colours (…, 3) of values."""
        which = np.clip(np.searchsorted(self.edges, values, side="right") - 1, 0, len(self.colours) - 1)
        table = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in self.colours], np.uint8)
        return np.asarray(table[which], np.uint8)


def _count(low: float, high: float, step: float) -> int:
    return max(int(np.ceil(high / step - 1e-9) - np.floor(low / step + 1e-9)), 1)


def cells(places: NDArray[np.float64], lengths: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return the root mean square of lengths (n,) at places (n, 2) per cell of a grid cut into about square ones, (rows, cols); NaN without a point.

    There are about as many cells as points, so that most have one or two: a mean over more would hide what is local.
    """
    count = np.clip(np.sqrt(len(places) * max(shape) / min(shape)), 2, CELLS)
    rows, cols = (max(round(n / max(shape) * count), 1) for n in shape)
    sums, hits = np.zeros((rows, cols)), np.zeros((rows, cols))
    row = np.clip(((places[:, 1] + 0.5) * rows / shape[0]).astype(int), 0, rows - 1)
    col = np.clip(((places[:, 0] + 0.5) * cols / shape[1]).astype(int), 0, cols - 1)
    np.add.at(sums, (row, col), lengths**2)
    np.add.at(hits, (row, col), 1)
    return np.sqrt(np.divide(sums, hits, out=np.full((rows, cols), np.nan), where=hits > 0))


def residual_map(page: Canvas, ground: Ground, registration: Registration) -> Steps | None:
    """Draw cells with the residual of the check points in them, in colour and in figures; return the colours' steps, None without a point."""
    check, area = registration.check, ground.area
    page.paste(area, np.repeat(hatched(area.height, area.width)[..., None], 3, axis=2))
    if not check.n:
        note(page, area, "No check point could be measured.")
        return None
    rows, cols = registration.grid.shape
    values = cells(check.positions, np.hypot(*check.after.T), (rows, cols))
    side = np.array([cols, rows]) / values.shape[::-1]
    steps = Steps.over(0.0, float(np.nanmax(values)), WARM)
    for (row, col), value in np.ndenumerate(values):
        corners = np.array([[col, row], [col + 1, row + 1]]) * side
        (x0, y0), (x1, y1) = np.sort(ground.on_page(corners - 0.5), axis=0)
        cell = Area(area.x + round(x0), area.y + round(y0), round(x1) - round(x0), round(y1) - round(y0))
        if np.isfinite(value):
            colour = steps.of(np.array(value))
            page.fill(cell, "#{:02x}{:02x}{:02x}".format(*colour))
            said = number(float(value), decimals=3) if steps.edges[-1] < 0.1 else number(float(value), 2)
            if sheet.measure(said, sheet.SMALL) <= cell.width - 4 and cell.height >= sheet.SMALL:
                ink = "white" if colour.mean() < 125 else style.INK
                page.text(
                    cell.x + cell.width / 2, cell.y + (cell.height - sheet.LEADING * sheet.SMALL) / 2, said, sheet.SMALL, colour=ink, align="center"
                )
        page.frame(cell, "white")
    return steps


def error_map(page: Canvas, ground: Ground, registration: Registration) -> Steps | None:
    """Draw the standard error of the answer over the scene in steps of colour; return them, None where there is none (refused)."""
    area = ground.area
    picture = np.repeat(hatched(area.height, area.width)[..., None], 3, axis=2)
    rows, cols = registration.grid.shape
    centres = ground.centres(MAP_STEP)
    errors = registration.se_at(centres)
    inside = ((centres >= -0.5) & (centres <= (cols - 0.5, rows - 0.5))).all(axis=1) & np.isfinite(errors)
    low, high = (float(errors[inside].min()), float(errors[inside].max())) if inside.any() else (0.0, 0.0)
    steps = Steps.over(low, high, COOL) if inside.any() else None
    if steps is not None:
        height, width = (len(range(0, n, MAP_STEP)) for n in (area.height, area.width))
        coloured = steps.of(np.where(inside, errors, 0.0)).reshape(height, width, 3)
        full, seen = (_repeated(part, area) for part in (coloured, inside.reshape(height, width, 1)))
        picture = ground.upright(np.where(seen, full, picture))
    page.paste(area, np.ascontiguousarray(picture))
    if steps is None:
        note(page, area, "No standard error: the pair is refused.")
    elif high - low < ALIKE * high:
        note(page, area, f"{number(high, 2)} px throughout")
        return None
    return steps


def note(page: Canvas, area: Area, words: str) -> None:
    """Write a few words in the middle of an area, on a white ground."""
    width, height = round(sheet.measure(words, sheet.BODY)) + 24, round(sheet.LEADING * sheet.BODY) + 12
    plate = Area(area.x + (area.width - width) // 2, area.y + (area.height - height) // 2, width, height)
    page.fill(plate, "white")
    page.frame(plate, style.SOFT)
    page.text(plate.x + 12, plate.y + 6, words, sheet.BODY)


def _repeated(pixels: NDArray[Any], area: Area) -> NDArray[Any]:
    return np.repeat(np.repeat(pixels, MAP_STEP, axis=0), MAP_STEP, axis=1)[: area.height, : area.width]


def field_arrows(page: Canvas, ground: Ground, registration: Registration) -> float:
    """Draw how the answer differs from its affine part on a raster of places; return by how much the vectors are magnified."""
    if registration.field is None:
        return 0.0
    rows, cols = registration.grid.shape
    step = max(rows, cols) / 9
    col, row = np.meshgrid(np.arange(step / 2, cols, step), np.arange(step / 2, rows, step))
    places = np.column_stack([col.ravel(), row.ravel()])
    moves = registration.field.at(places)
    return vectors(page, ground, places, moves, colour=style.INK)


def legend(page: Canvas, below: Area, steps: Steps, unit: str) -> None:
    """Draw the steps of a map's colours with their limits, below the map."""
    inset = 18
    x, y, width = below.x + inset, below.bottom + 8, below.width - inset
    side = (width - sheet.measure(unit, sheet.SMALL) - 2 * inset) / len(steps.colours)
    digits = max(-int(np.floor(np.log10(steps.edges[1] - steps.edges[0]) + 1e-9)), 0)
    decimals = next((d for d in (digits, digits + 1, digits + 2) if all(abs(round(e, d) - e) < 1e-9 for e in steps.edges)), digits + 2)
    for n, colour in enumerate(steps.colours):
        page.fill(Area(x + round(n * side), y, round((n + 1) * side) - round(n * side), 12), colour)
    page.frame(Area(x, y, round(len(steps.colours) * side), 12), style.SOFT)
    for n, edge in enumerate(steps.edges):
        page.text(x + n * side, y + 13, number(edge, decimals=decimals), sheet.SMALL, colour=style.SOFT, align="center")
    page.text(x + width, y - 5, unit, sheet.SMALL, colour=style.SOFT, align="right")


def lengths(page: Canvas, area: Area, registration: Registration) -> None:
    """Draw which share of the check points is off by no more than so many pixels, before (dashed) and after; distances are logarithmic."""
    check = registration.check
    both = [np.sort(np.hypot(*residuals.T)) for residuals in (check.before, check.after)]
    least = max(min(float(v[0]) for v in both), 1e-3)
    low, high = np.floor(np.log10(least) * 3) / 3, np.ceil(np.log10(max(float(v[-1]) for v in both) * 1.02 + 1e-3) * 3) / 3
    high = max(high, low + 1)
    plot = Area(area.x + 46, area.y + 8, area.width - 52, area.height - 8 - 48)

    def place(values: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
        across = (np.log10(np.maximum(values, 10.0**low)) - low) / (high - low)
        return np.column_stack([across * plot.width, (1 - shares) * (plot.height - 3) + 1.5])

    for share in (0.0, 0.5, 0.9, 1.0):
        y = plot.y + place(np.array([1.0]), np.array([share]))[0, 1]
        page.rule(plot.x, round(y), plot.width, style.RULE if share else style.INK)
        page.text(
            plot.x - 6,
            y - 0.62 * sheet.SMALL * sheet.LEADING + (8 if share == 1 else 0),
            f"{share:.0%}" if share != 1 else "",
            sheet.SMALL,
            align="right",
        )
    for tick in (step * 10.0**power for power in range(-4, 5) for step in ((1, 2, 5) if high - low < FEW_DECADES else (1,))):
        x = plot.x + (np.log10(tick) - low) / (high - low) * plot.width
        if plot.x <= x <= plot.right + 1:
            page.fill(Area(round(x), plot.y, 1, plot.height), style.RULE)
            page.text(x, plot.bottom + 2, number(tick), sheet.SMALL, align="center")
    page.text(plot.x + plot.width / 2, plot.bottom + 22, "residual, px (logarithmic)", sheet.SMALL, colour=style.SOFT, align="center")
    shares = np.arange(check.n + 1) / check.n
    curves = ((both[0], style.BLUE, 7.0), (both[1], style.VERMILLION, 0.0))
    for values, colour, dash in curves[:1] if np.array_equal(check.before, check.after) else curves:
        # The share rises at each point's distance, and stays until the next one's.
        stairs = np.column_stack([np.repeat(values, 2), np.repeat(shares, 2)[1:-1]])
        line = place(*np.vstack([stairs, [10.0**high, 1.0]]).T)
        ink = Ink(plot)
        if dash:
            ink.dashed(line, 2.5, dash)
        else:
            ink.line(line, 2.5)
        page.ink(ink, colour)
