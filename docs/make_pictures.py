"""Make every picture in docs/pictures: pages of the demonstration, and pages of real public-domain scenes where those are at hand.

    python docs/make_pictures.py [--demo camwatch-demo]

The demonstration is run (or, where the folder holds one, continued). Real scenes are read from the folder that CAMWATCH_TEST_DATA names (by default
`shared` beside the checkout); only public-domain ones (Landsat, NAIP) are drawn. Pages are reduced to a width that reads well in a browser.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from shapely.geometry import box, mapping

from camwatch.scenes import item, open_scene

PICTURES = Path(__file__).parent / "pictures"
WIDTH_PX = 1000
STRONG = 90
"""Levels between the largest and the smallest channel above which a colour is a mark's, not the ground's."""
CAMWATCH = Path(sys.executable).with_name("camwatch")
REAL = {
    "naip": ("series/naip_nd", ("m_4709963_se_14_1_20090818.tif", "m_4709963_se_14_1_20140720.tif"), ("20090818", "20140720")),
    "pucallpa": ("series/landsat_pucallpa", ("1985.tif", "2015.tif"), ("19850701", "20150701")),
    "taizhou": ("pairs/landsat_taizhou", ("2000TM", "2003TM"), ("20000317", "20030206")),
}
"""Public-domain pairs: folder, files, and the day that each is taken for (the files of Pucallpa name only a year)."""

LEDGER = """document: {name}
title: A claim to try the pipeline with
claims:
  - id: R-1
    camp: {name}
    quote: "Ten buildings were built."
    readings:
      - {{text: ten buildings appeared, metric: count, subject: structure, aspect: appeared, quantity: {{low: 10, high: 10, about: true}}}}
"""


def reduce(page: Path, name: str) -> None:
    """Write a page, reduced to WIDTH_PX, under docs/pictures."""
    PICTURES.mkdir(exist_ok=True)
    with Image.open(page) as picture:
        height = round(picture.height * WIDTH_PX / picture.width)
        small = picture.convert("RGB").resize((WIDTH_PX, height), Image.Resampling.LANCZOS)
        in_colours(small).save(PICTURES / f"{name}.png", optimize=True)
    print(f"docs/pictures/{name}.png")


def in_colours(picture: Image.Image) -> Image.Image:
    """Return a picture in 256 colours, a quarter of them for strong ones: marks are few pixels, and would be given colours of the ground."""
    values = np.asarray(picture)
    strong = np.ptp(values, axis=2) > STRONG
    if not strong.any():
        return picture.quantize(256, dither=Image.Dither.NONE)
    palette = Image.new("P", (1, 1))
    parts = (Image.fromarray(values[chosen][None]).quantize(n).getpalette()[: 3 * n] for chosen, n in ((~strong, 192), (strong, 64)))
    palette.putpalette([level for part in parts for level in part])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def demonstration(run: Path) -> None:
    """Run the demonstration and take its pages."""
    subprocess.run([CAMWATCH, "demo", "--out", run], check=False)
    for camp in ("chongjin", "hoeryong"):
        reduce(run / camp / "report" / f"{camp}.png", f"demo-{camp}")
    reduce(run / "chongjin" / "report" / "claims-1.png", "demo-claims")
    finest = min((run / "chongjin" / "pairs").glob("SIM-VHR*"))
    for name in ("registration", "sensitivity", "detect"):
        reduce(finest / f"{name}.png", f"demo-{name}")


def failures(folder: Path) -> None:
    """Draw what the model of buildings misses in rendered pairs."""
    sheets = Path(__file__).resolve().parents[1] / "benchmarks" / "structures.py"
    subprocess.run([sys.executable, sheets, "pictures", "--seeds", "6", "--out", folder], check=True)
    reduce(folder / "rendered" / "razed_missed.png", "structures-missed")


def real(data: Path, name: str, work: Path) -> None:
    """Run the pipeline on one real pair with an outline inside it, and take the page."""
    folder, files, days = REAL[name]
    scenes = work / name / "scenes"
    scenes.mkdir(parents=True)
    for file, day in zip(files, days, strict=True):
        for part in sorted((data / folder).glob(f"{file}*")):
            shutil.copy(part, scenes / part.name.replace(file.removesuffix(".tif"), f"{name}_{day}"))
    first = next(p for p in sorted(scenes.iterdir()) if p.suffix in ("", ".tif"))
    left, bottom, right, top = item.footprint(open_scene(first, date=dt.date.fromisoformat(days[0]))).bounds
    inset = 0.1 * (right - left), 0.1 * (top - bottom)
    outline = box(left + inset[0], bottom + inset[1], right - inset[0], top - inset[1])
    feature = {"type": "Feature", "properties": {"id": name, "name": name.title(), "role": "camp"}, "geometry": mapping(outline)}
    aoi, ledger = work / name / "aoi.geojson", work / name / "claims.yaml"
    aoi.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    ledger.write_text(LEDGER.format(name=name), encoding="utf-8")
    subprocess.run([CAMWATCH, "run", aoi, "--scenes", scenes, "--claims", ledger, "--out", work / name / "run"], check=False)
    reduce(work / name / "run" / "report" / f"{name}.png", f"real-{name}")


def main() -> None:
    """Make all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--demo", type=Path, default=Path("camwatch-demo"))
    demonstration(parser.parse_args().demo)
    with tempfile.TemporaryDirectory() as folder:
        failures(Path(folder))
    data = Path(os.environ.get("CAMWATCH_TEST_DATA", Path(__file__).resolve().parents[2] / "shared")) / "data"
    if not data.is_dir():
        print(f"no real scenes at {data}: the pictures of real pages are left as they are")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name in REAL:
            real(data, name, Path(folder))


if __name__ == "__main__":
    main()
