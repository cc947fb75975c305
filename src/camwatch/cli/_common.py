"""What the verbs share: options, tables, progress."""

from __future__ import annotations

import datetime as dt
import json
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from camwatch.errors import ConfigError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from camwatch.config import Kind, RunConfig
    from camwatch.pipeline.search import Progress as Show

REFUSED = 1
"""Exit code: done, and something that was asked for was refused or is not testable."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output, nothing else.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for the results.")]
AoiFile = Annotated[str | None, typer.Option("--aoi", help="Bundled id, or a GeoJSON, GeoPackage, KML or shapefile.")]
BeforeDate = Annotated[str | None, typer.Option("--before-date", help="Day of the first scene, YYYY-MM-DD, where it does not tell.")]
AfterDate = Annotated[str | None, typer.Option("--after-date", help="Day of the second scene, YYYY-MM-DD, where it does not tell.")]
Settings = Annotated[Path | None, typer.Option("--config", help="YAML file with settings; unknown keys are refused.")]
ModelFile = Annotated[str | None, typer.Option("--model", metavar="FILE", help="An ONNX model of one's own that tells buildings, or `none`.")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Pairs worked on at a time, about 1 GB each; never changes the answer.")]
KindName = Annotated[
    Literal["structures", "towers", "perimeter", "landcover"] | None, typer.Option("--kind", help="What to search for; all kinds without it.")
]

PIPED_WIDTH = 160
"""Characters of a table's line where standard output is a file or a pipe."""

SHORT = 10
"""Characters of a column that is never wrapped: dates, numbers, single words."""

LONGEST_CELL = 4_000
"""Characters of a table's cell: a verdict over several readings is told whole, a stranger's megabyte is not."""

KIND_OF: dict[str, Kind] = {"structures": "structure", "towers": "tower", "perimeter": "perimeter", "landcover": "landcover"}


def parse_day(text: str | None, option: str) -> dt.date | None:
    """Read YYYY-MM-DD; a ConfigError names the option."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ConfigError("not a day", where=option, got=text, expected="YYYY-MM-DD", remedy="write the date so") from error


def configuration(path: Path | None, **settings: Any) -> RunConfig:
    """Read the configuration; options win over it where they are given (not None), and pages are dated today unless it says otherwise."""
    from camwatch.config import NO_MODEL, SHIPPED, RunConfig

    given = {key: value for key, value in settings.items() if value is not None}
    config = RunConfig.read(path, report_date=dt.datetime.now(tz=dt.UTC).date(), **given)
    if config.model not in (SHIPPED, NO_MODEL):
        from camwatch.detect import load_model

        load_model(config.model_file)  # a wrong file is told before the work begins, not after
    return config


def emit(document: Any) -> None:
    """Print one JSON document."""
    text = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True)
    typer.echo(text.encode("utf-8", "backslashreplace").decode())  # a file name need not be valid Unicode


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, whole: bool = False, spare: Sequence[str] = ()) -> None:
    """Print a plain table, wrapped to the terminal and never cut; where the output is none, wide, or with `whole` one line a row.

    On a narrow terminal columns of `spare` are left out, the first first, until the others can be read; a line says which.
    """
    from rich import box
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table

    cells = [["" if cell is None else printable(cell, longest=LONGEST_CELL) for cell in row] for row in rows]
    console = Console(highlight=False, markup=False, soft_wrap=False)
    longest_of = [max([len(header), *(len(row[n]) for row in cells)]) for n, header in enumerate(headers)]
    shown, absent = list(range(len(headers))), list(spare)
    # A long cell can be read in parts of twice a short one's width; three characters part the columns.
    while console.is_terminal and absent and sum(min(longest_of[n], 2 * SHORT) + 3 for n in shown) > console.width + 3:
        shown.remove(headers.index(absent.pop(0)))
    grid = Table(box=box.SIMPLE, pad_edge=False, show_edge=False)
    for n in shown:
        header, longest = headers[n], longest_of[n]
        short = longest <= SHORT
        grid.add_column(header, overflow="fold", no_wrap=short, min_width=longest if short else None)
    for row in cells:
        grid.add_row(*(row[n] for n in shown))
    if not console.is_terminal:
        endless = console.options.update(width=10_000)
        console.width = Measurement.get(console, endless, grid).maximum if whole else PIPED_WIDTH
    console.print(grid)
    if len(shown) < len(headers):
        left_out = ", ".join(header for n, header in enumerate(headers) if n not in shown)
        console.print(f"for want of width not shown: {left_out}")


@contextmanager
def progress(*, quiet: bool) -> Iterator[Show]:
    """Show a bar on standard error while the work lasts; none where that is no terminal, or `quiet` is asked for."""
    if quiet or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield show
