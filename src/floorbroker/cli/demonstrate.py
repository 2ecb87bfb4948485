"""`demo`: real prices, an example strategy, and two venues that must agree."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from floorbroker.cli.failures import usage
from floorbroker.cli.settings import settings_of
from floorbroker.domain.values import Word


class Drill(Word):
    """What can be drilled."""

    FAILOVER = "failover"


def register(app: typer.Typer) -> None:
    """Add the verb of the demonstration."""
    app.command("demo")(demo)


def demo(
    ctx: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(envvar="FLOORBROKER_DATA", help="A folder of recorded prices; a seeded market without."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same market and the same digest.")] = 1,
    days: Annotated[int, typer.Option(min=1, max=5, help="Days of trading.")] = 5,
    drill: Annotated[
        Drill | None,
        typer.Option(help="Instead: lose a broker in the middle of an order, and watch what becomes of it."),
    ] = None,
) -> None:
    """Replay recorded minutes through a strategy, the whole order path, and both venues; they must agree to the cent."""
    if drill is not None:
        from floorbroker.cli.demo.drill.command import run_drill

        raise typer.Exit(run_drill(seed=seed, as_json=settings_of(ctx).json))
    from floorbroker.cli.demo.command import run_demo
    from floorbroker.tape import NotRecorded

    try:
        code = run_demo(data=data, seed=seed, days=days, as_json=settings_of(ctx).json)
    except NotRecorded as error:
        raise usage(f"--data {data}: {error}") from error
    raise typer.Exit(code)
