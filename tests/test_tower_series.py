"""What became of a tower over many dates: razed only if absent ever after, withdrawn by one late reappearance."""

import itertools

import numpy as np
import pytest

from camwatch.detect._tower_series import Fate, fate_of, linked

S, A, N = "stands", "absent", "not_observed"


@pytest.mark.parametrize(
    ("states", "fate"),
    [
        ((S, S), Fate("unchanged")),
        ((A, S), Fate("appeared", appeared=(0, 1))),
        ((S, A), Fate("removed", removed=(0, 1))),
        ((S, N), Fate("not_observed")),
        ((N, S), Fate("not_observed")),
        ((A, A), Fate("not_observed")),
        ((N, N), Fate("not_observed")),
        ((), Fate("not_observed")),
        # Razed needs absence in every later usable date; those that show nothing do not count.
        ((S, A, A), Fate("removed", removed=(0, 1))),
        ((S, N, A), Fate("removed", removed=(0, 2))),
        ((S, A, N), Fate("removed", removed=(0, 1))),
        # One late reappearance withdraws it.
        ((S, A, A, S), Fate("unchanged", withdrawn=(1, 2))),
        ((S, A, N, S, N), Fate("unchanged", withdrawn=(1,))),
        ((S, A, S, A), Fate("removed", removed=(2, 3), withdrawn=(1,))),
        # It came and went.
        ((A, S, S, A, A), Fate("removed", appeared=(0, 1), removed=(2, 3))),
        ((A, N, S, N, S), Fate("appeared", appeared=(0, 2))),
        ((N, S, N, S, N), Fate("unchanged")),
        ((A, A, S), Fate("appeared", appeared=(1, 2))),
    ],
)
def test_fates(states, fate):
    assert fate_of(states) == fate


def test_no_row_of_states_is_razed_that_stands_at_its_last_usable_date():
    for states in itertools.product((S, A, N), repeat=5):
        fate = fate_of(states)
        usable = [state for state in states if state != N]
        assert (fate.removed is not None) == (S in usable and usable[-1] == A)
        assert (fate.appeared is not None) == (S in usable and usable[0] == A)
        assert (fate.change == "removed") == (fate.removed is not None)
        for bracket in (fate.appeared, fate.removed):
            if bracket is not None:
                assert {states[bracket[0]], states[bracket[1]]} == {S, A}
                assert all(states[k] == N for k in range(bracket[0] + 1, bracket[1]))


def test_reading_the_dates_backwards_exchanges_appeared_and_removed():
    for states in itertools.product((S, A, N), repeat=4):
        fate, mirrored = fate_of(states), fate_of(states[::-1])
        turned = None if mirrored.removed is None else (3 - mirrored.removed[1], 3 - mirrored.removed[0])
        assert fate.appeared == turned
        assert sorted(3 - k for k in mirrored.withdrawn) == list(fate.withdrawn)


def test_sightings_within_reach_are_one_tower_named_by_the_surest():
    first = np.array([[10.0, 10.0], [50.0, 10.0]]), np.array([2.0, 5.0])
    second = np.array([[13.0, 10.0], [90.0, 10.0], [50.0, 16.0]]), np.array([3.0, 1.0, 4.0])
    assert linked([first, second], 5.0) == [(0, 1), (1, 2), (1, 0), (1, 1)]
    assert linked([first, second], 7.0) == [(0, 1), (1, 0), (1, 1)]
    assert linked([(np.zeros((0, 2)), np.zeros(0))] * 3, 5.0) == []


def test_equal_scores_go_to_the_earlier_date():
    same = np.array([[0.0, 0.0]]), np.array([1.0])
    assert linked([same, same], 1.0) == [(0, 0)]
