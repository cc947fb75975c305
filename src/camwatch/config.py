"""The configuration of one run: every key has a default, unknown keys are refused, the effective values are written back."""

from __future__ import annotations

import datetime as dt
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from camwatch.errors import ConfigError, MissingInputError
from camwatch.resources import model_bytes, shipped_model

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["structure", "tower", "perimeter", "landcover"]
KINDS: tuple[Kind, ...] = ("structure", "tower", "perimeter", "landcover")

SHIPPED, NO_MODEL = "shipped", "none"
"""Values of `model` that are no file."""


class RunConfig(BaseModel):
    """What can be set for a run.

    Attributes
    ----------
    kinds : tuple of str
        What to search for.
    margin_m : float
        Ground around the AOI that is looked at too; registration and the false-alarm density need it.
    search_clouds : bool
        Search for clouds where a product has no layer that tells them (`camwatch.imagery.clouds`); a wide field of snow can be taken for one.
    registration_limit_px : float
        A pair whose check points stay worse than this is refused.
    model : str
        What tells buildings: `shipped`, an ONNX file of one's own (`docs/models.md`), or `none` for the search that needs no training.
    model_sha256 : str
        Of that file; found out where it is not given, and held against it where it is. Empty = no file.
    structure_min_score : float or None
        Score from which the model's search reports a building: less finds more, and more that is none. Whatever is set, the false alarms and the
        probability of detection are measured with it. None = the search's own.
    structure_views : {1, 2, 4, 8}
        Turned and mirrored views of each tile that the model is shown and whose answers are averaged; each costs its time again.
    tower_model_sha256 : str
        The same of the shipped file that tells guard towers.
    tile_px : int
        Side of the tiles that are searched one at a time; bounds the memory.
    planted_per_size : int
        Objects planted per size to measure the probability of detection.
    tower_sizes_m, structure_sizes_m : tuple of float
        Sizes that are planted, long side in metres.
    unchanged : tuple of (date, date)
        Days of scenes between which nothing was built or razed in the outline, as an analyst knows from elsewhere: what is reported between them is
        false.
    land_samples : Path or None
        Reference samples of land cover (`docs/landcover.md`): they tell the areas of a series with their error.
    land_samples_sha256 : str
        Of that file; found out where it is not given, and held against it where it is.
    seed : int
        Of everything that is drawn by lot.
    report_date : date
        Printed on the pages.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    kinds: tuple[Kind, ...] = Field(default=KINDS, min_length=1)
    margin_m: float = Field(default=150.0, ge=0, le=20_000)
    search_clouds: bool = True
    registration_limit_px: float = Field(default=0.5, gt=0, le=5)
    model: str = Field(default=SHIPPED, min_length=1)
    model_sha256: str = ""
    structure_min_score: float | None = Field(default=None, ge=0.05, le=0.99)
    structure_views: Literal[1, 2, 4, 8] = 2
    tower_model_sha256: str = ""
    tile_px: int = Field(default=1024, ge=256, le=8192)
    planted_per_size: int = Field(default=24, ge=4, le=400)
    tower_sizes_m: tuple[float, ...] = (3.0, 4.0, 5.0, 6.0)
    structure_sizes_m: tuple[float, ...] = (6.0, 10.0, 16.0, 24.0)
    unchanged: tuple[tuple[dt.date, dt.date], ...] = ()
    land_samples: Path | None = None
    land_samples_sha256: str = ""
    seed: int = Field(default=25, ge=0)
    report_date: dt.date

    @field_validator("unchanged")
    @classmethod
    def _two_days(cls, pairs: tuple[tuple[dt.date, dt.date], ...]) -> tuple[tuple[dt.date, dt.date], ...]:
        if any(first == last for first, last in pairs):
            raise ValueError("two dates of one day show no time without change")
        return tuple(sorted({(min(pair), max(pair)) for pair in pairs}))

    @property
    def model_file(self) -> Path | None:
        """The file of the model; None where none is wanted, or the shipped one is not there."""
        return {SHIPPED: shipped_model(), NO_MODEL: None}.get(self.model, Path(self.model))

    @classmethod
    def read(cls, path: Path | None, *, report_date: dt.date, **settings: Any) -> RunConfig:
        """Read a YAML or JSON file (None = all defaults); `settings` win over it, `report_date` only where the file has none.

        Raises
        ------
        MissingInputError, ConfigError
        """
        values: Any = {}
        if path is not None:
            if not path.is_file():
                raise MissingInputError("no such configuration file", where=path, remedy="check the path, or leave out --config for the defaults")
            try:
                values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            except (yaml.YAMLError, UnicodeDecodeError) as error:
                raise ConfigError("not readable as YAML", where=path, got=error, remedy="write `key: value` lines") from error
            if not isinstance(values, dict):
                raise ConfigError("not a mapping of keys", where=path, got=type(values).__name__, expected="`key: value` lines")
        try:
            return _pinned(cls.model_validate({"report_date": report_date, **values, **settings}))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            known = ", ".join(cls.model_fields)
            raise ConfigError(
                f"{key}: {first['msg']}",
                where=path or "configuration",
                got=repr(first["input"])[:80],
                expected=f"keys {known}",
                remedy="correct the key",
            ) from error


def _pinned(config: RunConfig) -> RunConfig:
    """Return a configuration that names its files by their bytes too: a file that changes under one name is another one."""
    samples = config.land_samples
    if samples is not None and not samples.is_file():
        raise MissingInputError("no such file of reference samples", where=samples, remedy="check land_samples in the configuration")
    model, towers = config.model_file, shipped_model("towers")
    files: dict[str, tuple[Path | None, Callable[[Path], bytes]]] = {
        "model_sha256": (model, model_bytes),
        "tower_model_sha256": (towers, model_bytes),
        "land_samples_sha256": (samples, Path.read_bytes),
    }
    pinned = {}
    for key, (file, read) in files.items():
        pinned[key] = sha256(read(file)).hexdigest() if file else ""
        stated = getattr(config, key)
        if stated not in ("", pinned[key]):
            what = "model" if read is model_bytes else "file of samples"
            remedy = f"take {key} out of the configuration, or give the {what} that it names"
            raise ConfigError(f"another {what} than {key} names", where=file or what, got=pinned[key] or "no file", expected=stated, remedy=remedy)
    return config.model_copy(update=pinned)
