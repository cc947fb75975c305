"""From an alignment to an answer, graded by windows that the fits did not see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from affine import Affine

from camwatch.registration._align import Aligned, Bent, Pair, bend, sharpen
from camwatch.registration._check import Matches, filled, match
from camwatch.registration._decide import SIGNIFICANT, Decision, decide
from camwatch.registration._field import Displaced, Prior, prior_of
from camwatch.registration._fit import TOLERANCE, Cells, Fit, Parametric, Rules, refine, solve
from camwatch.registration._marginal import Marginal, marginal
from camwatch.registration._planes import to_level
from camwatch.registration._warp import Warp
from camwatch.registration.lattice import Lattice
from camwatch.registration.record import CheckPoints, Registration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from camwatch.registration.record import Model

Base = Literal["none", "shift", "similarity", "affine"]
MODELS: tuple[Parametric, ...] = ("shift", "similarity", "affine")

CARRIES = 0.2
"""A tile with less trust than this is not called a tie point."""

FEW_PLACES = "structure in too few places: the error of the answer cannot be told"

FLOOR = 0.002
"""Standard error in pixels that more texture does not lower: unequal radiometry and interpolation move edges by a few thousandths of a pixel."""

NODES = 8
"""Steps of the lattice along the longer side on which the answer's covariance is told; it is a quadratic over the scene."""

FEWEST = 8
"""Windows that a field needs."""

FAINT = 0.04
"""Pixels of standard deviation below which a field is not worth having."""

SHARP = 0.25
"""Pixels that check windows may scatter about a field for tiles to be asked to carry it on: the dates look alike, and little moves for itself."""

