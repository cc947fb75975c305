"""What the tables say, as text: pure functions from records to cells, so that the words can be tested without a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from camwatch.judge.limits import GEOMETRY
from camwatch.judge.words import LEAD, SIMULATED, held_words, topic
from camwatch.judge.words import share as in_percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from camwatch.aoi import Aoi
    from camwatch.claims.model import Claim
    from camwatch.findings import Change, Findings, Kind
    from camwatch.imagery.image import Image
    from camwatch.judge.record import Estimate, Outcome, ReadingVerdict, Verdict
    from camwatch.registration.record import Registration
    from camwatch.report.source import Source
    from camwatch.sensitivity.record import Sensitivity

KINDS: tuple[Kind, ...] = ("structure", "tower", "perimeter", "landcover")
NAMES: dict[Kind, str] = {"structure": "Structures", "tower": "Towers", "perimeter": "Perimeter", "landcover": "Land cover"}
COUNTED: tuple[Change, ...] = ("appeared", "removed", "altered", "unchanged", "not_observed")
REPORTED: dict[Kind, tuple[Change, ...]] = {
    "structure": ("appeared", "removed", "not_observed"),
    "tower": ("appeared", "removed", "unchanged", "not_observed"),
    "perimeter": ("appeared", "removed"),
    "landcover": ("appeared", "removed", "altered"),
}
"""Changes that each search reports; one that also tells what stands reports those of :data:`STANDING` too."""
STANDING: tuple[Change, ...] = ("altered", "unchanged")
UNITS = {"m2": "m²", "km2": "km²", "ratio": "", "objects": "", "": "", "year": ""}
ORDER = ("contradicted", "supported", "partly", "inconclusive", "not testable")
PEOPLE = (
    "No conclusion about people is drawn: not their number, their health, their fate or anyone’s intent. Imagery shows objects and ground. "
    "“Not observed” is never “not changed”; “not testable” is never “none”."
)
"""Stands at the foot of every page."""


class CountRow(NamedTuple):
    """One row of the table of counts; with a `reason` instead of numbers where there is nothing to count."""

    name: str
    cells: tuple[str, ...]
    reason: str = ""
    caution: str = ""
    limit: str = ""

    @property
    def shown(self) -> tuple[str, ...]:
        """The cells of the table; what was not observed stands in a note below it."""
        return tuple(cell for number, cell in enumerate(self.cells) if number != COUNTED.index("not_observed"))

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be said below the table."""
        missed = self.cells[COUNTED.index("not_observed")] if self.cells else "0"
        unseen = "" if missed in {"0", "–"} else f"{missed} could not be observed at both dates"
        return tuple(f"{self.name}: {words}" for words in (self.caution, unseen, self.limit) if words)


def number(value: float, digits: int = 3, *, decimals: int | None = None) -> str:
    """Return a number with so many significant digits (or decimals), a typographic minus and thin groups of thousands; no powers of ten."""
    if not math.isfinite(value):
        return "not measured"
    if decimals is None:
        decimals = max(digits - 1 - math.floor(math.log10(abs(value))), 0) if value else 0
        plain = f"{value:,.{decimals}f}"
        plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    else:
        plain = f"{value:,.{decimals}f}"
    return plain.replace(",", "\u2009").replace("-", "−")


def percent(ratio: float) -> str:
    """Return a growth of 0.72 as `+72 %`."""
    rounded = round(100 * ratio)
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else '±'}{abs(rounded)} %"


def estimate_text(estimate: Estimate) -> str:
    """Return a measured value with its 95 % interval and unit; decimals such that half the interval has two digits."""
    if estimate.unit == "ratio":
        low, high = percent(estimate.low), percent(estimate.high)
        return f"{percent(estimate.value)} ({low.removesuffix(' %')} to {high})"
    if estimate.unit == "year":
        return f"{estimate.value:.0f} ({estimate.low:.0f} to {estimate.high:.0f})"
    half = (estimate.high - estimate.low) / 2
    decimals = 3 if not (math.isfinite(half) and half > 0) else min(max(1 - math.floor(math.log10(half)), 0), 6)
    if estimate.unit == "objects":
        decimals = 0 if half >= 0.5 or half == 0 else 1
    value, low, high = (number(v, decimals=decimals) for v in (estimate.value, estimate.low, estimate.high))
    span = f"{low} to {high}" if estimate.low < 0 else f"{low}–{high}"
    return f"{value} ({span}) {UNITS.get(estimate.unit, estimate.unit)}".rstrip()


