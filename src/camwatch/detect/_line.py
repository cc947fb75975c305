"""A closed line in a band around a ring: the band as a strip, the evidence of a ridge in it, and the cheapest closed path through it.

The band is unrolled once (:mod:`camwatch.detect._strip`). Everything works on that strip in pieces along it, so that memory follows the ring's length
times the band's width and never the scene, and a ring of any shape will do.

The path is a dynamic programme over (n, direction): the evidence that a step earns is that of its own direction, and a turn costs. It is the minimal
path in position and orientation (doi:10.1137/15M1018460), closed by fixing one well-supported state and asking for the best round trip from it to
itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.ndimage import correlate1d, gaussian_filter1d

from camwatch.detect._strip import NODE, Strip, offsets_of, right_of, sample, smooth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.imagery.image import Image

TURNS = 6
MARGIN_M = 9.0
"""What the cross-profiles need beyond the band."""
REACH_M = 14.0
"""Half length of the stretch along which evidence is gathered."""
PIECE = 400
"""Strip rows worked on at once."""

Wanted = Literal["bright", "dark"]


def _taps(centre_m: float, sigma_m: float, step_m: float) -> NDArray[np.float64]:
    """Weights of a Gaussian of `sigma_m` (not narrower than a third of a step), `centre_m` away, for correlate1d."""
    reach = int(np.ceil((abs(centre_m) + 3 * sigma_m) / step_m))
    weights = np.exp(-0.5 * ((np.arange(-reach, reach + 1) * step_m - centre_m) / max(sigma_m, step_m / 3)) ** 2)
    return np.asarray(weights / weights.sum(), np.float64)


def widths(gsd_m: float) -> tuple[tuple[float, float], ...]:
    """Return (spread of the centre, distance of the flanks) in metres of the profiles looked for: a wall or its shadow; a cleared strip or track."""
    blur = 0.45 * gsd_m
    return (float(np.hypot(0.6, blur)), 2.4 + 1.2 * gsd_m), (float(np.hypot(1.4, blur)), 5.0 + 1.0 * gsd_m)


def contrast(
    values: NDArray[np.float32], valid: NDArray[np.bool_], step_m: float, profile: tuple[float, float], along_m: float
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Return by how much the middle is brighter than both flanks, darker than both flanks (each (s, n)), and where all three are valid."""
    centre_m, flank_m = profile
    weight = valid.astype(np.float32)
    held = gaussian_filter1d(values * weight, along_m / step_m, axis=0, mode="nearest")
    share = gaussian_filter1d(weight, along_m / step_m, axis=0, mode="nearest")
    level = held / np.maximum(share, 1e-3)
    seen = share > 0.5
    parts, known = [], seen
    for place in (0.0, -flank_m, flank_m):
        taps = _taps(place, centre_m, step_m)
        below = correlate1d(seen.astype(np.float32), taps, axis=1, mode="nearest")
        parts.append(correlate1d(np.where(seen, level, 0), taps, axis=1, mode="nearest") / np.maximum(below, 1e-3))
        known = known & (below > 0.7)
    middle, left, right = parts
    return middle - np.maximum(left, right), np.minimum(left, right) - middle, known


def _scale(bright: NDArray[np.float32], dark: NDArray[np.float32], known: NDArray[np.bool_], level: float) -> float:
    """Robust spread of the contrast of the middle with the mean of its flanks: the clutter that a line must stand out from."""
    mean = 0.5 * (bright - dark)[known]  # (m - max + m - min)/2 = m - (l + r)/2
    spread = float(1.4826 * np.median(np.abs(mean - np.median(mean)))) if mean.size > 20 else 0.0
    return max(spread, 2e-4 * level, 1e-9)


