"""The verbs, gathered."""

from __future__ import annotations

import typer

import camwatch
from camwatch.cli.aoi import app as aoi
from camwatch.cli.claims import app as claims
from camwatch.cli.demo import demo
from camwatch.cli.detect import detect
from camwatch.cli.plan import plan
from camwatch.cli.register import register
from camwatch.cli.report import report
from camwatch.cli.run import run
from camwatch.cli.scenes import app as scenes
from camwatch.cli.sensitivity import sensitivity
from camwatch.cli.verify import verify

app = typer.Typer(
    name="camwatch",
    help="Does the imagery I hold support this documented claim, and could it have shown otherwise?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"camwatch {camwatch.__version__}")
        raise typer.Exit


@app.callback()
def _options(version: bool = typer.Option(False, "--version", help="Print the version.", callback=_version, is_eager=True)) -> None:
    """Does the imagery I hold support this documented claim, and could it have shown otherwise?"""


for verb in (demo, plan, register, detect, sensitivity, run, report, verify):
    app.command()(verb)
for name, group in (("aoi", aoi), ("claims", claims), ("scenes", scenes)):
    app.add_typer(group, name=name)
