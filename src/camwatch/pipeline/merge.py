"""The answers of tiles put together to one for the whole grid, in the order of the tiles; memory follows a row of them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from camwatch.pipeline.scores import APART, new_score
from camwatch.rasters import BLOCK, mask_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from camwatch.aoi import Site
    from camwatch.findings import Finding, Findings
    from camwatch.pipeline.pair import Alignment
    from camwatch.pipeline.tiles import Tile
    from camwatch.rasters import Plane

    Put = Callable[[NDArray[np.float32]], None]

LEAST_CONTROL_KM2 = 0.01
"""Control ground from which a density of false alarms is stated: a report or none on less says nothing."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where one kind is looked for.

    Attributes
    ----------
    site : Site
        What the detector is given; its area may hold `sought` and `control`.
    sought : geometry or None
        The ground that is asked about; None = this site has none for the kind.
    control : geometry or None
        Ground where nothing is claimed and reports are false alarms; None = the search has none.
    held : float
        How much of the camp `sought` is likely to hold, 0..1, beside what the detector itself says of that.
    """

    site: Site
    sought: BaseGeometry | None
    control: BaseGeometry | None = None
    held: float = 1.0


@dataclass(slots=True, eq=False)
class Merge:
    """One kind's answer for the whole grid, as its tiles come in.

    A tile answers for its core, by the place of an object's centroid. Scores are handed on as soon as a row of tiles is complete: what stays is one
    such row, the records, and sums.

    Parameters
    ----------
    geobox : GeoBox
        The whole grid.
    ground : Ground
    put : callable
        Takes the next rows of the score, (bands, y, x).
    bands : int
        1, or 2 where the score of what appeared is handed on beside the score.
    """

    geobox: GeoBox
    ground: Ground
    put: Put
    bands: int = 1
    _first: Findings | None = None
    _records: list[Finding] = field(default_factory=list)
    _seen_px: int = 0
    _control_px: int = 0
    _alarms: int = 0
    _top: int = 0
    _row: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0, 0), np.float32))

    def add(self, tile: Tile, found: Findings) -> None:
        """Take the answer of a tile; tiles come row by row, and none twice."""
        # A tile may know less than the pair does (no stretch of the line crosses it); one that searched speaks for all.
        if self._first is None or (self._first.status != "searched" and found.status == "searched"):
            self._first = found
        score, window = found.score[tile.inner], self.geobox[tile.core]
        seen = np.isfinite(score)
        records = [r for r in found.records if tile.answers_for(r.geometry.centroid, self.geobox)]
        control, sought = self.ground.control, self.ground.sought
        if control is not None:
            self._control_px += int((mask_of(control, window) & seen).sum())
            self._alarms += sum(r.change in ("appeared", "removed") and control.contains(r.geometry.centroid) for r in records)
        if sought is not None:
            self._seen_px += int((mask_of(sought, window) & seen).sum())
            # Tiles end in straight lines; what was looked at beyond the ground that is sought is no answer of this search.
            score = np.where(mask_of(sought, window, touched=True), score, np.float32(np.nan))
        planes = [score] if self.bands == 1 else [score, np.zeros_like(score) if found.came is None else found.came[tile.inner]]
        if sought is not None and control is not None:
            records = [r for r in records if sought.contains(r.geometry.representative_point())]
        self._records += records
        self._place(np.stack(planes), tile.core)

    def findings(self, score: Plane) -> Findings:
        """Return the answer; `score` is what the rows were put into, of which the last ones are handed over now."""
        if self._first is None:
            raise ValueError("findings: got no tile; expected one at least")
        height = self.geobox.shape[0]
        self._hand_over(slice(height, height))
        sought, pixel_km2 = self.ground.sought, abs(float(self.geobox.affine.determinant)) / 1e6
        area_km2, seen_km2, control_km2 = 0.0 if sought is None else sought.area / 1e6, self._seen_px * pixel_km2, self._control_px * pixel_km2
        measured = self._first.status == "searched" and control_km2 >= LEAST_CONTROL_KM2
        return replace(
            self._first,
            records=tuple(replace(r, id=f"{self._first.kind}-{number:04d}") for number, r in enumerate(self._records, 1)),
            score=score,
            came=None,
            geobox=self.geobox,
            observed_share=min(seen_km2 / area_km2, 1.0) if area_km2 > 0 else 0.0,
            searched_km2=seen_km2,
            held_share=self.ground.held * self._first.held_share,
            false_alarms_per_km2=self._alarms / control_km2 if measured else self._first.false_alarms_per_km2,
        )

    def _place(self, planes: NDArray[np.float32], core: tuple[slice, slice]) -> None:
        rows, cols = core
        if rows.start >= self._top + self._row.shape[1]:
            self._hand_over(rows)
        self._row[:, :, cols] = planes

    def _hand_over(self, rows: slice) -> None:
        """Hand over the row of tiles that is complete, and rows of NaN for those that were not searched; begin the one that takes `rows`."""
        width = self.geobox.shape[1]
        if self._row.shape[1]:
            self.put(self._row)
        for top in range(self._top + self._row.shape[1], rows.start, BLOCK):
            self.put(np.full((self.bands, min(BLOCK, rows.start - top), width), np.nan, np.float32))
        self._top, self._row = rows.start, np.full((self.bands, rows.stop - rows.start, width), np.nan, np.float32)


@contextmanager
def new_merge(folder: Path | None, kind: str, ground: Ground, alignment: Alignment) -> Iterator[tuple[Merge, Plane]]:
    """Give what puts a kind's answers together, and the plane that its score will be: in a folder, or in memory where none."""
    geobox = alignment.geobox
    if folder is not None:
        with new_score(folder, kind, geobox, alignment.registration, simulated=alignment.simulated) as (put, plane):
            yield Merge(geobox, ground, put, 2 if kind in APART else 1), plane
        return
    whole, top = np.full(geobox.shape, np.nan, np.float32), 0

    def hold(rows: NDArray[np.float32]) -> None:
        nonlocal top
        whole[top : top + rows.shape[1]] = rows[0]
        top += rows.shape[1]

    yield Merge(geobox, ground, hold), whole
