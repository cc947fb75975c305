"""Fixtures that every test may use."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real scenes, labelled pairs and documents that stay outside the repository."""
    folder = Path(os.environ.get("CAMWATCH_TEST_DATA", ROOT.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"real scenes are not at {folder}: set CAMWATCH_TEST_DATA to the folder that holds data/ and documents/ to run this test")
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what tests decode and hash out of the user's own cache."""
    monkeypatch.setenv("CAMWATCH_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
