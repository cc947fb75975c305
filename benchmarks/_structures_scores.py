"""Reports held against labels: pixels, objects, and the ranking of the scores."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np
from rasterio.features import rasterize
from rasterio.warp import Resampling, reproject

from _structures_pairs import numbered
from camwatch.aoi import reproject as moved

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from _structures_pairs import Labels, Pair
    from _structures_search import Answer
    from camwatch.findings import Finding, Findings

SMALLEST_M2 = 5.0
"""Labelled buildings below this are not asked for."""

ALIKE = 0.25
"""Overlap (IoU) from which a report means a building; one that holds its centre does too."""


def records_of(findings: Findings, changes: Collection[str]) -> list[Finding]:
    """Return the records of some changes."""
    return [record for record in findings.records if record.change in changes]


def drawn(records: Sequence[Finding], crs: str, grid: GeoBox) -> Labels:
    """Return the outlines of records as (y, x) int32 on a grid, by their place in the sequence from 1 on."""
    shapes = [(moved(record.geometry, crs, grid.crs), number) for number, record in enumerate(records, 1)]
    out = np.zeros(grid.shape, np.int32)
    if shapes:
        rasterize(shapes, out=out, transform=grid.affine)
    return out


def onto(plane: NDArray[np.float32], source: GeoBox, grid: GeoBox) -> NDArray[np.float32]:
    """Return a (band, y, x) or (y, x) plane on another grid, linear between its pixels; 0 where it knows nothing."""
    out = np.zeros((*plane.shape[:-2], *grid.shape), np.float32)
    places = {"src_transform": source.affine, "dst_transform": grid.affine, "src_crs": str(source.crs), "dst_crs": str(grid.crs)}
    reproject(plane, out, src_nodata=np.nan, dst_nodata=0, resampling=Resampling.bilinear, **places)
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """Which labels were found, and which reports are right.

    Attributes
    ----------
    asked, found : set of int
        Labelled buildings.
    told, right : set of int
        Reports that show on the grid.
    """

    asked: set[int]
    found: set[int]
    told: set[int]
    right: set[int]


def match(told: Labels, truth: Labels, pixel_m: float) -> Match:
    """Hold reports against labelled buildings, both (y, x) int32 with 0 = none."""
    sizes = [np.bincount(plane.ravel()) for plane in (told, truth)]
    large = {int(n) for n in np.flatnonzero(sizes[1] * pixel_m**2 >= SMALLEST_M2) if n}
    both = (told > 0) & (truth > 0)
    pairs, common = np.unique(np.stack([told[both], truth[both]]), axis=1, return_counts=True)
    found, right = set(), set()
    for report, building, n in zip(*map(np.ndarray.tolist, (*pairs, common)), strict=True):
        if building not in large:
            continue
        if n / (sizes[0][report] + sizes[1][building] - n) >= ALIKE or _at_centre(told, truth == building) == report:
            found.add(building)
            right.add(report)
    return Match(large, found, {int(n) for n in np.flatnonzero(sizes[0]) if n}, right)


def _at_centre(told: Labels, mask: NDArray[np.bool_]) -> int:
    rows, cols = np.nonzero(mask)
    return int(told[round(float(rows.mean())), round(float(cols.mean()))])


@dataclass(slots=True, eq=False)
class Totals:
    """Sums over pairs."""

    hit: int = 0
    extra: int = 0
    missed: int = 0
    asked: int = 0
    found: int = 0
    told: int = 0
    right: int = 0
    km2: float = 0.0
    refused: int = 0
    scores: list[NDArray[np.float32]] = field(default_factory=list)
    truths: list[NDArray[np.bool_]] = field(default_factory=list)

    def add(self, pair: Pair, answer: Answer, change: str, also: Collection[str] = (), *, again: bool = False) -> tuple[list[Finding], Labels, Match]:
        """Take a pair: buildings that `appeared` or were `removed`, told as such, or by the changes that count `also`; return what was compared.

        Reports that lie for the most part on unsure ground, or mean a building of which nothing is sure, are left out. The ground of a search
        that is asked `again` for another change is not counted twice.
        """
        truth = pair.came if change == "appeared" else pair.gone
        findings = answer.findings
        records = records_of(findings, {change, *also})
        told = drawn(records, findings.crs, pair.grid)
        result = match(told, truth, pair.pixel_m)
        unsure = {n for n in result.told - result.right if pair.unsure[told == n].mean() >= 0.5}
        if pair.unsure.any():
            unsure |= match(told, numbered(pair.unsure), pair.pixel_m).right - result.right
        result = Match(result.asked, result.found, result.told - unsure, result.right)
        there, real = np.isin(told, list(result.told)), truth > 0
        self.hit, self.extra, self.missed = (
            self.hit + int((there & real).sum()),
            self.extra + int((there & ~real).sum()),
            self.missed + int((~there & real).sum()),
        )
        self.asked, self.found = self.asked + len(result.asked), self.found + len(result.found)
        self.told, self.right = self.told + len(result.told), self.right + len(result.right)
        if not again:
            self.km2, self.refused = self.km2 + findings.searched_km2, self.refused + (findings.status != "searched")
        self.scores.append(onto(np.asarray(findings.score), findings.geobox, pair.grid)[::2, ::2].ravel())
        self.truths.append(real[::2, ::2].ravel())
        return records, told, result

    def take(self, other: Totals) -> None:
        """Take the sums of others."""
        for name in (each.name for each in fields(self)):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def pixel_f1(self) -> float:
        """Harmonic mean of precision and recall of the reported outlines' pixels."""
        return 2 * self.hit / max(2 * self.hit + self.extra + self.missed, 1)

    @property
    def precision(self) -> float:
        """Share of the reports that are right."""
        return self.right / max(self.told, 1)

    @property
    def recall(self) -> float:
        """Share of the buildings that were found."""
        return self.found / max(self.asked, 1)

    @property
    def object_f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)

    @property
    def average_precision(self) -> float:
        """Area under precision over recall of the score's pixels, every second row and column."""
        score, truth = np.concatenate(self.scores), np.concatenate(self.truths)
        order = np.argsort(-score, kind="stable")
        hits = np.cumsum(truth[order])
        precision = hits / np.arange(1, hits.size + 1)
        return float((precision * truth[order]).sum() / max(int(truth.sum()), 1))

    def cells(self) -> str:
        """Return the figures as cells of a table, as :data:`HEAD` names them."""
        figures = (self.pixel_f1, self.object_f1, self.precision, self.recall, self.average_precision)
        wrong = f"{(self.told - self.right) / self.km2:.1f}" if self.km2 else "–"
        return f"{' | '.join(f'{figure:.3f}' for figure in figures)} | {self.asked} | {self.found} | {self.told} | {self.right} | {wrong}"


HEAD = "pixel F1 | object F1 | precision | recall | AP | labelled | found | reported | right | false per km²"
