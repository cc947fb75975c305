"""How much the ground looks like a ring's own line: what the perceptron says, and how far a place has the profile that the ring shows elsewhere.

The perceptron knows lines of all kinds. A camp's line is of one kind nearly all along, and what runs beside it, a road or a hedge, is of another.
A first course teaches what its own profile is: a logistic regression on the profile across, that starts from what the perceptron says, tells places
on the course from places beside it. What is said of a fifth of the course is learnt from the other four alone: a stretch that went astray cannot
vouch for itself. It only leads the path; whether a line is there is still for the perceptron to say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from camwatch.detect._course_line import headings
from camwatch.detect._course_profile import MOVES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camwatch.detect._course_ground import Ground
    from camwatch.detect._course_lattice import Lattice

PARTS = 5
"""Of so many parts of the course each is told by the others."""
SEEN = 0.3
"""Likeness from which on a stretch of the course teaches."""
ON, OFF = 1.5, 3.5
"""Cells from the course within which a place lies on it, and beyond which beside it."""
TURN, ASKEW = 0.3, 0.6
"""Radians within which a direction is that of the course, and within which it is looked at."""
FEWEST, MOST = 40, 1500
"""Places on the course that are needed in order to learn, and places beside it from which is learnt."""
WEIGHT = 300.0
"""Places on the course count as no more than so many: neighbours show much the same ground."""
PRICE = 20.0
"""Price of departing from the perceptron, in units of the inverse variance of each weight."""
STEPS = 4
"""Newton steps."""


def own_lattice(ground: Ground, lattice: Lattice, ring: NDArray[np.float64], level: NDArray[np.float64]) -> Lattice:
    """Return a lattice with the likeness of a ring's own line in the directions near the ring's.

    Parameters
    ----------
    ground : Ground
    lattice : Lattice
        Of that ground.
    ring : (k, 2) float64
        A first course, counter-clockwise, at equal steps.
    level : (k,) float64, 0..1
        How much of a line is seen along it; NaN where it is not observed.
    """
    away, nearest = cKDTree(ring).query(lattice.point)
    apart = np.array([np.arctan2(-row, col) for row, col in MOVES]) - headings(ring)[0][nearest][:, None]
    askew = np.abs((apart + 0.5 * np.pi) % np.pi - 0.5 * np.pi)
    place, way = np.nonzero((askew <= ASKEW) & lattice.valid[:, None])
    part = nearest[place] * PARTS // len(ring)
    profile = ground.profiles(lattice, place, way)
    # Seen from inside: a strip that was cleared on one side lies on the same side all around.
    against = np.cos(apart[place, way]) < 0
    profile[against] = profile[against, ::-1]
    like = np.clip(lattice.like[place, way], 1e-4, 1 - 1e-4)
    inputs = np.column_stack([np.ones(len(place), np.float32), np.log(like / (1 - like)), profile])
    on = (away[place] <= ON * ground.cell_m) & (askew[place, way] <= TURN) & (np.nan_to_num(level)[nearest[place]] > SEEN)
    beside = away[place] > OFF * ground.cell_m
    told = inputs[:, 1].copy()
    for number in range(PARTS):
        mine = part == number
        if (weights := _learnt(inputs[on & ~mine], inputs[beside & ~mine])) is not None:
            told[mine] = inputs[mine] @ weights
    out = lattice.like.copy()
    out[place, way] = 1 / (1 + np.exp(-np.clip(told, -30, 30)))
    return replace(lattice, like=out)


def _learnt(on: NDArray[np.float32], beside: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """Return the weights (n,) of inputs that tell places on a course from those beside it; None where too few teach."""
    if len(on) < FEWEST or len(beside) < FEWEST:
        return None
    beside = beside[:: -(-len(beside) // MOST)]
    inputs = np.concatenate([on, beside])
    wanted = np.r_[np.ones(len(on), np.float32), np.zeros(len(beside), np.float32)]
    count = min(WEIGHT, len(on))
    # A third of what the perceptron was shown is a line.
    weight = np.r_[np.full(len(on), count / len(on)), np.full(len(beside), 2 * count / len(beside))].astype(np.float32)
    start = np.zeros(inputs.shape[1], np.float32)
    start[1] = 1.0
    price = np.full(len(start), PRICE, np.float32)
    price[0] = 1.0
    out = start.copy()
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(inputs @ out, -30, 30)))
        slope = inputs.T @ (weight * (chance - wanted)) + price * (out - start)
        curve = (inputs * (weight * np.maximum(chance * (1 - chance), 1e-4))[:, None]).T @ inputs + np.diag(price)
        out = out - np.linalg.solve(curve, slope)
    return out
