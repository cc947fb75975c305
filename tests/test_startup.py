"""What a verb imports: an answer of a second cannot wait for libraries that it does not use."""

import importlib
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from affine import Affine

HEAVY = {"geopandas", "matplotlib", "mpl_toolkits", "pandas", "pyogrio", "requests", "rich", "skimage", "xarray"}
HEAVY_PARTS = {
    "camwatch.claims",
    "camwatch.detect",
    "camwatch.judge.counting",
    "camwatch.render",
    "camwatch.sensitivity",
    "scipy.optimize",
    "scipy.stats",
}


def python(code, *arguments):
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_register_imports_only_what_it_needs(tmp_path):
    rng = np.random.default_rng(2)
    for name, day in (("reference", "2010:05:01"), ("moving", "2012:10:01")):
        profile = {"driver": "GTiff", "count": 1, "height": 256, "width": 256, "dtype": "uint8", "crs": "EPSG:32652"}
        with rasterio.open(tmp_path / f"{name}.tif", "w", transform=Affine(0.5, 0, 559_000, 0, -0.5, 4_633_000), **profile) as dataset:
            dataset.write(rng.integers(1, 255, (1, 256, 256), np.uint8))
            dataset.update_tags(TIFFTAG_DATETIME=f"{day} 02:00:00")
    arguments = ["register", tmp_path / "reference.tif", tmp_path / "moving.tif", "--out", tmp_path / "out"]
    code = "import sys; from camwatch.cli import execute; code = execute(sys.argv[1:]); print(code, *sys.modules)"
    done = python(code, *arguments)
    code, *modules = done.stdout.splitlines()[-1].split()
    assert code == "1", done.stderr  # noise is refused, and still drawn
    assert (tmp_path / "out" / "registration.png").is_file()
    assert not {m.partition(".")[0] for m in modules} & HEAVY
    assert not set(modules) & HEAVY_PARTS


@pytest.mark.parametrize("package", ["camwatch.judge", "camwatch.pipeline", "camwatch.report"])
def test_every_late_name_is_there_and_no_other(package):
    module = importlib.import_module(package)
    assert all(getattr(module, name) is not None for name in module.__all__)
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        module.nothing_of_the_kind  # noqa: B018 - asking is the test


def test_a_verb_that_ends_at_once_has_written_everything():
    done = python("import sys; from camwatch.cli import main; main(['--version'])")
    assert (done.returncode, done.stdout.split()[0]) == (0, "camwatch")
    done = python("import sys; from camwatch.cli import main; main(['aoi', 'show', 'nowhere'])")
    assert done.returncode == 2
    assert done.stderr.startswith("camwatch: ")