def count_rows(
    findings: Mapping[str, Findings],
    estimates: Mapping[tuple[str, str], Estimate] | None = None,
    sensitivity: Mapping[str, Sensitivity] | None = None,
) -> tuple[CountRow, ...]:
    """Return the rows of the table of counts, one for each kind that was asked for.

    Cells: appeared, removed, altered, unchanged, not observed, searched km², observed share, false alarms per km². A kind that this pair could not
    have shown has no cells and says why: a number would read as an answer. Where numbers of real objects are given for other counts, a count
    without one is called a report, and the row's caution says why there is none.

    Parameters
    ----------
    findings : mapping of kind to Findings
    estimates : mapping of (kind, change) to Estimate, optional
        What the judge makes of a count: the number of real objects with its 95 % interval; written behind the count.
    sensitivity : mapping of kind to Sensitivity, optional
    """
    rows = []
    for kind in KINDS:
        found = findings.get(kind)
        if found is None:
            continue
        if found.status == "not_testable":
            rows.append(CountRow(NAMES[kind], (), f"not testable: {found.reason}"))
        elif not found.observed_share > 0:
            rows.append(CountRow(NAMES[kind], (), "not observed: no part of the searched area was usable at both dates"))
        else:
            caution = _caution(found, estimates, sensitivity or {})
            rows.append(CountRow(NAMES[kind], _cells(found, estimates), caution=caution, limit=held_words(kind, found.held_share)))
    return tuple(rows)


def _cells(found: Findings, estimates: Mapping[tuple[str, str], Estimate] | None) -> tuple[str, ...]:
    # The two lines of a perimeter are not objects that stayed; only its parts gained and lost are counted.
    records = [r for r in found.records if not (r.kind == "perimeter" and "date" in r.measures)]

    told = (*REPORTED[found.kind], *(STANDING if found.kind == "structure" and found.tells_standing else ()))

    def counted(change: Change) -> str:
        n = sum(r.change == change for r in records)
        # A change that a search never reports has no count: 0 would read as an answer.
        if change not in told and n == 0:
            return "–"
        if found.kind == "perimeter":
            return f"{n} part" if n == 1 else f"{n} parts"
        if found.kind == "landcover":
            return f"{n} patch" if n == 1 else f"{n} patches"
        if estimates is None or change not in {"appeared", "removed"}:
            return str(n)
        behind = estimates.get((found.kind, change))
        return f"{n} [{number(behind.low)}–{number(behind.high)}]" if behind else f"{n} reported"

    return (*(counted(change) for change in COUNTED), number(found.searched_km2), in_percent(found.observed_share), false_rate(found))


def _caution(found: Findings, estimates: Mapping[tuple[str, str], Estimate] | None, sensitivity: Mapping[str, Sensitivity]) -> str:
    if found.kind in {"perimeter", "landcover"} or estimates is None or any((found.kind, change) in estimates for change in ("appeared", "removed")):
        return ""
    from camwatch.judge.counting import blind_to_m

    size = blind_to_m(found, sensitivity.get(found.kind))
    if size is not None:
        return f"blind to objects of {number(size)} m: no estimate"
    return "no estimate: the search is blind to them, or what it misses was not measured"


def false_rate(found: Findings) -> str:
    """Return the false alarms per km², an upper bound where there are any: the control ground may hold real change."""
    density = found.false_alarms_per_km2
    return "unknown" if density is None else f"{'≤ ' if density >= 0.05 else ''}{number(density, decimals=1)}"


def finding_rows(findings: Mapping[str, Findings]) -> tuple[tuple[str, ...], ...]:
    """Return the same rows for a terminal: kind, appeared, removed, unchanged, searched, observed, false alarms, why.

    Cells without a number are empty and the last one says why.
    """
    rows = []
    for row in count_rows(findings):
        if row.reason:
            rows.append((row.name, "", "", "", "", "", "", row.reason))
        else:
            appeared, removed, altered, unchanged, _, searched, share, rate = row.cells
            also = [*([f"{altered} altered"] if altered not in {"0", "–"} else []), *row.notes]
            density = rate if rate == "unknown" else f"{rate} per km²"
            rows.append((row.name, appeared, removed, unchanged, f"{searched} km²", share, density, "; ".join(also)))
    return tuple(rows)


def registration_lines(registration: Registration) -> tuple[tuple[str, str], ...]:
    """Return label and value of each line of the registration box; lengths in pixels and in metres."""
    metres = float(abs(registration.grid.affine.determinant) ** 0.5)

    def length(pixels: float) -> str:
        return "not measured" if pixels != pixels else f"{pixels:.2f} px, {number(pixels * metres, 2)} m"  # noqa: PLR0124 - NaN

    check = registration.check
    rows, cols = (part + 0.0 for part in registration.shift_px((registration.grid.shape[1] - 1) / 2, (registration.grid.shape[0] - 1) / 2))
    shift = f"{rows:+.2f}, {cols:+.2f} px".replace("-", "−") if registration.model != "none" else "as delivered"
    return (
        ("Model", f"{registration.model}, {registration.tie_points} tie points"),
        ("Shift (row, col)", shift),
        ("Check points", f"{check.n}, withheld"),
        ("RMSE as delivered", length(check.rmse_before_px)),
        ("RMSE registered", length(check.rmse_after_px)),
        ("CE90 registered", length(check.ce90_after_px)),
    )


