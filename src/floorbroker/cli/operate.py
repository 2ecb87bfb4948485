"""Looking after a desk: status, reconciliation, self-check, and the stream of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import UNPROVEN, Trouble, plain
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_list, show_one, show_table, show_text

if TYPE_CHECKING:
    from floorbroker.cli.reach import Reached

PROFILES = (
    Column("PROFILE", "name"),
    Column("BROKER", "broker"),
    Column("ENVIRONMENT", "environment"),
    Column("STATE", "state"),
    Column("HEALTH", "health", right=True),
    Column("KILL", "kill_level", right=True),
    Column("OPEN", "open_orders", right=True),
    Column("IN DOUBT", "orders_in_doubt", right=True),
    Column("RECONCILED", "last_reconciled"),
    Column("TROUBLES", "troubles"),
    Column("NEXT MAINTENANCE", "next"),
    Column("REASON", "reason"),
)
ADJUSTMENTS = (
    Column("AT", "at"),
    Column("SYMBOL", "symbol"),
    Column("QUANTITY", "quantity", right=True),
    Column("OURS", "ours", right=True),
    Column("VENUE", "venue", right=True),
    Column("CAUSE", "cause"),
)
CHECKS = (Column("CHECK", "name"), Column("OK", "ok"), Column("DETAIL", "detail"))


def register(app: typer.Typer) -> None:
    """Add the verbs of operations."""
    app.command("status")(status)
    app.command("reconcile")(reconcile)
    app.command("self-check")(self_check)
    app.command("connect")(connect)
    app.command("disconnect")(disconnect)
    app.command("tail")(tail)


def status(ctx: typer.Context) -> None:
    """Every profile of every environment, or of the one that is named, and where its session stands."""
    from floorbroker.cli.reach import on_desks

    settings = settings_of(ctx)

    async def work(desks: list[Reached]) -> list[dict[str, Any]]:
        for desk in desks[:1]:
            say(settings, f"server at {desk.url}" if desk.by_server else "no server runs; asked inside this command")
        return [row for desk in desks for row in (await desk.get("/profiles"))["items"]]

    rows = on_desks(settings, work)
    show_list(settings, rows if settings.json else [_flat(row) for row in rows], PROFILES, empty="no profiles")


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A profile with what a line of a table has room for."""
    seen: dict[str, Any] = row["connection"] or {}
    shut: dict[str, str] | None = row["next_maintenance"]
    return row | {
        "health": seen.get("health"),
        "troubles": " ".join(seen.get("troubles", [])),
        "next": f"{shut['begins_at']} {shut['why']}" if shut else "",
    }


def reconcile(
    ctx: typer.Context,
    adjustments: Annotated[
        bool, typer.Option("--adjustments", help="List what was written into the positions so far, and why.")
    ] = False,
) -> None:
    """Compare what the desk believes with what the venue says, now."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)

    async def listed(desk: Reached) -> Any:
        return await desk.get(f"/profiles/{await desk.named_profile()}/adjustments")

    async def work(desk: Reached) -> Any:
        path = f"/profiles/{await desk.named_profile()}/reconcile"
        return (await desk.client.door.call("POST", desk.client.at(path))).json()

    if adjustments:
        show_list(settings, on_desk(settings, listed)["items"], ADJUSTMENTS, empty="no adjustments")
        return
    found = on_desk(settings, work)
    show_one(settings, found if settings.json else {**found, **found["counts"], "counts": None})
    if found["error"] or not found["converged"]:
        say(settings, f"not settled: {found['error'] or 'differences are being looked into'}")
        raise typer.Exit(UNPROVEN)


def connect(ctx: typer.Context, reason: Annotated[str, typer.Option(help="Why, for the record.")] = "by hand") -> None:
    """Connect one --profile that was disconnected or that the desk does not have yet, or log it in anew."""
    _link(settings_of(ctx), "connect", reason)


def disconnect(
    ctx: typer.Context, reason: Annotated[str, typer.Option(help="Why, for the record.")] = "by hand"
) -> None:
    """Keep one --profile disconnected, restarts included: no new orders, no stream, no rounds.  Cancels pass."""
    _link(settings_of(ctx), "disconnect", reason)


def _link(settings: Settings, verb: str, reason: str) -> None:
    from floorbroker.cli.reach import on_desk

    async def work(desk: Reached) -> Any:
        path = f"/profiles/{await desk.named_profile()}/{verb}"
        return (await desk.client.door.call("POST", desk.client.at(path), body={"reason": plain(reason)[:200]})).json()

    row = on_desk(settings, work)
    show_list(settings, [row if settings.json else _flat(row)], PROFILES, empty="no profiles")


def self_check(ctx: typer.Context) -> None:
    """Prove connectivity, credentials, environment and clock without placing an order."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)

    async def work(desk: Reached) -> Any:
        path = f"/profiles/{await desk.named_profile()}/self-check"
        return (await desk.client.door.call("POST", desk.client.at(path))).json()

    found = on_desk(settings, work)
    if settings.json:
        show_json(found)
    else:
        show_table(settings, found["checks"], CHECKS)
    if not found["ok"]:
        raise typer.Exit(UNPROVEN)


def tail(
    ctx: typer.Context,
    channels: Annotated[str | None, typer.Option(help="orders,fills,positions,health,risk; all by default.")] = None,
    after: Annotated[int | None, typer.Option(min=0, help="Begin behind this journal sequence.")] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many events.")] = None,
) -> None:
    """Follow what happens, as it becomes durable.  Needs a running server."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)

    async def work(desk: Reached) -> None:
        if not desk.by_server:
            raise Trouble(code="not_ready", detail="no server runs, so nothing happens", fix="floorbroker up")
        seen = 0
        params = {"channels": channels, "after": after}
        async for event in desk.client.door.events(desk.client.at("/events"), params=params):
            if event.data:
                _show_event(settings, event.data)
                seen += 1
            if seen == count:
                return

    on_desk(settings, work)


def _show_event(settings: Settings, data: str) -> None:
    """JSON Lines as they came, or one line for people."""
    import json

    from floorbroker.cli.failures import plain

    if settings.json:
        show_text(data)
        return
    event: dict[str, Any] = json.loads(data)
    order: dict[str, Any] = event.get("data", {})
    fill, order = order.get("execution"), order.get("order", order)
    words = [str(event.get(name, "")) for name in ("seq", "ts", "channel", "profile")]
    if fill:
        words += [fill["side"], fill["quantity"], fill["symbol"], "at", fill["price"]]
    elif "ord_status" in order:
        words += [order["side"], str(order["quantity"]), order["symbol"], order["ord_status"], order["id"]]
    else:
        words += [f"{name}={value}" for name, value in order.items()]
    show_text(plain("  ".join(words)))
