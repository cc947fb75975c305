"""The model behind the counts: posterior, power, and the bounds of a claimed number."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom, nbinom

from camwatch.claims.model import Quantity
from camwatch.judge.alarms import Control, expected_false
from camwatch.judge.counts import Detector, difference, grid_end, posterior, power, ratio
from camwatch.judge.limits import ONE_WAY, bounds_of


def test_posterior_agrees_with_the_beta_binomial_where_no_report_is_false():
    detector = Detector(24, 20, 0, math.inf, 1.0)
    totals = np.arange(61)
    expected = betabinom.pmf(18, totals, *detector.recall) / np.sqrt(totals + 1)
    np.testing.assert_allclose(posterior(18, detector, 60).mass, expected / expected.sum(), atol=1e-12)


def test_posterior_agrees_with_reports_drawn_at_random():
    """The likelihood of 18 reports by simulation: recall, false reports and what objects draw beside their own, each from its distribution."""
    rng, detector = np.random.default_rng(8), Detector(24, 20, 2, 2.0, 1.5, 1, 0, drawn=0.2)
    mean, squared_cv = detector.false_rate
    for total in (5, 12, 18, 30):
        recall = rng.beta(*detector.recall, 400_000)
        false = rng.poisson(rng.gamma(1 / squared_cv, mean * squared_cv, 400_000))
        drawn = rng.poisson(rng.exponential(0.2 * detector.probability * total, 400_000))
        for n in (total - 2, total + 2):
            share = float((rng.binomial(total, recall) + false + drawn == n).mean())
            assert detector.reports(total, 60)[n] == pytest.approx(share, rel=0.15, abs=0.002)  # the two rates are taken as one Gamma


def test_few_reports_of_the_other_direction_say_that_few_are_false():
    def expected(own, opposite, here=None, **rest):
        return expected_false(Control(own, opposite, here, **rest))[0]

    assert expected(20, 20) == pytest.approx(0.6 * 20, rel=0.15)  # of each direction any share is false
    assert expected(20, 0) < expected(20, 3) < expected(20, 20)
    assert expected(20, 0) < 0.2 * 20
    assert expected(20, 0, 0, area_ratio=3.0) < expected(20, 0) < expected(20, 0, 30, area_ratio=1.0)
    assert expected(0, 20) > expected(0, 0)
    assert expected(4, 4, both=True) == pytest.approx(2 * expected(4, 4), rel=0.05)  # the prior is of one direction
    assert expected(0, None) < expected(5, None) < expected(15, None) < 15


def test_the_false_reports_expected_are_those_that_come():
    """Worlds as the model has them: of the reports any share is false, and the directions differ."""
    rng, above, below, worlds = np.random.default_rng(4), 0, 0, 1500
    for _ in range(worlds):
        false = rng.gamma(0.7, 6.0) * rng.random() * np.exp([0.0, ONE_WAY * rng.standard_normal()])
        own, opposite = (int(rng.poisson(f / max(rng.random(), 0.02))) for f in false)
        mean, squared_cv = expected_false(Control(own, opposite))
        came = int(rng.poisson(false[0]))
        told = nbinom(1 / squared_cv, 1 / (1 + squared_cv * mean))
        above += told.sf(came - 1) < 0.025
        below += told.cdf(came) < 0.025
    assert above <= 0.03 * worlds
    assert below <= 0.03 * worlds


def test_interval_covers_at_the_stated_rate_when_numbers_come_from_the_prior():
    rng, covered, worlds = np.random.default_rng(3), 0, 400
    for _ in range(worlds):
        total, p, density = int(61 * rng.random() ** 2), rng.beta(0.5, 0.5), rng.gamma(0.5)
        planted_found, control = int(rng.binomial(24, p)), int(rng.poisson(density * 2))
        detector = Detector(24, planted_found, control, 2.0, 0.5)
        low, high = posterior(int(rng.binomial(total, p) + rng.poisson(density * 0.5)), detector, 60).interval()
        covered += low <= total <= high
    # Discrete intervals cover at least 95 %; 3 binomial standard deviations below.
    assert covered / worlds >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / worlds)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 40), st.integers(0, 24), st.integers(0, 30), st.floats(0.05, 5), st.floats(0.01, 1))
def test_more_detections_never_lower_the_posterior_mean(reports, hits, alarms, control, area):
    detector = Detector(24, hits, alarms, control, area)
    fewer, more = (posterior(n, detector, grid_end(n, detector)).mean for n in (reports, reports + 1))
    assert more >= fewer * (1 - 1e-9)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(0, 24), st.integers(0, 20))
def test_power_rises_with_the_number_and_with_what_is_found(design, hits, alarms):
    weak, strong = Detector(24, hits, alarms, 1.0, 0.2), Detector(24, min(hits + 3, 24), alarms, 1.0, 0.2)
    assert -1e-9 <= power(design, weak) <= 1 + 1e-9
    assert power(design + 1, weak) >= power(design, weak) - 1e-6
    assert power(design, strong) >= power(design, weak) - 1e-6


def test_difference_and_ratio_of_known_numbers():
    sure = Detector(10**7, 10**7, 0, math.inf, 1.0)
    ten, four = posterior(10, sure, 60), posterior(4, sure, 60)
    assert difference(ten, four).quantile(0.5) == 6
    assert difference(four, ten).quantile(0.5) == -6
    assert ratio(difference(ten, four), posterior(12, sure, 60)).quantile(0.5) == 0.5
    assert math.isinf(ratio(ten, posterior(0, sure, 60)).quantile(0.5))


def test_bounds_are_stretched_as_the_rules_say():
    single = bounds_of(Quantity(low=17, high=17), "count")
    assert (single.near_low, single.near_high) == (14, 20)
    bound = bounds_of(Quantity(low=25), "count")
    assert (bound.near_low, bound.wide_low, bound.near_high) == (25, 21, math.inf)
    about = bounds_of(Quantity(low=1, high=1, unit="km2", about=True), "area")
    assert (about.near_low, about.near_high) == pytest.approx((0.9e6, 1.1e6))
    factor = bounds_of(Quantity(low=1, high=1, unit="ratio", about=True), "area")
    assert (factor.near_low, factor.near_high) == pytest.approx((0.8, 1.2))
    assert bounds_of(None, "count").low == 1
    assert bounds_of(Quantity(low=0, unit="ratio"), "area").low == 0.05
