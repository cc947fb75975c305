"""Natural-looking textures cut from a few tables of noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft
from scipy import ndimage as ndi

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Plane = NDArray[np.float32]

BETAS = (0.6, 1.4, 2.0, 3.0)
"""Exponents of the power spectra 1/f^β: from sand to hills."""

SIDE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """Periodic tables (y, x) float32 of mean 0 and standard deviation 1, two for each exponent."""

    tables: dict[float, list[Plane]]

    def field(self, rng: np.random.Generator, shape: tuple[int, int], beta: float, zoom: float = 1.0) -> Plane:
        """Return a random piece (y, x) of the table nearest to `beta`, its grain `zoom` times as coarse."""
        table = self.tables[min(BETAS, key=lambda b: abs(b - beta))][int(rng.integers(2))]
        if rng.random() < 0.5:
            table = table.T
        height, width = (min(int(np.ceil(s / zoom)) + 2, SIDE) for s in shape)
        row, col = (int(rng.integers(SIDE - n + 1)) for n in (height, width))
        piece = table[row : row + height, col : col + width]
        piece = piece[:: int(rng.choice([-1, 1])), :: int(rng.choice([-1, 1]))]
        if zoom != 1.0 or piece.shape[0] < shape[0] or piece.shape[1] < shape[1]:
            rows = np.minimum(np.arange(shape[0], dtype=np.float32) / zoom, height - 1.001)
            cols = np.minimum(np.arange(shape[1], dtype=np.float32) / zoom, width - 1.001)
            return _between(piece, rows, cols)
        return np.ascontiguousarray(piece[: shape[0], : shape[1]])


def _between(piece: Plane, rows: Plane, cols: Plane) -> Plane:
    """Return `piece` at a grid of fractional rows and columns, bilinear."""
    r, c = rows.astype(np.intp), cols.astype(np.intp)
    part = (rows - r)[:, None]
    lines = piece[r] * (1 - part) + piece[r + 1] * part
    part = cols - c
    return np.asarray(lines[:, c] * (1 - part) + lines[:, c + 1] * part, np.float32)


@lru_cache(maxsize=2)
def noise_tables(seed: int = 7) -> Noise:
    """Return the tables of a seed."""
    rng = np.random.default_rng(seed)
    return Noise({beta: [_table(rng, beta) for _ in range(2)] for beta in BETAS})


def _table(rng: np.random.Generator, beta: float) -> Plane:
    spectrum = fft.rfft2(rng.standard_normal((SIDE, SIDE)).astype(np.float32))
    frequency = np.hypot(fft.fftfreq(SIDE)[:, None], fft.rfftfreq(SIDE)[None])
    frequency[0, 0] = 1.0
    spectrum /= frequency ** (beta / 2)
    spectrum[0, 0] = 0.0
    plane = fft.irfft2(spectrum, s=(SIDE, SIDE)).astype(np.float32)
    return np.asarray(plane / plane.std(), np.float32)


def softened(mask: NDArray[np.bool_], sigma_px: float) -> Plane:
    """Return a mask as 0..1 with edges `sigma_px` wide."""
    return np.asarray(ndi.gaussian_filter(mask.astype(np.float32), sigma_px), np.float32)
