"""Records made up for the tests of the report: two textured dates, towers, huts, a line that grew, claims with every outcome."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from scipy.ndimage import gaussian_filter
from shapely import affinity
from shapely.geometry import Point, Polygon, box

from camwatch.aoi import LONLAT, Aoi, Outline, reproject
from camwatch.claims.model import Claim, Quantity, Reading
from camwatch.findings import Finding, Findings, Growth, Ratio
from camwatch.imagery.image import Image, Sun
from camwatch.judge.record import Estimate, ReadingVerdict, Verdict
from camwatch.registration.lattice import Lattice
from camwatch.registration.record import CheckPoints, Registration
from camwatch.report import Source
from camwatch.sensitivity.record import Sensitivity

CRS = "EPSG:32652"
CENTRE = (560250.0, 4631700.0)
DAYS = (datetime(2009, 5, 1, 2, 12, tzinfo=UTC), datetime(2010, 9, 17, 2, 20, tzinfo=UTC))
NOTHING = np.zeros((0, 2))


def geobox(width_m=2400.0, height_m=1700.0, pixel_m=4.0):
    affine = Affine(pixel_m, 0, CENTRE[0] - width_m / 2, 0, -pixel_m, CENTRE[1] + height_m / 2)
    return GeoBox((round(height_m / pixel_m), round(width_m / pixel_m)), affine, CRS)


def triangle(scale=1.0, stretch=(1.0, 1.0)):
    """A triangle-like outline of about 1 km² about the centre, in metres."""
    shape = Polygon([(-900, 600), (-850, 640), (900, -560), (880, -620), (-300, -600)])
    return affinity.translate(affinity.scale(shape, scale * stretch[0], scale * stretch[1], origin=(0, 0)), *CENTRE)


def aoi(shape=None, *, nominal=True):
    outline = Outline(
        "kwl25",
        "Camp 25",
        "camp",
        reproject(shape or triangle(), CRS, LONLAT),
        400.0,
        nominal,
        "published figures",
        "constructed",
        documented={"area_km2": 1.01, "perimeter_km": 5.1, "width_m": 1810.0, "height_m": 1240.0},
    )
    return Aoi("chongjin", "Camp 25, Chongjin", ("청진 제25호 관리소", "Kwan-li-so No. 25", "Susong correctional center", "수성교화소"), (outline,))


def images(grid=None, *, bands=("red", "green", "blue"), simulated=True, gsd_m=0.5, hole=True, seed=3):
    """Two dates of fields, a road and huts; some more huts at the later one; a corner and a cloud not observed."""
    grid = grid or geobox()
    rng = np.random.default_rng(seed)
    ny, nx = grid.shape
    ground = 0.16 + 0.05 * gaussian_filter(rng.standard_normal((ny, nx)), 12) * 12 + 0.015 * rng.standard_normal((ny, nx))
    ground += 0.05 * np.sign(np.sin(np.arange(nx) / nx * 40) * np.sin(np.arange(ny)[:, None] / ny * 23))
    ground[:, nx // 3 : nx // 3 + max(nx // 150, 1)] = 0.32
    both = []
    for which, (day, sun) in enumerate(zip(DAYS, (Sun(148, 55), Sun(165, 43)), strict=True)):
        plane = ground + 0.006 * rng.standard_normal((ny, nx))
        for i in range(8 + 7 * which):
            r, c = int((0.3 + 0.05 * (i % 4)) * ny), int((0.42 + 0.035 * (i // 4)) * nx)
            plane[r : r + max(ny // 45, 1), c : c + max(nx // 60, 1)] = 0.45 - 0.04 * (i % 3)
            plane[r + max(ny // 45, 1) : r + max(ny // 40, 2), c : c + max(nx // 60, 1)] = 0.05
        valid = np.ones((ny, nx), bool)
        if hole:
            valid[: ny // 9, : nx // 7] = False
            if which:
                y, x = np.ogrid[:ny, :nx]
                valid &= ((y - 0.7 * ny) / (0.09 * ny)) ** 2 + ((x - 0.2 * nx) / (0.06 * nx)) ** 2 > 1
        tint = {"red": 1.05, "green": 1.0, "blue": 0.85}
        values = np.stack([plane * tint.get(b, 1.0) for b in bands]).astype(np.float32)
        both.append(Image(values, valid, bands, grid, day, sun, gsd_m, "surface reflectance", f"SIM_{day:%Y%m%d}_chongjin", simulated))
    return tuple(both)


def finding(i, kind, change, geometry, **measures):
    return Finding(f"{kind[0]}{i:03d}", kind, change, geometry, 0.9, geometry.area, measures)


def findings_of(kind, records, grid, *, status="searched", reason="", simulated=True, **more):
    score = np.zeros(grid.shape, np.float32)
    for n, record in enumerate(records):
        here = record.geometry.centroid
        col, row = (here.x - grid.affine.c) / grid.affine.a, (here.y - grid.affine.f) / grid.affine.e
        if 2 <= row < grid.shape[0] - 3 and 2 <= col < grid.shape[1] - 3:
            score[int(row) - 2 : int(row) + 3, int(col) - 2 : int(col) + 3] = 0.5 + 0.05 * (n % 10)
    score[: grid.shape[0] // 9, : grid.shape[1] // 7] = np.nan
    settings = {"false_alarms_per_km2": 0.8, "nominal": True, "tells_standing": kind == "tower", **more}
    return Findings(
        kind,
        status,
        reason,
        tuple(records),
        "chongjin",
        CRS,
        "SIM_20090501_chongjin",
        "SIM_20100917_chongjin",
        DAYS,
        0.93,
        1.12,
        0.5,
        score,
        grid,
        simulated=simulated,
        **settings,
    )


def findings(grid=None, *, simulated=True, crowded=False):
    grid = grid or geobox()
    early, late = triangle(0.76), triangle(1.0)
    n = 25 if crowded else 14
    line = late.exterior
    towers = [
        finding(
            i,
            "tower",
            ("appeared", "unchanged", "removed", "not_observed")[(i % 7) // 2 if not crowded else 0],
            line.interpolate(i * 14.0 if crowded else i * line.length / n).buffer(2.5),
        )
        for i in range(n)
    ]
    huts = [
        finding(
            i,
            "structure",
            ("appeared", "appeared", "altered", "removed", "unchanged")[i % 5],
            box(*(CENTRE[0] - 180 + 70 * (i % 4), CENTRE[1] + 120 - 60 * (i // 4), CENTRE[0] - 150 + 70 * (i % 4), CENTRE[1] + 132 - 60 * (i // 4))),
        )
        for i in range(11)
    ]
    lines = [
        finding(
            0, "perimeter", "unchanged", early, date="2009-05-01", area_se_m2=21000.0, length_m=early.length, length_se_m=48.0, inferred_share=0.11
        ),
        finding(
            1, "perimeter", "unchanged", late, date="2010-09-17", area_se_m2=25000.0, length_m=late.length, length_se_m=52.0, inferred_share=0.07
        ),
        finding(2, "perimeter", "appeared", late.difference(early)),
    ]
    growth = Growth(Ratio(0.73, 0.64, 0.82), Ratio(0.315, 0.29, 0.34))
    return {
        "structure": findings_of("structure", huts, grid, simulated=simulated),
        "tower": findings_of("tower", towers, grid, simulated=simulated),
        "perimeter": findings_of("perimeter", lines, grid, simulated=simulated, growth=growth, false_alarms_per_km2=None),
    }


def not_testable(grid=None):
    grid = grid or geobox()
    why = "a tower is 4 to 6 m wide and a pixel of this pair 30 m; 1 m or finer is needed"
    return {
        k: replace(findings_of(k, [], grid, status="not_testable", reason=why), observed_share=0.0, searched_km2=0.0)
        for k in ("structure", "tower", "perimeter")
    }


def registration(grid=None, *, refused=False, n=40, seed=5):
    grid = grid or geobox()
    rng = np.random.default_rng(seed)
    high = np.array(grid.shape[::-1]) - 1.0
    points, ties = rng.uniform(0, high, (n, 2)), rng.uniform(0, high, (2 * n, 2))
    after = rng.normal(0, 1.4 if refused else 0.12, (n, 2))
    check = CheckPoints(points, after + np.array([2.4, -1.3]), after)
    tie_residuals = rng.normal(0, 0.1, (2 * n, 2))
    if refused:
        why = "check points still differ by 1.98 px after the fit, the limit is 0.50 px: terrain parallax; take a pair with like view angles"
        return Registration("refused", why, "none", np.eye(2, 3), None, None, grid, 2 * n, check, ties, tie_residuals)
    step = max(grid.shape) / 2
    precision = Lattice.over(tuple(grid.shape), step, np.full((*Lattice.counts(tuple(grid.shape), step), 3), (0.00005, 0, 0.00005)), 1)
    return Registration("ok", "shifted", "shift", np.array([[1, 0, -2.4], [0, 1, 1.3]]), None, precision, grid, 2 * n, check, ties, tie_residuals)


def claim(i, quote, outcome, readings, reason, *, observable=True, simulated=True):
    """A claim with its verdict; `readings` is a list of (id, text, outcome, estimate or None, power or None)."""
    typed = tuple(Reading(id=r[0], text=r[1], metric="count", subject="tower", quantity=Quantity(low=1)) for r in readings)
    judged = tuple(ReadingVerdict(r[0], r[2], f"Reading {r[0]}: {reason}", r[3], r[4], 12.5 if r[4] else None, ("pair-1",)) for r in readings)
    why = "" if observable else reason
    typed_claim = Claim(
        id=f"C25-{i:02d}", camp="chongjin", quote=quote, readings=typed, observable=observable, why_not=why, note="Compare with published counts."
    )
    return typed_claim, Verdict(f"C25-{i:02d}", outcome, reason, judged, simulated=simulated, nominal=True)


def verdicts(n=12, *, simulated=True):
    """Return `n` claims of one camp with every outcome, in the order of a ledger's document."""
    none = (None, None)
    size = Estimate(1.004, 0.954, 1.053, "km2")
    grown = Estimate(0.73, 0.64, 0.82, "ratio")
    rows = [
        (
            6,
            "Over two dozen guard towers dot the perimeter",
            "supported",
            [("as written", "at least 25 guard towers stand on the perimeter", "supported", Estimate(41, 36, 45, "objects"), 0.98)],
            "41 towers stand along the line at the later date; 25 would have been told from fewer in 98 % of such pairs.",
        ),
        (
            20,
            "Over a 72 percent enlarged perimeter added seventeen new guard posts.",
            "partly",
            [
                ("area", "the enclosed area grew by 72 %", "supported", grown, 0.99),
                ("length", "the length of the line grew by 72 %", "contradicted", Estimate(0.315, 0.29, 0.34, "ratio"), 0.99),
            ],
            "The enclosed area grew by 73 %, the line itself by 32 %: the figure fits the area and not the length.",
        ),
        (
            21,
            "added seventeen new guard posts",
            "supported",
            [("as written", "17 towers appeared", "supported", Estimate(17, 14, 19, "objects"), 0.93)],
            "17 towers appeared between the dates; the interval of the true number holds 17.",
        ),
        (
            25,
            "From 2003 to 2013 the minimum security area doubled in size from 580 to 1,000 square meters.",
            "contradicted",
            [
                ("as written", "580 to 1,000 m²", "contradicted", Estimate(1004000, 954000, 1053000, "m2"), 1.0),
                ("thousand m²", "580 to 1,000 thousand m²", "supported", size, 0.99),
                ("doubled", "the area grew by 100 %", "contradicted", grown, 0.97),
            ],
            "The enclosed area is 1.0 km²: square metres are wrong by a factor of a thousand, and 73 % is not a doubling.",
        ),
        (
            26,
            "Eighteen new buildings appeared in the southeastern camp area from 2011-2013.",
            "inconclusive",
            [("as written", "18 buildings appeared in the south-east, 2011 to 2013", "inconclusive", Estimate(7, 4, 11, "objects"), 0.41)],
            "The pair ends in 2010, before the years of the claim; what is found there says nothing about 2011 to 2013.",
        ),
        (
            4,
            "the camp takes up about 1 square kilometer",
            "supported",
            [("as written", "the camp covers about 1 km²", "supported", size, 0.99)],
            "The enclosed area measures 1.00 km² at the later date.",
        ),
        (
            11,
            "most estimates report Chongjin currently incarcerates between 3,000 to 5,000 political prisoners",
            "not testable",
            [("as written", "3,000 to 5,000 prisoners", "not testable", *none)],
            "Nothing that could be seen from above tells how many people are held.",
        ),
        (
            5,
            "on the banks of the Susong River",
            "inconclusive",
            [("as written", "the camp lies on a bank of the Susong", "inconclusive", None, 0.2)],
            "The outline is nominal, ±400 m: the distance of 1 km to the river cannot be told from a bank with it.",
        ),
        (
            16,
            "Chongjin’s camp first opened around 1965 at smaller scale.",
            "not testable",
            [("as written", "opened around 1965", "not testable", *none)],
            "No scene before 2009 was given; declassified KH-4B and KH-7 scenes would bracket it.",
        ),
        (
            3,
            "Enclosed by high concrete walls and electric fencing, the camp takes up about 1 square kilometer on the banks of the Susong River.",
            "partly",
            [
                ("wall", "a wall or fence encloses the camp", "supported", Estimate(5.1, 5.0, 5.2, "km"), 0.9),
                ("electric", "the fence carries current", "not testable", *none),
            ],
            "A line encloses the camp; whether it carries current cannot be seen.",
        ),
        (
            9,
            "Segregated housing units divide male, female and disciplined inmates.",
            "not testable",
            [("as written", "housing is divided", "not testable", *none)],
            "The use of a building is not visible from above.",
        ),
        (
            27,
            "Given standard housing blocks hold 200 inmates, such construction could indicate expanded capacity by over 3,600 prisoners.",
            "not testable",
            [("as written", "capacity grew by 3,600", "not testable", *none)],
            "Capacity is never inferred from pixels.",
        ),
    ]
    full = [claim(*row, simulated=simulated, observable=row[2] != "not testable") for row in rows]
    if n <= len(full):
        return full[:n]
    again = [full[i % len(full)] for i in range(n)]
    return [(c.model_copy(update={"id": f"C25-{i:02d}"}), v) for i, (c, v) in enumerate(again)]


def sources(pair):
    return [Source(i.scene, "WorldView-2", i.acquired, i.gsd_m, i.sun, 12.0 + n, f"{n + 7:064x}"[::-1], "none") for n, i in enumerate(pair)]


def sensitivity(kind="structure"):
    control = "the fields north of the outline, observed at both dates"
    return Sensitivity(kind, (3.0, 4.0, 6.0, 8.0, 12.0, 16.0), (20,) * 6, (1, 4, 9, 15, 19, 20), 3, 2.4, control)


def place(x, y):
    return Point(CENTRE[0] + x, CENTRE[1] + y)
