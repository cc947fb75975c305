"""What was measured, in sentences: the enclosing line, land, and what a search takes for a change by mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camwatch.report import tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from camwatch.findings import Finding, Findings, Ratio
    from camwatch.sensitivity.record import Sensitivity, Unchanged


def perimeter_lines(found: Findings | None) -> tuple[str, ...]:
    """Return what was measured of the enclosing line, one sentence a date and one on its growth; nothing where it was not searched."""
    if found is None or found.status == "not_testable":
        return ()
    lines = []
    for record in found.records:
        if "date" in record.measures:
            area, length = _measured(record, "area", 1e-6), _measured(record, "length", 1e-3)
            share = record.measures.get("inferred_share")
            inferred = f", {100 * float(share):.0f} % inferred" if share is not None else ""
            lines.append(f"Line {record.measures['date']}: {area} km², {length} km (± 1 s.e.){inferred}")
    if found.growth is not None:
        lines.append(f"Growth: area {_ratio(found.growth.area)}, length {_ratio(found.growth.length)}")
    elif lines:
        lines.append("Growth not measured: the line was not seen at both dates")
    return tuple(lines)


def measured_size(found: Findings | None) -> str:
    """Return the size measured at the later date, for the head of a page."""
    lines = [r for r in found.records if "date" in r.measures] if found and found.status == "searched" else []
    if not lines:
        return "enclosing line not measured in this pair"
    last = max(lines, key=lambda r: str(r.measures["date"]))
    return f"{_measured(last, 'area', 1e-6)} km², {_measured(last, 'length', 1e-3)} km, {last.measures['date']}"


COVER = {
    "cleared": "cleared",
    "built_or_bare": "built over or laid bare",
    "vegetated": "overgrown",
    "water": "flooded",
    "exposed": "no longer water",
    "other": "otherwise changed",
}
"""What ground became, in words."""


def landcover_lines(found: Findings | None) -> tuple[str, ...]:
    """Return how much ground became what, in one sentence, and what limits the answer; nothing where it was not searched."""
    if found is None or found.status == "not_testable":
        return ()
    said = [_became(name, [r for r in found.records if r.measures["class"] == name], found.areas) for name in COVER]
    return (f"Land: {', '.join(part for part in said if part) or 'no change of cover'}. {found.reason}",)


def _became(name: str, records: Sequence[Finding], areas: Mapping[str, tuple[float, float, float]] | None) -> str:
    """Return `0.14 km² cleared (0.05 confirmed by a later date)`, or, where reference samples tell it, `9 ha cleared (7.1–10.9, by samples)`."""
    if areas is not None and name in areas:
        value, low, high = (tables.number(v / 1e4, 2) for v in areas[name])
        return f"{value} ha {COVER[name]} ({low}–{high} at 95 %, from reference samples)"
    if not records:
        return ""
    whole, told = sum(r.area_m2 for r in records), [r for r in records if "confirmed" in r.measures]
    sure = sum(r.area_m2 for r in told if r.measures["confirmed"] == "yes")
    rest = f" ({tables.number(sure / 1e6, 2)} confirmed by a later date)" if told else ""
    return f"{tables.number(whole / 1e6, 2)} km² {COVER[name]}{rest}"


def _measured(record: Finding, name: str, scale: float) -> str:
    unit = "m2" if name == "area" else "m"
    value, error = record.measures.get(f"{name}_{unit}", record.area_m2 if name == "area" else None), record.measures.get(f"{name}_se_{unit}")
    if value is None:
        return "not measured"
    places = 3 if name == "area" else 2
    return tables.number(float(value) * scale) if error is None else f"{float(value) * scale:.{places}f} ± {float(error) * scale:.{places}f}"


def _ratio(growth: Ratio) -> str:
    return f"{tables.percent(growth.ratio)} ({tables.percent(growth.low).removesuffix(' %')} to {tables.percent(growth.high)})"


def alarm_lines(measured: Sensitivity) -> tuple[str, ...]:
    """Return what was reported where nothing is claimed, and between dates without change: an upper bound of the false alarms."""
    lines = []
    if measured.control_km2 > 0:
        ways = "" if measured.false_removed is None else _ways(measured.false_alarms - measured.false_removed, measured.false_removed)
        ground, density = tables.number(measured.control_km2), tables.number(measured.false_alarms / measured.control_km2)
        lines.append(f"False alarms: {measured.false_alarms}{ways} in {ground} km² of control ground, {density} per km².")
    lines += [_between(unchanged) for unchanged in measured.unchanged]
    return tuple(lines) or ("False alarms: not measured, there was no control ground and no pair of dates without change.",)


def _between(unchanged: Unchanged) -> str:
    """Return what was reported between two dates without change."""
    reports, why = (
        unchanged.appeared + unchanged.removed,
        "for which an analyst vouches" if unchanged.vouched else "taken as such: a season apart at most",
    )
    counted = f"{reports}{_ways(unchanged.appeared, unchanged.removed)} in {tables.number(unchanged.km2)} km²"
    return f"Without change between {unchanged.before} and {unchanged.after} ({why}): {counted}, {tables.number(reports / unchanged.km2)} per km²."


def _ways(appeared: int, removed: int) -> str:
    return f" ({appeared} appeared, {removed} removed)"
