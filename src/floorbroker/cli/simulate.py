"""`sim`: run a venue simulator that speaks the venue's own wire protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from floorbroker.cli.failures import CONFLICT, Trouble, usage
from floorbroker.cli.settings import settings_of


def register(app: typer.Typer) -> None:
    """Add the verb of simulators."""
    app.command("sim")(sim)


def sim(
    ctx: typer.Context,
    *,
    venue: Annotated[str, typer.Argument(help="Which venue, like alpaca.")],
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same prices and faults.")] = 0,
    data: Annotated[Path | None, typer.Option(help="A folder of recorded prices; seeded ones without.")] = None,
    faults: Annotated[Path | None, typer.Option(help="A fault plan as JSON.")] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Serve with a test certificate.")] = False,
    calendar: Annotated[bool, typer.Option("--calendar", help="Keep market hours.")] = False,
    rate: Annotated[int | None, typer.Option(min=0, help="Requests a minute; 0 does not count.")] = None,
) -> None:
    """Run a simulator until a signal; when ready it prints one JSON line with its addresses and credentials."""
    from floorbroker.tape import NotRecorded
    from floorbroker_sim.faults import BadFault
    from floorbroker_sim.server import PLAIN, VENUES, run_venue

    settings_of(ctx)
    if venue not in VENUES:
        raise usage(f"no simulator {venue!r}; there are: {', '.join(VENUES)}")
    if tls and venue in PLAIN:
        raise usage(f"--tls: the protocol of {venue} knows no TLS")
    if data is not None and not data.is_dir():
        raise usage(f"--data {data}: no such folder")
    if faults is not None and not faults.is_file():
        raise usage(f"--faults {faults}: no such file")
    try:
        code = run_venue(
            venue, host=host, port=port, seed=seed, data=data, faults=faults, tls=tls, calendar=calendar, rate=rate
        )
    except BadFault as error:
        raise usage(f"--faults {faults}: {error.field}: {error}") from error
    except NotRecorded as error:
        raise usage(f"--data {data}: {error}") from error
    except OSError as error:
        raise Trouble(
            code="conflict", detail=f"cannot listen on {host}:{port}: {error.strerror or error}", exit_code=CONFLICT,
            fix="choose another --port; 0 takes a free one",
        ) from error  # fmt: skip
    raise typer.Exit(code)
