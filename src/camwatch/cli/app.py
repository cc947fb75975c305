"""The verbs, gathered."""

from __future__ import annotations

import typer

import camwatch
from camwatch.cli import aoi, claims, demo, detect, plan, register, report, run, scenes, sensitivity, verify

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


app.command("demo")(demo.demo)
app.add_typer(aoi.app, name="aoi")
app.add_typer(claims.app, name="claims")
app.add_typer(scenes.app, name="scenes")
app.command("plan")(plan.plan)
app.command("register")(register.register)
app.command("detect")(detect.detect)
app.command("sensitivity")(sensitivity.sensitivity)
app.command("run")(run.run)
app.command("report")(report.report)
app.command("verify")(verify.verify)