def reading_cells(reading: ReadingVerdict) -> tuple[str, str]:
    """Return the measured value and the power of a reading; in words where there is none."""
    measured = "not testable" if reading.outcome == "not testable" else "not measured"
    return estimate_text(reading.measured) if reading.measured else measured, "–" if reading.power is None else f"{reading.power:.2f}"


def reason_of(outcome: Outcome, reason: str) -> str:
    """Return a reason without the outcome's words before it: on the pages the outcome stands beside it."""
    mark = SIMULATED if reason.startswith(SIMULATED) else ""
    rest = reason.removeprefix(mark).removeprefix(f"{LEAD[outcome]}: ").removeprefix(f"{LEAD[outcome].replace('imagery', 'outline')}: ")
    return mark + rest[:1].upper() + rest[1:]


def korean_and_others(aoi: Aoi) -> tuple[str, list[str]]:
    """Return the fullest Korean name and all other names that say more than a number or than the name itself."""
    korean = max((a for a in aoi.aliases if any("\uac00" <= c <= "\ud7a3" for c in a)), key=len, default="")
    return korean, [a for a in aoi.aliases if a != korean and a not in aoi.name and not a.isdigit()]


def tally(verdicts: Sequence[tuple[Claim, Verdict]]) -> str:
    """Return how many claims have which outcome, in words."""
    return " · ".join(f"{n} {outcome}" for outcome in ORDER if (n := sum(v.outcome == outcome for _, v in verdicts)))


def asked(claim: Claim) -> bool:
    """Whether imagery is asked about a claim: it can be seen from above, and this release judges its kind."""
    from camwatch.judge.verdicts import looks

    return claim.observable and any(looks(reading) or reading.metric in GEOMETRY for reading in claim.readings)


def ranked(verdicts: Sequence[tuple[Claim, Verdict]]) -> list[tuple[Claim, Verdict]]:
    """Return the claims with those first that imagery was asked about, answered ones before others; otherwise in the order of the ledger."""
    return sorted(verdicts, key=lambda pair: (not asked(pair[0]), pair[1].outcome == "not testable", not pair[0].observable))


def why_not_asked(claim: Claim) -> str:
    """Return in few words why imagery was not asked about a claim."""
    if not claim.observable:
        return claim.why_not.partition(";")[0].strip().rstrip(".")
    topics = dict.fromkeys(topic(r).removeprefix("the presence of ") for r in claim.readings)
    return f"{', '.join(topics)}: not judged"


def location(aoi: Aoi) -> str:
    """Return the centre of the outline in degrees, four decimals (11 m)."""
    centre = aoi.camp.geometry.centroid
    return f"{abs(centre.y):.4f}° {'N' if centre.y >= 0 else 'S'}, {abs(centre.x):.4f}° {'E' if centre.x >= 0 else 'W'}"


def documented(aoi: Aoi) -> str:
    """Return the published size."""
    said = aoi.camp.documented
    parts = [f"{number(said['area_km2'])} km²"] if "area_km2" in said else []
    parts += [f"{number(said['width_m'], 4)} × {number(said['height_m'], 4)} m"] if {"width_m", "height_m"} <= set(said) else []
    parts += [f"perimeter {number(said['perimeter_km'])} km"] if "perimeter_km" in said else []
    return ", ".join(parts) or "no published figure"


def outline_status(aoi: Aoi) -> str:
    """Return what the outline is worth, in words."""
    camp = aoi.camp
    accuracy = f"±{number(camp.accuracy_m)} m"
    return f"NOMINAL outline, {accuracy}, not traced from imagery" if camp.nominal else f"traced outline, {accuracy}"


def source_cells(source: Source) -> tuple[str, ...]:
    """Return id, date, sensor, GSD, mask and the first digits of the hash of one source."""
    return (
        source.id,
        f"{source.acquired:%Y-%m-%d %H:%M} UTC",
        source.sensor or "not stated",
        f"{number(source.gsd_m)} m",
        source.mask,
        source.sha256[:16] or "not hashed",
    )


def scene_cells(image: Image, sources: Sequence[Source]) -> tuple[str, ...]:
    """Return date, sensor, GSD, sun and off-nadir angle of one image; `not stated` where neither it nor its source tells."""
    source = next((s for s in sources if s.id == image.scene), None)
    sun = image.sun or (source.sun if source else None)
    off_nadir = source.off_nadir_deg if source else None
    return (
        f"{image.acquired:%Y-%m-%d %H:%M} UTC",
        source.sensor if source and source.sensor else "not stated",
        f"{number(image.gsd_m)} m",
        f"az {sun.azimuth_deg:.0f}°, el {sun.elevation_deg:.0f}°" if sun else "not stated",
        f"{off_nadir:.0f}°" if off_nadir is not None else "not stated",
    )