def evidence(image: Image, strip: Strip) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
    """Return how far each place and direction of a strip looks like a piece of a line.

    Parameters
    ----------
    image : Image
    strip : Strip
        Its offsets include MARGIN_M on either side for the profiles.

    Returns
    -------
    (node, n, direction) float16 in 0..1
        At every NODE-th row, for the offsets inside the margin; direction d moves by d - TURNS columns in NODE rows. It is the larger of a bright
        and a dark line's mean bounded contrast along REACH_M either way: a strip, a wall's shadow or both will do, and the side of the shadow
        does not matter.
    (node, n) bool
        Where there were valid pixels.
    """
    step = strip.step_m
    edge = int(np.ceil(MARGIN_M / step))
    inner = len(strip.offsets) - 2 * edge
    nodes = len(strip.axis) // NODE
    energy = np.zeros((nodes, inner, 2 * TURNS + 1), np.float16)
    observed = np.zeros((nodes, inner), bool)
    reach = int(np.ceil(REACH_M / step))
    stride = max(round(2.0 / step), 1)
    lags = np.arange(-(reach // stride), reach // stride + 1) * stride
    for start in range(0, len(strip.axis), PIECE):
        stop = min(start + PIECE, len(strip.axis))
        rows = strip.rows(start - reach, stop + reach)
        values, valid = sample(image, strip.points(rows), step)
        observed[start // NODE : stop // NODE] = valid[reach : reach + stop - start : NODE, edge : edge + inner]
        if not valid.any():
            continue
        level = float(np.abs(values[valid]).mean())
        bounded = np.full((2, *values.shape), -1, np.float32)
        for profile in widths(image.gsd_m):
            bright, dark, known = contrast(values, valid, step, profile, 1.5)
            spread = _scale(bright, dark, known, level)
            for kind, response in enumerate((bright, dark)):
                bounded[kind] = np.maximum(bounded[kind], np.where(known, np.tanh(response / spread), 0))
        _gather(bounded, lags, np.arange(reach, reach + stop - start, NODE), edge, energy[start // NODE : stop // NODE])
    return energy, observed


def _gather(bounded: NDArray[np.float32], lags: NDArray[np.intp], rows: NDArray[np.intp], edge: int, out: NDArray[np.float16]) -> None:
    """Average (kind, s, n) contrasts along each direction into `out` (node, n, direction), the better kind, not below 0."""
    inner = out.shape[1]
    weights = np.exp(-0.5 * (lags / (0.55 * max(lags[-1], 1))) ** 2)
    weights /= weights.sum()
    for direction in range(2 * TURNS + 1):
        slope = (direction - TURNS) / NODE
        total = np.zeros((2, len(rows), inner), np.float32)
        for weight, lag in zip(weights, lags, strict=True):
            shift = slope * lag
            low = int(np.floor(shift))
            part = np.float32(shift - low)
            # Beyond the margin a slanted line is not seen; the edge column stands in for it.
            near = np.clip(np.arange(inner) + edge + low, 0, bounded.shape[2] - 1)
            far = np.minimum(near + 1, bounded.shape[2] - 1)
            lines = bounded[:, rows + lag]
            total += np.float32(weight) * ((1 - part) * lines[:, :, near] + part * lines[:, :, far])
        out[:, :, direction] = np.clip(total.max(axis=0), 0, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A path through the nodes of a strip: by node, the column, the direction and the evidence there."""

    column: NDArray[np.intp]
    direction: NDArray[np.intp]
    support: NDArray[np.float64]


def path_points(strip: Strip, path: Path, columns: int) -> NDArray[np.float64]:
    """Return the (x, y) of a path's nodes; `columns` is the number of columns of the evidence it was found in."""
    edge = (len(strip.offsets) - columns) // 2
    points: NDArray[np.float64] = strip.axis[::NODE] + strip.offsets[edge + path.column][:, None] * strip.across[::NODE]
    return points


def cheapest_path(strip: Strip, energy: NDArray[np.float16], *, turn_m: float = 2.5, centre: float = 0.1) -> Path:
    """Return the path along the strip, closed where the strip is, that gathers the most evidence per metre of its own length.

    Parameters
    ----------
    strip : Strip
    energy : (node, n, direction) from :func:`evidence`
    turn_m : float
        What a change of direction by one costs, in metres of line without evidence.
    centre : float
        What the outermost column costs more than the axis, in the same unit per metre.

    Notes
    -----
    The closed path is the best one through its best-supported state, which is found by going round twice without closing: exact unless the
    unclosed path runs elsewhere at that very place.
    """
    cost = _Cost(strip, energy, turn_m, centre)
    nodes = len(energy)
    if not strip.closed:
        return _follow(cost, np.arange(nodes), None)
    twice = _follow(cost, np.arange(2 * nodes) % nodes, None)
    local = gaussian_filter1d(twice.support, 3.0)
    anchor = int(nodes // 2 + np.argmax(local[nodes // 2 : nodes // 2 + nodes]))
    state = (int(twice.column[anchor]), int(twice.direction[anchor]))
    order = (anchor + np.arange(nodes + 1)) % nodes
    path = _follow(cost, order, state)
    back = np.argsort(order[:-1])
    return Path(path.column[:-1][back], path.direction[:-1][back], path.support[:-1][back])


@dataclass(frozen=True, slots=True, eq=False)
class _Cost:
    strip: Strip
    energy: NDArray[np.float16]
    turn_m: float
    centre: float

    def step(self, before: int, node: int) -> NDArray[np.float64]:
        """Cost (n, direction) of arriving at a node's columns from the node before, in metres."""
        columns = self.energy.shape[1]
        edge = (len(self.strip.offsets) - columns) // 2
        offsets = self.strip.offsets[edge : edge + columns]
        here = self.strip.axis[node * NODE] + offsets[:, None] * self.strip.across[node * NODE]
        move = (np.arange(2 * TURNS + 1) - TURNS) * self.strip.step_m
        last = self.strip.axis[before * NODE] + (offsets[:, None] - move[None, :])[..., None] * self.strip.across[before * NODE]
        length = np.sqrt(((here[:, None, :] - last) ** 2).sum(axis=-1))
        away = self.centre * (offsets / max(abs(offsets[0]), 1.0)) ** 2
        return np.asarray(length * (1.05 - self.energy[node].astype(np.float64) + away[:, None]), np.float64)


def _follow(cost: _Cost, order: NDArray[np.intp], anchor: tuple[int, int] | None) -> Path:
    """Best path through the nodes in `order`; with an `anchor` (column, direction) it starts and ends in that state."""
    _, columns, directions = cost.energy.shape
    bend = cost.turn_m * np.abs(np.subtract.outer(np.arange(directions), np.arange(directions))).astype(np.float64)  # (to, from)
    total = np.zeros((columns, directions)) if anchor is None else np.full((columns, directions), np.inf)
    if anchor is not None:
        total[anchor] = 0
    came = np.zeros((len(order), columns, directions), np.int8)
    source = np.arange(columns)[:, None] - (np.arange(directions) - TURNS)[None, :]
    inside = (source >= 0) & (source < columns)
    source = np.clip(source, 0, columns - 1)
    for place in range(1, len(order)):
        choice = total[:, None, :] + bend[None, :, :]  # (n, to, from)
        best = choice.argmin(axis=2)
        value = np.take_along_axis(choice, best[..., None], axis=2)[..., 0]
        total = np.where(inside, np.take_along_axis(value, source, axis=0), np.inf) + cost.step(order[place - 1], order[place])
        came[place] = np.take_along_axis(best, source, axis=0)
    column, direction = np.zeros(len(order), np.intp), np.zeros(len(order), np.intp)
    column[-1], direction[-1] = anchor if anchor is not None else np.unravel_index(int(total.argmin()), total.shape)
    for place in range(len(order) - 1, 0, -1):
        column[place - 1] = column[place] - (direction[place] - TURNS)
        direction[place - 1] = came[place, column[place], direction[place]]
    return Path(column, direction, cost.energy[order, column, direction].astype(np.float64))


def snap(
    image: Image, ring: NDArray[np.float64], *, reach_m: float, along_m: float, wanted: Wanted
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the offset of the line from a ring's points (outward positive, metres), and how clearly it is seen there (0..1).

    Parameters
    ----------
    ring : (k, 2) counter-clockwise, at equal steps
    reach_m : float
        How far to look on either side.
    along_m : float
        Gaussian spread along the ring over which profiles are averaged first.
    wanted : {"bright", "dark"}
    """
    fine = max(0.5, 0.4 * image.pixel_m)
    step = float(np.hypot(*(np.roll(ring, -1, axis=0) - ring).T).mean())
    tangent = smooth(np.roll(ring, -1, axis=0) - np.roll(ring, 1, axis=0), max(2.0 / step, 0.5))
    edge = int(np.ceil(MARGIN_M / fine))
    offsets = offsets_of(reach_m + edge * fine, fine)
    strip = Strip(ring, right_of(tangent), offsets, fine, closed=True)
    inner = slice(edge, len(offsets) - edge)
    pad = int(np.ceil(4 * along_m / step))
    shift, clear = np.zeros(len(ring)), np.zeros(len(ring))
    for start in range(0, len(ring), PIECE):
        stop = min(start + PIECE, len(ring))
        values, valid = sample(image, strip.points(strip.rows(start - pad, stop + pad)), fine)
        # One pixel of `values` is `fine` across and `step` along; only the filter along needs the other one.
        bright, dark, known = contrast(values, valid, fine, widths(image.gsd_m)[1 if wanted == "bright" else 0], along_m * fine / step)
        level = float(np.abs(values[valid]).mean()) if valid.any() else 1.0
        response = np.where(known, bright if wanted == "bright" else dark, -np.inf)[pad : pad + stop - start, inner]
        place, height = _peak(response, offsets[inner])
        shift[start:stop], clear[start:stop] = place, np.clip(np.tanh(height / _scale(bright, dark, known, level)), 0, 1)
    return shift, clear


def _peak(response: NDArray[np.float32], offsets: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Place and height of the highest point of each row, between samples by a parabola; 0 and 0 where there is none inside."""
    best = np.clip(response.argmax(axis=1), 1, response.shape[1] - 2)
    row = np.arange(len(response))
    left, middle, right = (response[row, best + k].astype(np.float64) for k in (-1, 0, 1))
    sound = np.isfinite(left) & np.isfinite(right) & np.isfinite(middle) & (middle >= left) & (middle >= right) & (middle > 0)
    left, middle, right = (np.where(sound, v, 0) for v in (left, middle, right))
    bow = 2 * middle - left - right
    between = np.where(sound & (bow > 0), 0.5 * (right - left) / np.where(bow > 0, bow, 1), 0)
    step = float(offsets[1] - offsets[0])
    return np.where(sound, offsets[best] + between * step, 0.0), np.where(sound, middle, 0.0)
