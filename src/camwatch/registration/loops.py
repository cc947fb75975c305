"""Loops over three scenes: reference → a → b → reference must lead back to where it began; where it does not, one of the three links is wrong.

A loop tells what a link's own check cannot: that it holds on to something that is not the ground the other two hold on to. It does not tell how
accurate the links are. The three share their scenes, and what is wrong with the pixels of one scene (noise, shadows, lean) moves both of its links
alike and cancels around the loop. So a closure is set against the sum of the links' covariances as if they were independent, which is more than its
true covariance: an open loop is then a proof, and a normalised closure below one is what well-stated errors give. A closed loop is no proof of
accuracy.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from pyproj import Transformer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from affine import Affine
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.registration.record import Registration

SIDE = 9
"""Points of the lattice along each side of the ground on which a loop is closed."""

CERTAIN = 3.0
"""Standard errors by which a loop must stay open to be called open."""


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """How far three links miss the point from which they set out.

    Attributes
    ----------
    scenes : (str, str)
        The two that are linked to the reference and to each other.
    grid : GeoBox
        The ground on which the loop is closed; its pixels are the unit.
    positions : (n, 2) float64
        (col, row) on `grid`.
    closure : (n, 2) float64
        Pixels (col, row): where b is found by way of a, less where it is found at once.
    covariance : (n, 2, 2) float64
        Sum of the covariances of the three links in px², as if they were independent: an upper bound, see the module.
    limit_px : float
        A loop that stays open by no more than this does no harm.
    """

    scenes: tuple[str, str]
    grid: GeoBox
    positions: NDArray[np.float64]
    closure: NDArray[np.float64]
    covariance: NDArray[np.float64]
    limit_px: float

    @property
    def mean_px(self) -> tuple[float, float]:
        """The mean closure as (rows, cols), the order of `Registration.shift_px`."""
        col, row = self.closure.mean(axis=0)
        return float(row), float(col)

    @property
    def rmse_px(self) -> float:
        """Root mean square length of the closure over the ground."""
        return float(np.sqrt((self.closure**2).sum(axis=1).mean()))

    @property
    def max_px(self) -> float:
        """Length of the longest closure."""
        return float(np.hypot(*self.closure.T).max())

    @property
    def se_px(self) -> float:
        """What `rmse_px` is expected to be at most, from the links' own standard errors."""
        return float(np.sqrt(np.trace(self.covariance, axis1=1, axis2=2).mean()))

    @property
    def normalised(self) -> float:
        """χ² per degree of freedom, the mean over the ground: about one or less where the links state their errors truly, more where they do not."""
        solved = np.linalg.solve(self.covariance, self.closure[..., None])[..., 0]
        return float((self.closure * solved).sum(axis=1).mean() / 2)

    @property
    def closed(self) -> bool | None:
        """True within the limit; False beyond the limit and beyond `CERTAIN` standard errors; None where the links are too poor to tell."""
        if self.rmse_px <= self.limit_px:
            return True
        return False if self.rmse_px > CERTAIN * self.se_px else None


def close(scenes: tuple[str, str], links: tuple[Registration, Registration, Registration], grid: GeoBox, *, limit_px: float) -> Loop:
    """Go around a loop from a lattice of points.

    Parameters
    ----------
    scenes : (str, str)
        a and b.
    links : (Registration, Registration, Registration)
        a to the reference, b to the reference, b to a; none refused. Each may be counted on a grid of its own, in metres.
    grid : GeoBox
        The ground that counts, in the pixels that the closure is told in.
    limit_px : float

    Notes
    -----
    The links' derivatives are taken for one when covariances are added: a rotation of some degrees or a scale within 10 % changes them by as much.
    """
    to_first, to_second, between = links
    rows, cols = grid.shape
    col, row = np.meshgrid(np.linspace(0, cols - 1, SIDE), np.linspace(0, rows - 1, SIDE))
    positions = np.stack([col.ravel(), row.ravel()], axis=1)
    start = _mapped(positions + 0.5, grid.affine)
    first = _seen(to_first, start, grid)
    missed = _seen(between, first, grid) - _seen(to_second, start, grid)
    back = np.linalg.inv(_linear(grid.affine))
    spread = sum(_spread(link, places, grid) for link, places in ((to_first, start), (to_second, start), (between, first)))
    return Loop(scenes, grid, positions, missed @ back.T, back @ spread @ back.T, limit_px)


@dataclass(frozen=True, slots=True)
class Blame:
    """What the loops of a stack say of its scenes.

    Attributes
    ----------
    wrong : frozenset of str
        Scenes that explain two open loops or more by themselves.
    doubtful : frozenset of str
        Scenes that stand in an open loop of which nobody can say what is wrong with it.
    blamed : mapping of (a, b) to tuple of str
        For each open loop the scenes that are blamed for it; none = both have enough closed loops, and their own link is wrong.
    """

    wrong: frozenset[str]
    doubtful: frozenset[str]
    blamed: Mapping[tuple[str, str], tuple[str, ...]]


