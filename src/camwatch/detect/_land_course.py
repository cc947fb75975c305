"""Harmonic courses of many pixels, learnt date by date: recursive least squares with a weak prior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Index = NDArray[np.intp]

YEAR_DAYS = 365.2425
PRIOR_SD = np.array([30.0, 3.0, 15.0, 15.0, 6.0, 6.0])
"""Of level, trend per year, and annual and half-yearly cosine and sine, in standard deviations of the noise."""


def terms(days: Array) -> Array:
    """Return (date, term): level, years since the middle of the series, annual and half-yearly cosine and sine."""
    years = days / YEAR_DAYS
    angle = 2.0 * np.pi * years
    middle = 0.5 * (years[0] + years[-1])
    return np.stack([np.ones_like(years), years - middle, np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(2 * angle)], axis=1)


@dataclass(slots=True, eq=False)
class Course:
    """The courses of all pixels as learnt so far: covariance (term, term, pixel), coefficients (term, band, pixel), how many and since when."""

    covariance: Array
    coefficients: Array
    learnt: Index
    start: Index

    @classmethod
    def new(cls, bands: int, start: Index) -> Course:
        """Return courses of which nothing is known yet."""
        pixels = len(start)
        prior = np.repeat(np.diag(PRIOR_SD**2)[:, :, None], pixels, axis=2)
        return cls(prior, np.zeros((len(PRIOR_SD), bands, pixels)), np.zeros(pixels, np.intp), start.copy())

    def distance(self, at: Index, x: Array, z: Array) -> Array:
        """Return the squared distance (pixel,) of observations (band, pixel) at terms (term, pixel) from the predictions for pixels `at`."""
        along = np.einsum("pqm,qm->pm", self.covariance[:, :, at], x)
        off = z - np.einsum("pbm,pm->bm", self.coefficients[:, :, at], x)
        return np.asarray(np.einsum("bm,bm->m", off, off) / (1.0 + np.einsum("pm,pm->m", x, along)))

    def look(self, x: Array, z: Array) -> tuple[Array, Array, Array]:
        """Return the distance of an observation of every pixel, and gain (term, pixel) and residual (band, pixel) for :meth:`learn`."""
        along = np.einsum("pqm,qm->pm", self.covariance, x)
        spread = 1.0 + np.einsum("pm,pm->m", x, along)
        off = z - np.einsum("pbm,pm->bm", self.coefficients, x)
        return np.einsum("bm,bm->m", off, off) / spread, along / np.sqrt(spread), off / np.sqrt(spread)

    def learn(self, wanted: Mask, gain: Array, off: Array) -> None:
        """Take in the observations of the pixels that are `wanted`, as :meth:`look` saw them."""
        gain = gain * wanted
        self.coefficients += gain[:, None] * off
        self.covariance -= gain[:, None] * gain[None]
        self.learnt += wanted

    def forget(self, at: Index, start: Index) -> None:
        """Begin new courses for the pixels `at`."""
        fresh = Course.new(self.coefficients.shape[1], start)
        self.covariance[:, :, at], self.coefficients[:, :, at] = fresh.covariance, fresh.coefficients
        self.learnt[at], self.start[at] = 0, start
