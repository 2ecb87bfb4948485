"""The flags that every list takes, and the list itself: one page, or drawn anew each second."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.moments import moment_of
from floorbroker.cli.settings import Settings
from floorbroker.cli.show import Column, chosen, say, show_list, show_text
from floorbroker.domain.clock import SystemClock

if TYPE_CHECKING:
    from floorbroker.cli.reach import Reached

Status = Annotated[str | None, typer.Option(help="open, or statuses with commas between.")]
Symbol = Annotated[str | None, typer.Option(help="One symbol.")]
Strategy = Annotated[str | None, typer.Option(help="One strategy.")]
Since = Annotated[str | None, typer.Option(help="2h, today, 2026-11-20, or a full time.")]
Until = Annotated[str | None, typer.Option(help="The same, exclusive.")]
LimitRows = Annotated[int, typer.Option(min=1, max=1000, help="At most so many rows.")]
Columns = Annotated[str | None, typer.Option(help="Members to show, with commas between.")]
Watch = Annotated[bool, typer.Option("--watch", help="Draw it anew each second until Ctrl-C.")]
WATCH_S = 1.0
CLEAR = "\x1b[H\x1b[2J"


def listed(
    settings: Settings,
    path: str,
    where: Mapping[str, str | int | None],
    shown: Sequence[Column],
    *,
    empty: str,
    since: str | None = None,
    until: str | None = None,
    limit_rows: int | None = None,
    columns: str | None = None,
    watch: bool = False,
) -> None:
    """Ask for a list and show it.  With `--watch --json` each turn is one line."""
    from floorbroker.cli.reach import on_desk

    clock = SystemClock()
    bounds = {
        "since": moment_of(since, now=clock.now(), flag="--since"),
        "until": moment_of(until, now=clock.now(), flag="--until"),
    }
    params = {"profile": settings.profile, "limit": limit_rows, **where, **bounds}

    async def work(desk: Reached) -> None:
        while True:
            page: Any = await desk.get(path, **params)
            if watch and sys.stdout.isatty() and not settings.json:
                show_text(CLEAR)
            rows: list[Any] = page["items"]
            columns_now = chosen(shown, columns, rows[0] if rows else None)
            cursor, beside = page["next_cursor"], {n: v for n, v in page.items() if n not in ("items", "next_cursor")}
            show_list(settings, rows, columns_now, empty=empty, cursor=cursor, beside=beside)
            for one in (*page.get("missing", ()), *page.get("stale", ())):
                say(settings, f"not of now: profile {one['profile']}: {one['reason']}")
            if not watch:
                return
            await clock.sleep(WATCH_S)

    on_desk(settings, work)
