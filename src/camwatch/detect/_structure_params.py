"""What counts as a building, and as a change."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StructureParams:
    """What counts as a building, and as a change; what starts with `model_` concerns the search with a model only.

    Attributes
    ----------
    max_gsd_m : float
        Coarsest ground sample distance that is searched; the default shows the smallest building of interest with two pixels across its short side.
    min_area_m2 : float
        Without a model: smallest footprint reported, in square metres (half the roof of a hut of 8 × 7 m; guard towers have less) …
    min_area_px : int
        … and with and without one, in pixels of the coarser sensor, whichever is larger.
    min_likelihood : float
        Without a model: single-date likelihood (0..1) that outlines an object.
    min_score : float
        Without a model: score (0..1) from which an object is reported; the same as `min_likelihood`: outlined, and nothing argues against it.
    tolerance_m : float
        Misregistration that the comparison forgives; never less than one pixel.
    model_min_score : float
        Score (0..1, a probability where the model is calibrated) from which a change is reported; the default is set by the false alarms of the
        shipped model on real and on rendered quiet ground (docs/model-card.md).
    model_min_standing : float
        Score from which a building is reported that stands at both dates; it is no probability.
    model_min_area_m2 : float
        Smallest footprint reported: a hut of 5 × 4 m.
    model_min_width_m : float
        Narrowest object reported: façades and fringes of shadow are narrower.
    model_levels : (float, float)
        Lowest and highest likelihood that may outline an object; between them it is half-way from the ground to the object's plateau.
    model_seed : float
        Likelihood that an object must reach.
    model_dip : float
        Neighbours are counted apart where the likelihood between them falls below this share of the lower one's peak.
    model_neck : float
        Parts are counted apart where what joins them is narrower than this share of the narrower part.
    model_direct : float
        Weight (0..1) of the model's own `appeared` and `removed` against the comparison of its two single-date likelihoods.
    model_second_opinion : float
        Share (0..1) of a change's raw score that the comparison of the two pictures can take away, which needs no training.
    model_views : {1, 2, 4, 8}
        Turned and mirrored views whose answers are averaged.
    model_half : float
        Weight (0..1) of the model's answer at half the resolution.
    """

    max_gsd_m: float = 3.5  # SMALLEST_M[1] / PIXELS_ACROSS
    min_area_m2: float = 30.0
    min_area_px: int = 4
    min_likelihood: float = 0.20
    min_score: float = 0.20
    tolerance_m: float = 1.0
    model_min_score: float = 0.65
    model_min_standing: float = 0.55
    model_min_area_m2: float = 20.0
    model_min_width_m: float = 2.5
    model_levels: tuple[float, float] = (0.15, 0.40)
    model_seed: float = 0.35
    model_dip: float = 0.60
    model_neck: float = 0.50
    model_direct: float = 0.70
    model_second_opinion: float = 0.20
    model_views: int = 2
    model_half: float = 0.3
