"""Contact sheets: what was found, missed and falsely reported, before and after side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw
from scipy import ndimage as ndi

from _structures_scores import onto

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from _structures_pairs import Labels, Pair
    from _structures_scores import Match
    from _structures_search import Answer
    from camwatch.findings import Finding

AROUND_M, SIDE_PX, CAPTION_PX, ACROSS = 24.0, 150, 14, 5
"""Ground shown beyond an object, side of one date and height of its caption in pixels, objects in a row."""

LABEL, REPORT, OTHER = (60, 230, 90), (255, 70, 50), (255, 210, 60)
"""Colours of labelled buildings, of the report that a cell is about, and of other reports."""


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One object: `found`, `missed` or `false`, how it ranks on its sheet, and its picture."""

    verdict: str
    rank: float
    picture: Picture.Image


def cells_of(pair: Pair, answer: Answer, truth: Labels, compared: tuple[Sequence[Finding], Labels, Match]) -> list[Cell]:
    """Return the cells of one pair: missed buildings rank by their size, reports by their score."""
    records, told, result = compared
    looks = [_display(image.values, pair, answer) for image in answer.alignment.images(answer.alignment.geobox)]
    wanted = [("missed", truth == n, 0.0, "") for n in sorted(result.asked - result.found)]
    for number in sorted(result.told):
        record = records[number - 1]
        verdict = "found" if number in result.right else "false"
        size = f"{record.measures.get('long_side_m', 0):.0f} x {record.measures.get('width_m', 0):.0f} m"
        wanted.append((verdict, told == number, record.score, f"{record.change} {record.score:.2f}, {size}"))
    out = []
    for verdict, mask, score, words in wanted:
        area = float(mask.sum()) * pair.pixel_m**2
        caption = f"{verdict} {words or f'{area:.0f} sq m'}"
        out.append(Cell(verdict, score or area, _cell(looks, (truth, told), mask, pair.pixel_m, caption)))
    return out


def sheet(path: Path, cells: Iterable[Cell], verdict: str, *, most: int = 40, simulated: bool) -> Path | None:
    """Write the cells of one verdict, the highest ranks first (found ones evenly over all ranks); None where there are none."""
    chosen = sorted((cell for cell in cells if cell.verdict == verdict), key=lambda cell: -cell.rank)
    if not chosen:
        return None
    if verdict == "found" and len(chosen) > most:
        chosen = [chosen[round(n)] for n in np.linspace(0, len(chosen) - 1, most)]
    chosen = chosen[:most]
    width, height = chosen[0].picture.size
    rows = -(-len(chosen) // ACROSS)
    whole = Picture.new("RGB", (ACROSS * width, rows * height + 2 * CAPTION_PX), "white")
    title = f"{'SIMULATED: rendered scenes. ' if simulated else ''}{verdict}; green: labelled, red: the report, yellow: other reports; before | after"
    ImageDraw.Draw(whole).text((4, 4), title, fill="black")
    for number, cell in enumerate(chosen):
        row, col = divmod(number, ACROSS)
        whole.paste(cell.picture, (col * width, row * height + 2 * CAPTION_PX))
    path.parent.mkdir(parents=True, exist_ok=True)
    whole.save(path, optimize=True)
    return path


def _display(values: NDArray[np.float32], pair: Pair, answer: Answer) -> NDArray[np.uint8]:
    """Return one date on the grid of the labels as (y, x, 3) uint8."""
    planes = onto(values[:3] if len(values) >= 3 else values[:1], answer.alignment.geobox, pair.grid)
    low, high = np.quantile(planes, (0.01, 0.99))
    scaled = np.clip(255 * (planes - low) / max(float(high - low), 1e-6), 0, 255).astype(np.uint8)
    return np.moveaxis(np.broadcast_to(scaled, (3, *scaled.shape[1:])), 0, 2)


def _cell(looks: list[NDArray[np.uint8]], marks: tuple[Labels, Labels], mask: NDArray[np.bool_], pixel_m: float, caption: str) -> Picture.Image:
    rows, cols = np.nonzero(mask)
    reach = max(np.ptp(rows), np.ptp(cols)) / 2 + AROUND_M / pixel_m
    centre = (rows.min() + rows.max()) / 2, (cols.min() + cols.max()) / 2
    part = tuple(slice(max(int(c - reach), 0), min(int(c + reach) + 1, n)) for c, n in zip(centre, mask.shape, strict=True))
    whole = Picture.new("RGB", (2 * SIDE_PX + 6, SIDE_PX + CAPTION_PX + 4), "white")
    for date, look in enumerate(looks):
        crop = look[part]
        scale = SIDE_PX / max(crop.shape[:2])
        size = tuple(max(round(n * scale), 1) for n in crop.shape[1::-1])
        shown = np.array(Picture.fromarray(np.ascontiguousarray(crop)).resize(size, Picture.Resampling.BICUBIC))
        truth, told, own = marks[0][part], marks[1][part], mask[part]
        for labels, colour in ((truth, LABEL), (np.where(own, 0, told), OTHER), (np.where(own, told, 0), REPORT)):
            fine = np.array(Picture.fromarray(labels.astype(np.int32)).resize(size, Picture.Resampling.NEAREST))
            shown[_edges(fine)] = colour
        whole.paste(Picture.fromarray(shown), (date * (SIDE_PX + 2), CAPTION_PX))
    ImageDraw.Draw(whole).text((2, 1), caption, fill="black")
    return whole


def _edges(labels: Labels) -> NDArray[np.bool_]:
    """Return the pixels of numbered parts that touch another number."""
    inside = (labels > 0) & (ndi.minimum_filter(labels, 3) != ndi.maximum_filter(labels, 3))
    return np.asarray(inside, bool)
