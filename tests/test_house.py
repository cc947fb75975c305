"""The laws of the house: layers, lint, types, public names, start-up time."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PUBLIC = {"camwatch.aoi": ["LONLAT", "Aoi", "Measurement", "Outline", "Role", "Site", "bundled", "check", "load_aoi", "reproject"]}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_imports_go_down_only():
    done = run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
    assert done.returncode == 0, done.stdout


def test_lint():
    done = run(sys.executable, "-m", "ruff", "check", ".")
    assert done.returncode == 0, done.stdout


def test_format():
    done = run(sys.executable, "-m", "ruff", "format", "--check", ".")
    assert done.returncode == 0, done.stdout


def test_types():
    done = run(sys.executable, "-m", "mypy")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", sorted(PUBLIC))
def test_public_names_are_pinned(module):
    assert sorted(importlib.import_module(module).__all__) == sorted(PUBLIC[module])


@pytest.mark.parametrize("arguments", [["--version"], ["--help"]])
def test_the_command_line_answers_without_heavy_imports(arguments):
    # Time on a shared machine says little; what is imported says all. Half a second is kept as long as none of these is touched.
    heavy = {"numpy", "scipy", "rasterio", "matplotlib", "geopandas", "pandas", "skimage", "odc", "shapely", "pyproj", "pystac", "xarray"}
    loaded = f"sorted({{m.partition('.')[0] for m in sys.modules}} & {heavy!r})"
    code = f"import sys; from camwatch.cli import execute; execute({arguments!r}); print({loaded})"
    done = run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_modules_and_functions_keep_their_budget():
    longest = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / "src").rglob("*.py")}
    over = {str(path.relative_to(ROOT)): lines for path, lines in longest.items() if lines > 400}
    assert not over
