"""Option chains, and how many contracts a purpose needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from floorbroker.cli.settings import settings_of
from floorbroker.cli.show import Column, chosen, say, show_json, show_list, show_one

CHAIN = (
    Column("STRIKE", "strike", right=True),
    Column("RIGHT", "right"),
    Column("BID", "bid", right=True),
    Column("ASK", "ask", right=True),
    Column("LAST", "last", right=True),
    Column("INTEREST", "open_interest", right=True),
    Column("SYMBOL", "symbol"),
)

option = typer.Typer(help="Options on a share: what is listed, and how many to buy.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of options."""
    app.add_typer(option, name="option")


@option.command("chain")
def chain(
    ctx: typer.Context,
    *,
    underlying: Annotated[str, typer.Argument(help="The share, like AAPL.")],
    expiry: Annotated[str | None, typer.Option(help="A day like 2026-03-20; the next to come by default.")] = None,
    right: Annotated[str | None, typer.Option(help="put or call; both by default.")] = None,
    columns: Annotated[str | None, typer.Option(help="Members to show, with commas between.")] = None,
) -> None:
    """Options of one expiration with their quotes, by strike."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)
    params = {"underlying": underlying, "expiry": expiry, "right": right, "profile": settings.profile}
    found = on_desk(settings, lambda desk: desk.get("/options/chain", **params))
    if settings.json:
        show_json(found)
        return
    rows = found["contracts"]
    show_list(settings, rows, chosen(CHAIN, columns, rows[0] if rows else None), empty="no contracts")
    for line in beneath(found):
        say(settings, line)


def beneath(found: Mapping[str, Any]) -> list[str]:
    """What is said below the table: whose chain it is, and what is missing in it."""
    days = f"{found['underlying']} {found['expiry']}; expirations: {', '.join(found['expirations'])}"
    return [days, found["note"]] if found["note"] else [days]


@option.command("size")
def size(
    ctx: typer.Context,
    *,
    symbol: Annotated[str, typer.Argument(help="The contract, like AAPL260320P00150000.")],
    budget: Annotated[str | None, typer.Option(help="What premium and fees may cost at most.")] = None,
    ratio: Annotated[str | None, typer.Option(help="The part of the shares to protect with puts; 1 is all.")] = None,
    shares: Annotated[str | None, typer.Option(help="How many shares; those that are held by default.")] = None,
    premium: Annotated[str | None, typer.Option(help="What to pay a share; what the market asks by default.")] = None,
    fee: Annotated[str | None, typer.Option(help="The fee of one contract.")] = None,
) -> None:
    """How many contracts fit a budget, or protect shares.  Nothing is sent."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)
    params = {
        "symbol": symbol, "budget": budget, "ratio": ratio, "shares": shares, "premium": premium, "fee": fee,
        "profile": settings.profile,
    }  # fmt: skip
    show_one(settings, on_desk(settings, lambda desk: desk.get("/options/size", **params)))
