"""What the verbs share: options, tables, progress."""

from __future__ import annotations

import datetime as dt
import json
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
Workers = Annotated[int, typer.Option("--workers", min=1, help="Pairs worked on at a time, about 1 GB each; never changes the answer.")]
KindName = Annotated[Literal["structures", "towers", "perimeter"] | None, typer.Option("--kind", help="What to search for; all kinds without it.")]

PIPED_WIDTH = 160
"""Characters of a table's line where standard output is a file or a pipe."""

KIND_OF: dict[str, Kind] = {"structures": "structure", "towers": "tower", "perimeter": "perimeter"}


def parse_day(text: str | None, option: str) -> dt.date | None:
    """Read YYYY-MM-DD; a ConfigError names the option."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise ConfigError("not a day", where=option, got=text, expected="YYYY-MM-DD", remedy="write the date so") from error


def configuration(path: Path | None, **settings: Any) -> RunConfig:
    """Read the configuration; pages are dated today unless it says otherwise."""
    from camwatch.config import RunConfig

    return RunConfig.read(path, report_date=dt.datetime.now(tz=dt.UTC).date(), **settings)


def emit(document: Any) -> None:
    """Print one JSON document."""
    text = json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True)
    typer.echo(text.encode("utf-8", "backslashreplace").decode())  # a file name need not be valid Unicode


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a plain table, wrapped to the terminal; wide where the output is not one."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    grid = Table(*headers, box=box.SIMPLE, pad_edge=False, show_edge=False)
    for row in rows:
        grid.add_row(*("" if cell is None else printable(cell) for cell in row))
    console = Console(highlight=False, markup=False, soft_wrap=False)
    console.width = console.width if console.is_terminal else PIPED_WIDTH
    console.print(grid)


@contextmanager
def progress(*, quiet: bool) -> Iterator[Show]:
    """Show a bar on standard error while the work lasts; none where that is no terminal, or `quiet` is asked for."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("starting", total=None)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield show
