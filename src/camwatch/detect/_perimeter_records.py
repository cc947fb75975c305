"""What is handed on of two lines: a record of each, the parts gained and lost, how much area and length grew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from camwatch.findings import Finding, Growth, Ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camwatch.detect._perimeter_band import Band
    from camwatch.detect._perimeter_lines import Line
    from camwatch.detect._perimeter_params import PerimeterParams
    from camwatch.detect._trace import Trace
    from camwatch.imagery.image import Image

WHEN = ("before", "after")


def records_of(
    images: Sequence[Image], lines: tuple[Line, Line], traces: Sequence[Trace | None], bands: Sequence[Band | None], params: PerimeterParams
) -> list[Finding]:
    """Return the record of each line, the parts lost and gained, and the lines of one date that contradict one another."""
    first, second = lines
    return [
        *(_line_record(*each) for each in zip(images, lines, traces, bands, WHEN, strict=True)),
        *_parts(first, second, "removed", params),
        *_parts(second, first, "appeared", params),
        *(part for each in zip(images, lines, WHEN, strict=True) for part in _contradicting(*each)),
    ]


def growth_of(lines: tuple[Line, Line], params: PerimeterParams) -> Growth:
    """Return by how much area and length grew."""
    return Growth(
        _ratio([(line.area_m2, line.area_se_m2, line.shared_m2) for line in lines], params.definition_shared),
        _ratio([(line.length_m, line.length_se_m, 0.0) for line in lines]),
    )


def _line_record(image: Image, line: Line, trace: Trace | None, band: Band | None, when: str) -> Finding:
    traced = {"half_band_m": band.half_m} if trace and band and "traced" in line.source else {}
    return _record(f"perimeter-{when}", line, {"date": image.acquired.date().isoformat(), **traced})


def _record(name: str, line: Line, more: dict[str, float | str]) -> Finding:
    return Finding(
        id=name,
        kind="perimeter",
        change="unchanged",
        geometry=line.polygon,
        score=float(np.clip(line.evidence, 0, 1)),
        area_m2=line.area_m2,
        measures={
            "source": line.source,
            "area_m2": line.area_m2,
            "area_se_m2": line.area_se_m2,
            "length_m": line.length_m,
            "length_se_m": line.length_se_m,
            "inferred_share": line.inferred,
            "ambiguous_share": line.ambiguous,
            "sigma_m": line.sigma_m,
            **more,
        },
    )


def _contradicting(image: Image, line: Line, when: str) -> list[Finding]:
    """Return each of the lines of a date that contradict one another."""
    if not line.conflict:
        return []
    day = image.acquired.date().isoformat()
    return [_record(f"perimeter-{when}-{each.source}-{number}", each, {"line_of": day}) for number, each in enumerate(line.lines, 1)]


def _parts(here: Line, there: Line, change: Literal["appeared", "removed"], params: PerimeterParams) -> list[Finding]:
    """Return what one line encloses and the other does not, without the slivers that the lines' own errors make; largest first."""
    sigma = float(np.hypot(here.sigma_m, there.sigma_m))
    rest = here.polygon.difference(there.polygon)
    core = rest.buffer(-2 * sigma)
    found = []
    for piece in (each for each in getattr(core, "geoms", [core]) if not each.is_empty):
        # Back to the full outline: what grows from the core over its lost rim and a corner's worth more, within the difference.
        part = piece.buffer(4 * sigma).intersection(rest)
        blurred = sigma**2 * params.correlation_m * part.length
        blurred += sum(doubt.area_se_m2**2 for doubt in (*here.doubts, *there.doubts) if part.distance(doubt.line) < 2 * doubt.aside_m)
        if part.area > 3 * np.sqrt(blurred):
            found.append((part, float(np.sqrt(blurred))))
    found.sort(key=lambda each: -each[0].area)
    return [
        Finding(
            id=f"perimeter-{change}-{number}",
            kind="perimeter",
            change=change,
            geometry=part,
            score=float(np.clip(min(here.evidence, there.evidence), 0, 1)),
            area_m2=float(part.area),
            measures={"area_se_m2": error},
        )
        for number, (part, error) in enumerate(found, 1)
    ]


def _ratio(figures: Sequence[tuple[float, float, float]], correlation: float = 0.0) -> Ratio:
    """Return the growth from the first to the second of two positive figures, with the 95 % interval of a log-normal quotient.

    A figure is (value, standard error, the part of that error which has this `correlation` with that of the other figure).
    """
    (before, error, part), (after, error_after, part_after) = figures
    common = correlation * (part / before) * (part_after / after)
    relative = np.sqrt((error / before) ** 2 + (error_after / after) ** 2 - 2 * common)
    ratio = after / before
    return Ratio(ratio - 1, float(ratio * np.exp(-1.96 * relative)) - 1, float(ratio * np.exp(1.96 * relative)) - 1)