BENDS = 3.0
"""Natural logarithm of how much likelier the check windows must be with a smooth field than without before one is tried."""


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """What a field rests upon, what is known of it beforehand, and whether tiles carry it on."""

    base: Base
    prior: Prior
    sharp: bool


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """From an alignment to an answer: graded by windows that the fits did not see."""

    geobox: GeoBox
    pair: Pair
    aligned: Aligned
    first: Marginal
    limit_px: float

    @property
    def scale(self) -> float:
        """Pixels of the grid per pixel of the level."""
        return 2.0**self.aligned.level

    @property
    def shape(self) -> tuple[int, int]:
        """Of the level."""
        return self.pair.reference.levels[self.aligned.level].shape

    def found(self, max_shift_px: float | None) -> Registration:
        """Return the answer, or a refusal."""
        first, cells = self.aligned.fit, Cells.over(self.shape)
        white = cells.withheld(first.evidence.centres)
        second = self._again(first.matrix, self.aligned.model, white)
        if second is None:
            return Registration.refused(self.geobox, "structure in one half of the ground only: nothing is left to check the answer with")
        folds = [self._candidates(first, ~white), self._candidates(second, white)]
        matches = self._matches()
        decision, check, curve = self._chosen(folds, matches)
        if decision.refusal:
            return Registration.refused(self.geobox, decision.refusal, check)
        base: Base = curve.base if curve is not None else "affine" if decision.model == "field" else decision.model
        last = self._again(folds[0][base].matrix, "shift" if base == "none" else base, white | True)
        if last is None:
            return Registration.refused(self.geobox, "no common structure once the chosen model is applied", check)
        matrix = np.eye(3) if base == "none" else last.matrix
        centre = (np.array(self.shape[::-1]) - 1) / 2
        shift = self.scale * float(np.hypot(*(Warp(matrix).at(centre[None])[0] - centre)))
        if max_shift_px is not None and shift > max_shift_px:
            return Registration.refused(self.geobox, f"the best shift is {shift:.1f} px; at most {max_shift_px:g} px is believed", check)
        if curve is None:
            return self._straight(last, decision, check)
        bent = self._bend(matrix, matches, curve, np.ones(len(matches.peak), bool))
        return self._record(bent.warp, self._on_grid(bent.spread), decision, check, (bent.ties.points, bent.ties.steps))

    def _chosen(self, folds: list[dict[Model, Warp]], matches: Matches) -> tuple[Decision, CheckPoints, _Curve | None]:
        """Return what the windows support; with the field where that is one."""
        decision, check = self._decided(folds, matches)
        base, prior = self._based(matches, decision)
        if prior is None or prior.gain <= BENDS or self.scale * prior.sd < FAINT:
            return decision, check, None
        curve = _Curve(base, prior, sharp=False)
        richer, graded = self._curved(folds, matches, curve)
        if richer.model != "field":
            return decision, check, None
        if richer.scatter < SHARP:
            sharp = _Curve(base, prior, sharp=True)
            sharper, regraded = self._curved(folds, matches, sharp)
            if sharper.model == "field" and sharper.loss < richer.loss:
                return sharper, regraded, sharp
        return richer, graded, curve

    def _again(self, matrix: NDArray[np.float64], model: Parametric, use: NDArray[np.bool_]) -> Fit | None:
        blocks = self.aligned.fit.blocks
        return refine(lambda _: blocks, matrix, model, Rules(5, 2e-3, TOLERANCE), shape=self.shape, use=lambda _: use)

    def _candidates(self, fit: Fit, use: NDArray[np.bool_]) -> dict[Model, Warp]:
        """Return what each model would answer, from the simplest to the richest."""
        out: dict[Model, Warp] = {"none": Warp(np.eye(3))}
        for model in MODELS:
            out[model] = Warp(solve(fit.evidence, use, fit.base, model, shape=self.shape, sigma=fit.blocks[0].view.sigma)[0])
        return out

    def _matches(self) -> Matches:
        a, b = (pyramid.levels[self.aligned.level] for pyramid in (self.pair.reference, self.pair.moving))
        kind, cells, warp = self.aligned.view.kind, Cells.over(self.shape), Warp(self.aligned.fit.matrix)
        size = min(64, cells.side)
        middles = [[(col0 + col1) // 2, (row0 + row1) // 2] for row0, row1, col0, col1 in self.aligned.places]
        centres = np.array(middles, np.float64).reshape(-1, 2)
        found = match(a, b, warp, centres, size=size, kind=kind)
        # Where the fit leads to nothing, the georeferencing as delivered gets its chance.
        far = np.hypot(*(warp.at(centres) - centres).T) > 2
        unsure = far & (found.peak < SIGNIFICANT)
        return filled(found, unsure, match(a, b, Warp(np.eye(3)), centres[unsure], size=size, kind=kind))

    def _decided(
        self, folds: list[dict[Model, Warp]], matches: Matches, more: Mapping[Model, NDArray[np.float64]] | None = None
    ) -> tuple[Decision, CheckPoints]:
        """Return what the windows say of each model, every window under the fit to the cells of the other colour; `more` residuals come last."""
        white = self._colours(matches)[1]
        residuals = {name: self.scale * np.where(white[:, None], *(_left(fold[name], matches) for fold in folds)) for name in folds[0]}
        residuals.update(more or {})
        centre = (np.array(self.shape[::-1]) - 1) / 2
        shift = self.scale * float(np.hypot(*(Warp(self.first.answer("shift")).at(centre[None])[0] - centre)))
        se = self.scale * float(np.sqrt(np.trace(self.first.spread("shift", centre[None])[0])))
        decision = decide(residuals, matches, self.scale, shift_px=shift, se_px=se, limit_px=self.limit_px)
        used, grid = decision.used, to_level(self.aligned.level)
        positions = matches.reference[used] @ grid[:2, :2].T + grid[:2, 2]
        return decision, CheckPoints(positions, residuals["none"][used], residuals[decision.model][used])

    def _colours(self, matches: Matches) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which windows lie in black cells and which in white ones."""
        white = Cells.over(self.shape).withheld(matches.reference)
        return ~white, white

    def _based(self, matches: Matches, decision: Decision) -> tuple[Base, Prior | None]:
        """Return the model that a field would rest upon, and what is known of that field.

        It is the one decided upon, but at least a shift: who interpolates anyway need not spare one. A field takes over much of what an affine says,
        so that a shift may be likelier under it.
        """
        decided: Base = "affine" if decision.refusal or decision.model == "field" else decision.model
        plain = self._prior(matches, "shift")
        if plain is None or decided in {"none", "shift"}:
            return "shift", plain
        richer = self._prior(matches, decided)
        return (decided, richer) if richer is not None and richer.evidence > plain.evidence else ("shift", plain)

    def _prior(self, matches: Matches, base: Base) -> Prior | None:
        """Return what the windows tell of a field; None where they are too few."""
        used = matches.peak >= SIGNIFICANT
        if used.sum() < FEWEST:
            return None
        points, seen = matches.reference[used], matches.moving[used]
        unit = float(np.median(np.hypot(*(seen - Warp(self.first.answer(base)).at(points)).T))) / 1.18
        trend = {"none": 0, "shift": 1}.get(base, 3)
        return prior_of(points, seen - points, matches.sigma[used], unit=unit, side=max(self.shape), trend=trend)

    def _curved(self, folds: list[dict[Model, Warp]], matches: Matches, curve: _Curve) -> tuple[Decision, CheckPoints]:
        """Return what the windows say of a field too.

        Of one that windows carry, each under the field of all other windows; of one that tiles carry, under that of the cells of the other colour.
        """
        if not curve.sharp:
            left = np.zeros_like(matches.reference)
            left[matches.peak >= SIGNIFICANT] = curve.prior.left @ np.linalg.inv(folds[0][curve.base].matrix[:2, :2]).T
            return self._decided(folds, matches, {"field": self.scale * left})
        colours = self._colours(matches)
        fields = [self._bend(fold[curve.base].matrix, matches, curve, mine).warp for fold, mine in zip(folds, colours, strict=True)]
        return self._decided([{**fold, "field": warp} for fold, warp in zip(folds, fields, strict=True)], matches)

    def _bend(self, matrix: NDArray[np.float64], matches: Matches, curve: _Curve, mine: NDArray[np.bool_]) -> Bent:
        """Return the field upon a matrix that the cells of `mine` (n,) among the windows support."""
        used = matches.peak >= SIGNIFICANT
        here = used & mine
        variance = curve.prior.granted[mine[used]] + curve.prior.own**2
        steps = matches.moving[here] - Warp(matrix).at(matches.reference[here])
        seen = Displaced(matches.reference[here], steps, np.eye(2) / variance[:, None, None])
        bent = bend(self.pair, self.aligned, curve.prior, seen, upon=matrix)
        if not curve.sharp:
            return bent
        cells = Cells.over(self.shape)
        use = np.zeros((cells.rows, cells.cols), bool)
        use[tuple(cells.of(matches.reference[mine]).T)] = True
        return sharpen(self.pair, self.aligned, bent, use)

    def _straight(self, last: Fit, decision: Decision, check: CheckPoints) -> Registration:
        likely = marginal(last.evidence, last.base, self.shape)
        if likely is None:
            return Registration.refused(self.geobox, FEW_PLACES, check)
        carried = (last.evidence.correlation > 0) & (last.trust > CARRIES)
        ties = last.evidence.centres[carried], last.evidence.own[carried]
        return self._record(Warp(likely.answer(decision.model)), self._precision(likely, decision.model), decision, check, ties)

    def _precision(self, likely: Marginal, model: Model) -> Lattice:
        step = max(self.shape) / NODES
        rows, cols = Lattice.counts(self.shape, step)
        lattice = Lattice.over(self.shape, step, np.zeros((rows, cols, 3)), 1)
        full = likely.spread(model, lattice.places())
        return self._on_grid(replace(lattice, values=full[:, [0, 0, 1], [0, 1, 1]].reshape(rows, cols, 3)))

    def _on_grid(self, precision: Lattice) -> Lattice:
        grid, floor = to_level(self.aligned.level), np.array([1, 0, 1]) * FLOOR**2 / 2
        return precision.on(Affine(*grid[0], *grid[1]), self.scale**2 * precision.values + floor)

    def _record(
        self, warp: Warp, precision: Lattice, decision: Decision, check: CheckPoints, ties: tuple[NDArray[np.float64], NDArray[np.float64]]
    ) -> Registration:
        for _ in range(self.aligned.level):
            warp = warp.finer()
        grid, (points, steps) = to_level(self.aligned.level), ties
        return Registration(
            "ok",
            decision.reason,
            decision.model,
            np.asarray(np.linalg.inv(warp.matrix)[:2], np.float64),
            warp.field,
            precision,
            self.geobox,
            len(points),
            check,
            points @ grid[:2, :2].T + grid[:2, 2],
            steps * self.scale,
        )


def _left(warp: Warp, matches: Matches) -> NDArray[np.float64]:
    """Return (n, 2) how far windows lie from where a warp puts them, in reference pixels of the level."""
    return np.asarray((matches.moving - warp.at(matches.reference)) @ np.linalg.inv(warp.matrix[:2, :2]).T, np.float64)