def blame(loops: Mapping[tuple[str, str], bool | None]) -> Blame:
    """Say which scenes are to blame for the loops that stay open.

    Parameters
    ----------
    loops : mapping of (a, b) to bool or None
        Whether the loop over a and b closes; None = it cannot tell.

    Notes
    -----
    By majority, over and over until every open loop is explained: of the scenes with more open loops than closed ones, those that stand in most of
    the loops yet to be explained are blamed for these. Such a scene is the wrong one where it stands in two loops or more, for a single fault
    explains them all. Where it stands in one, or in a loop with another that is blamed as often, nobody can say which link is wrong: it is doubtful.

    A closed loop does not clear a scene: a fault inside a scene, such as a seam, may lead both of its links astray alike, and cancels.
    """
    surplus = Counter[str]()
    for pair, closed in loops.items():
        if closed is not None:
            surplus.update(dict.fromkeys(pair, -1 if closed else 1))
    left = [pair for pair, closed in loops.items() if closed is False]
    wrong, doubtful, blamed = set[str](), set[str](), dict[tuple[str, str], tuple[str, ...]]()
    while left:
        count = Counter(name for pair in left for name in pair if surplus[name] > 0)
        most = max(count.values(), default=0)
        top = {name for name, times in count.items() if times == most}
        level = {name for pair in left if top.issuperset(pair) for name in pair}
        alone = top - level if most > 1 else set[str]()
        wrong |= alone
        doubtful |= top - alone
        explained = [pair for pair in left if top.intersection(pair) or not top]
        blamed |= {pair: tuple(name for name in pair if name in top) for pair in explained}
        left = [pair for pair in left if pair not in explained]
    return Blame(frozenset(wrong), frozenset(doubtful), blamed)


def further(loops: Mapping[tuple[str, str], bool | None], scenes: Sequence[str], tried: Collection[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return the pairs whose link would help to tell what is wrong with an open loop.

    Parameters
    ----------
    loops : mapping of (a, b) to bool or None
        As for :func:`blame`.
    scenes : sequence of str
        All that hold on to the reference, in the order of their dates.
    tried : collection of (a, b)
        Pairs that need not be asked for again.

    Returns
    -------
    tuple of (a, b)
        For each scene of an open loop that is in no closed one, a pair with the scene nearest in time that it is not yet linked to, one in a closed
        loop first; none where there is no such scene.
    """
    held, caught = ({name for pair, closed in loops.items() if closed is state for name in pair} for state in (True, False))
    asked: list[tuple[str, str]] = []
    for place, name in enumerate(scenes):
        if name in held or name not in caught:
            continue
        others = sorted((n for n in range(len(scenes)) if n != place), key=lambda n: (scenes[n] not in held, abs(n - place), n))
        pairs = ((scenes[min(n, place)], scenes[max(n, place)]) for n in others)
        asked += [pair for pair in pairs if pair not in tried and pair not in asked][:1]
    return tuple(asked)


def refused(link: Registration, reason: str) -> Registration:
    """Return a link that loops refuse: nothing of its transform is handed on, its check points stay."""
    none = np.zeros((0, 2))
    return replace(
        link,
        status="refused",
        reason=reason,
        model="none",
        matrix=np.eye(3)[:2],
        field=None,
        precision=None,
        tie_points=0,
        tie_positions=none,
        tie_residuals=none,
    )


def _seen(link: Registration, xy: NDArray[np.float64], grid: GeoBox) -> NDArray[np.float64]:
    """Return where a link finds the ground at map coordinates of `grid`, in the same coordinates."""
    return _carried(link.seen_at(_carried(xy, grid, link.grid)), link.grid, grid)


def _spread(link: Registration, xy: NDArray[np.float64], grid: GeoBox) -> NDArray[np.float64]:
    """Return the covariance (n, 2, 2) in m² of where a link finds the ground at map coordinates of `grid`."""
    if link.precision is None:
        raise ValueError("loops: got a refused link; expected three that are answered")
    # The norths of two projections differ by a few degrees, which turns a covariance by as little.
    pixels = _mapped(_carried(xy, grid, link.grid), ~link.grid.affine) - 0.5
    linear = _linear(link.grid.affine)
    return np.asarray(linear @ link.precision.at(pixels)[:, [[0, 1], [1, 2]]] @ linear.T, np.float64)


def _carried(xy: NDArray[np.float64], source: GeoBox, target: GeoBox) -> NDArray[np.float64]:
    """Return map coordinates (n, 2) of one grid's CRS in that of another."""
    if source.crs == target.crs:
        return xy
    return np.stack(Transformer.from_crs(source.crs, target.crs, always_xy=True).transform(xy[:, 0], xy[:, 1]), axis=1)


def _linear(affine: Affine) -> NDArray[np.float64]:
    return np.array([[affine.a, affine.b], [affine.d, affine.e]])


def _mapped(points: NDArray[np.float64], affine: Affine) -> NDArray[np.float64]:
    return np.asarray(points @ _linear(affine).T + np.array([affine.c, affine.f]), np.float64)
