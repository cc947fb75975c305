"""What the search for the enclosing line may be told."""

from __future__ import annotations

from dataclasses import dataclass

SENSORS_M = (1.0, 2.5, 5.0, 10.0)
"""What the sensors resolve for which limits are given."""


@dataclass(frozen=True, slots=True)
class PerimeterParams:
    """What :func:`detect_perimeter` may be told.

    Attributes
    ----------
    max_gsd_m : float
        Coarsest sensor that is searched; a cleared strip is 6 to 14 m wide in all.
    registration_px : float
        Standard error of the image's local registration and of digitising, in pixels of the coarser of sensor and grid.
    definition_m : float
        Standard error of which part of wall, strip and shadow is taken for the line. A strip cleared on one side only moves the whole line by up to
        half its width, so that this error is one for the whole ring.
    definition_shared : float
        Correlation of that error between the two dates, where both lines were traced.
    correlation_m : float
        Length along the line over which its lateral error keeps its sign.
    common_px, bridged_px : float
        Standard error of what displaces the whole line inward or outward alike, in pixels of the coarser of sensor and grid: blur, the lit side, and
        chords across what is bridged, which grow with the inferred share.
    detour : float
        Standard error of the length of what is bridged, as a share of it: corners cut, and ways along something else. Alike in all of it.
    band_share : float
        Half width of the band at most this share of the prior's inradius.
    min_evidence, max_inferred_share : (float, float, float, float)
        Smallest mean likeness along the line, and largest share of the length that may be bridged without evidence of its own, where the sensor
        resolves 1, 2.5, 5 and 10 m (SENSORS_M); between them by the logarithm. The coarser, the more of any ground looks like a line.
    min_seen_share_one : float
        Of every stretch of 450 m, how much must have evidence of its own where one outline serves both dates, or where it was placed (of a longer
        line stretches of 0.15 of it).
    wide_m : float
        In a wider band so much ground is searched that something else may be seen as well as the line: the outline is placed as a whole first.
    sought_share, sought_most_m : float
        An outline is sought no farther away than this share of its inradius, and than this.
    min_margin : (float, float, float, float)
        By how much the mean likeness along the outline where it is placed must exceed that of any other place, at SENSORS_M.
    min_kept_share : float
        Of the evidence of each date's line along 200 m, how much must be left at the other date where both were searched; less is a line that
        moved, and it may have moved out of the band.
    min_kept_share_one : float
        The same where both dates were searched around one outline, so that no prior tells of a change.
    max_one_m : float
        What the coarser sensor resolves at most where one outline serves both dates: in coarser pixels something beside it passes too often for a
        line that moved away.
    min_gain, min_gain_margin : float
        Where one old outline serves both dates and the line was enlarged: how much of a new line must be seen along its new stretches (1 is what the
        best hundredth of the ground shows), and how much less along any other line to which it may have been enlarged.
    max_gain_gap_m, max_gain_inferred : float
        Longest new stretch along which little of a new line may be seen, and largest share of the whole line that may be bridged.
    min_observed_share : float
        Smallest share of each prior's ring that must have valid pixels.
    """

    max_gsd_m: float = 10.5
    registration_px: float = 0.3
    correlation_m: float = 50.0
    definition_m: float = 1.2
    definition_shared: float = 0.9
    common_px: float = 0.3
    bridged_px: float = 2.0
    detour: float = 0.03
    band_share: float = 0.35
    min_evidence: tuple[float, float, float, float] = (0.25, 0.40, 0.43, 0.40)
    max_inferred_share: tuple[float, float, float, float] = (0.7, 0.5, 0.4, 0.42)
    min_seen_share_one: float = 0.1
    wide_m: float = 35.0
    sought_share: float = 0.6
    sought_most_m: float = 250.0
    min_margin: tuple[float, float, float, float] = (0.04, 0.04, 0.025, 0.02)
    min_kept_share: float = 0.2
    min_kept_share_one: float = 0.3
    max_one_m: float = 3.4
    min_gain: float = 1.2
    min_gain_margin: float = 0.5
    max_gain_gap_m: float = 200.0
    max_gain_inferred: float = 0.2
    min_observed_share: float = 0.5
