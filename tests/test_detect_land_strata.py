"""Kinds of ground, and from which pixels is learnt what became of them."""

import numpy as np
import pytest

from camwatch.detect._land_strata import LEAST_SAMPLE, PLACES, SAYS, Cut, Strata, places_of, strata_of, teachers

SIDE = 160
ROWS, COLS = np.divmod(np.arange(SIDE * SIDE), SIDE)


def test_places_hold_as_many_pixels_each_and_lie_together():
    places = places_of(ROWS, COLS)
    assert (np.bincount(places, minlength=PLACES**2) == SIDE**2 // PLACES**2).all()
    assert all(np.ptp(ROWS[places == k]) < SIDE // PLACES and np.ptp(COLS[places == k]) < SIDE // PLACES for k in range(PLACES**2))


def test_each_stratum_knows_the_wider_ones_it_was_cut_from():
    axis = np.array([1.0])
    strata = Strata((Cut(0, axis, 0.0), Cut(1, axis, 5.0), Cut(0, axis, -5.0)), np.ones(1))
    assert strata.wider == (({0}, {0, 3}, {0, 1, 2, 3}), ({1}, {1, 2}, {0, 1, 2, 3}), ({2}, {1, 2}, {0, 1, 2, 3}), ({3}, {0, 3}, {0, 1, 2, 3}))
    assert strata.of(np.array([[-9.0], [-1.0], [1.0], [9.0]])).tolist() == [0, 3, 1, 2]


def rare(block):
    """Ground of two spectra, the second in some places only."""
    x = np.random.default_rng(3).normal(0, 0.1, (SIDE * SIDE, 2))
    x[block] += 5
    strata, kinds = strata_of(x)
    return kinds, places_of(ROWS, COLS), teachers(strata, kinds, places_of(ROWS, COLS))


def test_a_kind_at_one_place_is_learnt_from_a_wider_one():
    block = (ROWS < 40) & (COLS < 40)
    kinds, _, taught = rare(block)
    for kind in np.unique(kinds[block]):
        assert block[taught[kind]].mean() < 0.15, "most of what it is held against lies elsewhere"
        assert len(taught[kind]) >= LEAST_SAMPLE


@pytest.mark.parametrize("lopsided", [False, True])
def test_no_place_has_more_than_its_say(lopsided):
    """The kind lies in every place, and in one of them ten times as much, or not."""
    block = (ROWS % 5 == 0) & (COLS % 2 == 0)
    block |= lopsided & (ROWS < 20) & (COLS < 20)
    kinds, places, taught = rare(block)
    for kind in np.unique(kinds):
        shares = np.bincount(places[taught[kind]]) / len(taught[kind])
        assert shares.max() <= SAYS[1] + 1e-9
        assert len(taught[kind]) >= LEAST_SAMPLE


def test_ground_too_small_for_places_is_learnt_from_all_of_it():
    x = np.random.default_rng(1).normal(0, 1, (50, 2))
    strata, kinds = strata_of(x)
    assert [len(pixels) for pixels in teachers(strata, kinds, places_of(np.arange(50), np.arange(50)))] == [50]
