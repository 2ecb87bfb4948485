"""`replay`: captured frames through a venue's stream session and books, with every proof checked."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import UNPROVEN, usage
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_list
from floorbroker.domain.clock import SystemClock

if TYPE_CHECKING:
    from floorbroker.app.replaying import Replayed

BEST = (
    Column("SYMBOL", "symbol"),
    Column("BID", "bid", right=True),
    Column("ASK", "ask", right=True),
    Column("UPDATES", "updates", right=True),
    Column("PROVEN", "proven", right=True),
    Column("FAILED", "failed", right=True),
    Column("STATE", "state"),
)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("replay")(replay)


def replay(
    ctx: typer.Context,
    venue: Annotated[str, typer.Argument(help="Whose frames they are, like binance.")],
    files: Annotated[list[Path], typer.Argument(help="Captures, one frame a line; gz and zip are read too.")],
    depth: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Levels of each side that were subscribed.")
    ] = None,
) -> None:
    """Feed captured frames through the venue's stream session and books; exit code 11 when a proof failed."""
    from floorbroker.app import replaying
    from floorbroker.tape.captures import merged_frames

    settings = settings_of(ctx)
    player = replaying.player_of(venue)
    missing = next((path for path in files if not path.is_file()), None)
    if missing is not None:
        raise usage(f"{missing}: no such file")
    try:
        found = replaying.replay(player, merged_frames(files), clock=SystemClock(), depth=depth)
    except (OSError, EOFError, UnicodeDecodeError, zipfile.BadZipFile, zlib.error) as error:
        raise usage(f"{', '.join(map(str, files))}: not a capture that can be read: {error}") from error
    _show(settings, found)
    if not found.is_proven:
        raise typer.Exit(UNPROVEN)


def _show(settings: Settings, found: Replayed) -> None:
    document = found.document()
    if settings.json:
        show_json(document)
        return
    best: Any = document["best"]
    rows = [
        {"symbol": symbol, **best[symbol], "state": book.state.value}
        | {name: getattr(book.tally, name) for name in ("updates", "proven", "failed")}
        for symbol, book in sorted(found.books.items())
    ]
    show_list(settings, rows, BEST, empty="no frame was about a book")
    for trouble in found.troubles:
        say(settings, trouble)
    told = ("messages", "updates", "proofs_passed", "proofs_failed", "resyncs", "refused", "seconds")
    say(settings, ", ".join(f"{name.replace('_', ' ')} {document[name]}" for name in told))
