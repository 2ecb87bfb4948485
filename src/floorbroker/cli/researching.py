"""What the verbs of research share: where history comes from, how a home is opened for it, and how holes are told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from floorbroker.cli.failures import SOME, usage
from floorbroker.cli.progressing import Bar
from floorbroker.cli.settings import Settings
from floorbroker.cli.show import say

if TYPE_CHECKING:
    from floorbroker.app.researching import Asked, Researcher
    from floorbroker.research.panel import Quality

T = TypeVar("T")
UniverseName = Annotated[
    str, typer.Option("--universe", help="recorded, seeded, or a TOML file with name, benchmark and sectors.")
]
Source = Annotated[
    str,
    typer.Option("--source", help="recording, seeded, yahoo, or a profile; what goes with the universe otherwise."),
]
AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="The last day that is known; the last there is."),
]
Data = Annotated[Path | None, typer.Option(envvar="FLOORBROKER_DATA", help="The folder of recorded prices.")]
Seed = Annotated[int, typer.Option(help="Of the seeded market.")]
BudgetMb = Annotated[int, typer.Option("--budget-mb", min=16, max=1_000_000, help="How big the cache may be.")]
NO_DATA = "--data: name a folder of recorded prices, or set FLOORBROKER_DATA"


def asked_of(  # noqa: PLR0917 - the flags of every verb here, in their order
    universe: str, source: str, as_of: datetime | None, data: Path | None, seed: int, budget_mb: int
) -> Asked:
    """What was said.  Raises a usage error where recorded prices are meant and no folder is named."""
    from floorbroker.app.researching import Asked

    asked = Asked(
        universe=universe, source=source, until=None if as_of is None else as_of.date(), data=data, seed=seed,
        budget_bytes=budget_mb << 20,
    )  # fmt: skip
    if asked.lacks_folder:
        raise usage(NO_DATA)
    return asked


def researching(settings: Settings, asked: Asked, work: Callable[[Researcher], Awaitable[T]]) -> T:
    """Do some work over this home; the vault is asked for where a profile's key is sealed in it."""
    from floorbroker.app.researching import Researcher
    from floorbroker.cli.brokering import is_sealed, profiles_here, unlock_here
    from floorbroker.cli.passphrases import Given
    from floorbroker.cli.reach import run

    async def whole() -> T:
        here = profiles_here(settings, settings.open_home())
        try:
            if asked.source and is_sealed(here, asked.source):
                await unlock_here(settings, here, Given())
            with Bar(settings, "history", total=1) as bar:
                return await work(Researcher(here=here, outside=settings.outside(), told=bar.tell))
        finally:
            here.unlocking.session.end("the command is done", at_once=True)

    return run(settings, whole)


def end(settings: Settings, quality: Iterable[Quality], *, is_whole: bool) -> None:
    """Say what is missing; a report with holes is not quite done."""
    for one in quality:
        say(settings, f"{one.symbol} {one.kind} {one.first} to {one.last}: {one.detail}")
    if not is_whole:
        raise typer.Exit(SOME)
