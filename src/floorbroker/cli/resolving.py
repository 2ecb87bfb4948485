"""`order resolve`: an order in doubt as people look at it, and what they decide about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, show_json, show_table, show_text

if TYPE_CHECKING:
    from floorbroker.cli.reach import Reached

QUESTIONS = (
    Column("ASKED AT", "at"),
    Column("SOURCE", "source"),
    Column("COMPLETE", "complete"),
    Column("FOUND", "found"),
    Column("TROUBLE", "trouble"),
)
CANDIDATES = (
    Column("CANDIDATE", "order_id"),
    Column("SYMBOL", "symbol"),
    Column("SIDE", "side"),
    Column("QTY", "quantity", right=True),
    Column("LIMIT", "limit_price", right=True),
    Column("TIME", "time"),
)
ACTIONS = (Column("ACTION", "action"), Column("ALLOWED", "allowed"), Column("DETAIL", "detail"))
TAKEN = (
    Column("AT", "at"),
    Column("ACTION", "action"),
    Column("BY", "by"),
    Column("OUTCOME", "outcome"),
    Column("REASON", "reason"),
)


def resolve_order(
    ctx: typer.Context,
    *,
    id: Annotated[str, typer.Argument(help="The order's id, or its client order id.")],
    action: Annotated[
        str | None,
        typer.Option(
            help="ask, attribute, declare_not_placed, declare_ended or watch; without one the doubt is shown."
        ),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for the record; every action needs it.")] = None,
    candidate: Annotated[str | None, typer.Option(help="The venue's id of the order that is ours (attribute).")] = None,
    confirm: Annotated[
        str | None, typer.Option(help="The client order id once more (attribute, declare_not_placed, declare_ended).")
    ] = None,
) -> None:
    """Look at an order in doubt: evidence, candidates, allowed actions; or take one of them.  Nothing is ever sent again."""
    from floorbroker.cli.reach import on_desk_of

    settings = settings_of(ctx)
    path = f"/orders/{quote(id, safe='')}/resolution"
    body = {"action": action, "reason": reason or "", "candidate": candidate or "", "confirm": confirm or ""}

    async def work(desk: Reached) -> Any:
        if action is None:
            return await desk.get(path)
        return (await desk.client.door.call("POST", desk.client.at(path), body=body)).json()

    show(settings, on_desk_of(settings, id, work))


def show(settings: Settings, found: dict[str, Any]) -> None:
    """The doubt, most telling first."""
    if settings.json:
        show_json(found)
        return
    order, waits = found["order"], f"; negatives count from {found['horizon']}" if found["horizon"] else ""
    show_text(f"{order['id']} ({order['cl_ord_id']}) is {found['standing']}: {order['ord_status']}")
    show_text(f"{found['negatives']} complete negatives of the {found['needed']} that are needed{waits}")
    for line in (*order["evidence"], *order["alerts"]):
        show_text(f"- {line}")
    tables = ((QUESTIONS, "questions"), (CANDIDATES, "candidates"), (ACTIONS, "actions"), (TAKEN, "taken"))
    for columns, member in tables:
        if found[member]:
            show_text("")
            show_table(settings, found[member], columns)
