"""How long `camwatch scenes scan` takes for 500 products, start-up included, and how long a second hashing takes.

    python benchmarks/scan.py [--products 500]

The products are the simulated ones of the demonstration (Landsat folders and archives, Sentinel-2 folders, GeoTIFFs with an Item beside them), linked
again and again into one folder under other names.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from camwatch.render import write_demo


def link(product: Path, folder: Path) -> None:
    """Link a product, and what lies beside it under its name, into a folder."""
    folder.mkdir()
    if product.is_dir():
        for path in (path for path in product.rglob("*") if path.is_file()):
            place = folder / product.name / path.relative_to(product)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, place)
    else:
        for path in product.parent.glob(f"{product.name.split('.')[0]}.*"):
            os.link(path, folder / path.name)


def seconds(folder: Path, cache: Path, *options: str) -> float:
    """Return the time that one scan takes as a command."""
    command = [sys.executable, "-c", "from camwatch.cli import main; main()", "scenes", "scan", str(folder), "--json", *options]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "CAMWATCH_CACHE": str(cache)})
    took = time.perf_counter() - start
    assert done.stdout, "no catalogue"
    return took


def main() -> None:
    """Print one row for each way of scanning."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=500)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        made = [path for path in write_demo(Path(name) / "made", camps=("chongjin",), shrink=0.2) if path.name != "truth.json"]
        folder, cache = Path(name) / "downloads", Path(name) / "cache"
        folder.mkdir()
        for n, product in enumerate(islice(cycle(made), options.products)):
            link(product, folder / f"{n:04d}")
        print(f"{options.products} products of {len(made)} kinds: {', '.join(path.name for path in made)}\n")
        print("| scan | s |\n| --- | --- |")
        print(f"| with an AOI: clear shares too | {seconds(folder, cache, '--aoi', 'chongjin'):.1f} |")
        print(f"| without | {seconds(folder, cache):.1f} |")
        print(f"| with --hash, first time | {seconds(folder, cache, '--hash'):.1f} |")
        print(f"| with --hash, again | {seconds(folder, cache, '--hash'):.1f} |")


if __name__ == "__main__":
    main()
