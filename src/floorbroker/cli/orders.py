"""Placing, watching, changing and cancelling orders."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli import order_shown
from floorbroker.cli.failures import SOME, UNKNOWN, VENUE_NO, usage
from floorbroker.cli.filters import Columns, LimitRows, Since, Status, Strategy, Symbol, Until, Watch, listed
from floorbroker.cli.order_form import Body, Ticket, body_from, body_of, changes_of
from floorbroker.cli.resolving import resolve_order
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, chosen, say, show_json, show_list, show_table

if TYPE_CHECKING:
    from floorbroker.cli.reach import Reached

COLUMNS = (
    Column("TIME", "created_at"),
    Column("ID", "id"),
    Column("PROFILE", "profile"),
    Column("SYMBOL", "symbol"),
    Column("SIDE", "side"),
    Column("QTY", "quantity", right=True),
    Column("FILLED", "cum_qty", right=True),
    Column("TYPE", "type"),
    Column("LIMIT", "limit_price", right=True),
    Column("STOP", "stop_price", right=True),
    Column("AVG", "avg_px", right=True, quotient=True),
    Column("STATUS", "ord_status"),
)
VERDICTS = (
    Column("CONTROL", "control"),
    Column("OK", "ok"),
    Column("VALUE", "value", right=True),
    Column("LIMIT", "limit", right=True),
    Column("DETAIL", "detail"),
)
FACTS = (Column("SEQ", "seq", right=True), Column("AT", "at"), Column("FACT", "kind"), Column("FROM", "source"))
POLL_S = 0.2
PRINTABLE = re.compile(r"[!-~](?:[ -~]{0,126}[!-~])?")

SPELLINGS = "Like AAPL, BTC/USD, BTC/USDT:USDT, AAPL260320P00150000."
OneSymbol = Annotated[str, typer.Argument(help=SPELLINGS)]
OrderId = Annotated[str, typer.Argument(help="The order's id, or its client order id.")]
Qty = Annotated[str | None, typer.Argument(help="Units to trade; leave it out with --notional.")]
Notional = Annotated[str | None, typer.Option(help="An amount of money instead of a quantity.")]
Limit = Annotated[str | None, typer.Option(help="Limit price.")]
Stop = Annotated[str | None, typer.Option(help="Stop price.")]
Touch = Annotated[str | None, typer.Option(help="Wait for a better price: a buy below the market, a sell above it.")]
Trail = Annotated[str | None, typer.Option(help="Trailing stop: 1.50, or 2% for percent.")]
Tif = Annotated[str | None, typer.Option(help="day, gtc, ioc, fok, opg, cls or gtd.")]
ExpireAt = Annotated[str | None, typer.Option(help="When a gtd order ends, like 2026-11-20T21:00:00Z.")]
TakeProfit = Annotated[str | None, typer.Option(help="Limit price of the winning exit.")]
StopLoss = Annotated[str | None, typer.Option(help="STOP or STOP:LIMIT of the losing exit.")]
Tag = Annotated[str | None, typer.Option(help="A word of your own, kept with the order.")]
StrategyName = Annotated[str | None, typer.Option("--strategy", help="The strategy it belongs to.")]
Reason = Annotated[str | None, typer.Option(help="Why, for the record.")]
Key = Annotated[str | None, typer.Option(help="A repeat under the same key never places a second order.")]
Preview = Annotated[bool, typer.Option("--preview", help="Show what it would meet; send nothing.")]
Wait = Annotated[str | None, typer.Option(metavar="[=filled|accepted]", help="Wait until it is filled, or accepted.")]
Extended = Annotated[bool, typer.Option("--extended-hours", help="Also outside the regular session.")]
ReduceOnly = Annotated[bool, typer.Option("--reduce-only", help="Never open or turn a position.")]
PostOnly = Annotated[bool, typer.Option("--post-only", help="Never take liquidity: be refused instead.")]
Display = Annotated[str | None, typer.Option(metavar="QTY", help="How much of the quantity shows.")]
Again = Annotated[bool, typer.Option("--allow-duplicate", help="I do mean the same order twice.")]
Route = Annotated[str | None, typer.Option(help="A route by its name; with --profile, one of its profiles.")]
Broker = Annotated[str | None, typer.Option(help="Only profiles of this broker, like KRAKEN.")]
Effect = Annotated[str | None, typer.Option(help="open or close: what an option's order does to the position.")]
Legs = Annotated[
    list[str] | None,
    typer.Option("--leg", metavar="SIDE:RATIO:SYMBOL[:EFFECT]", help="A leg of options; two to four make one order."),
]
Confirm = Annotated[str | None, typer.Option(help="The symbol once more; live orders want it.")]

order = typer.Typer(help="Place, watch, change and cancel orders.", no_args_is_help=True)
order.command("resolve")(resolve_order)


def register(app: typer.Typer) -> None:
    """Add the verbs of orders."""
    app.add_typer(order, name="order")
    app.command("buy", help="Buy: the short form of order submit.")(shortcut("buy"))
    app.command("sell", help="Sell: the short form of order submit.")(shortcut("sell"))


@order.command("submit")
def submit_order(
    ctx: typer.Context,
    *,
    symbol: Annotated[str | None, typer.Argument(help=SPELLINGS)] = None,
    quantity: Qty = None,
    side: Annotated[str | None, typer.Option(help="buy or sell.")] = None,
    file: Annotated[Path | None, typer.Option(help="The whole order as JSON; - reads standard input.")] = None,
    notional: Notional = None,
    limit: Limit = None,
    stop: Stop = None,
    touch: Touch = None,
    trail: Trail = None,
    tif: Tif = None,
    expire_at: ExpireAt = None,
    take_profit: TakeProfit = None,
    stop_loss: StopLoss = None,
    tag: Tag = None,
    strategy: StrategyName = None,
    reason: Reason = None,
    idempotency_key: Key = None,
    preview: Preview = False,
    wait: Wait = None,
    extended_hours: Extended = False,
    reduce_only: ReduceOnly = False,
    post_only: PostOnly = False,
    display: Display = None,
    allow_duplicate: Again = False,
    confirm: Confirm = None,
    route: Route = None,
    broker: Broker = None,
    effect: Effect = None,
    leg: Legs = None,
) -> None:
    """Place one order, from flags or from a file.

    With --leg the first word is how many times the legs are traded, and --limit their net price, below zero for a credit.
    """
    settings = settings_of(ctx)
    if leg and file is None:
        if symbol is None or quantity is not None or side is not None:
            raise usage("write: floorbroker order submit QTY --leg SIDE:RATIO:SYMBOL --leg ...: the legs name the rest")
        symbol, quantity, side = "", symbol, "buy"
    if file is not None:
        if symbol is not None:
            raise usage("give --file or SYMBOL, not both")
        body = body_from(file, settings.profile)
    elif symbol is None or side is None:
        raise usage("write: floorbroker order submit SYMBOL QTY --side buy, or --file ORDER.json")
    else:
        ticket = Ticket(
            symbol=symbol, side=side, quantity=quantity, notional=notional, limit=limit, stop=stop, touch=touch,
            trail=trail, tif=tif, expire_at=expire_at, take_profit=take_profit, stop_loss=stop_loss,
            profile=settings.profile, tag=tag, strategy=strategy, reason=reason, extended_hours=extended_hours,
            reduce_only=reduce_only, post_only=post_only, display=display, allow_duplicate=allow_duplicate,
            route=route, broker=broker, effect=effect, legs=tuple(leg or ()),
        )  # fmt: skip
        body = body_of(ticket)
    _place(settings, body, key=idempotency_key, preview=preview, wait=wait, confirm=confirm)


def shortcut(side: str) -> Callable[..., None]:
    """`buy` or `sell`: the short form of `order submit`."""

    def verb(
        ctx: typer.Context,
        *,
        symbol: OneSymbol,
        quantity: Qty = None,
        notional: Notional = None,
        limit: Limit = None,
        stop: Stop = None,
        touch: Touch = None,
        trail: Trail = None,
        tif: Tif = None,
        take_profit: TakeProfit = None,
        stop_loss: StopLoss = None,
        tag: Tag = None,
        idempotency_key: Key = None,
        preview: Preview = False,
        wait: Wait = None,
        post_only: PostOnly = False,
        display: Display = None,
        allow_duplicate: Again = False,
        confirm: Confirm = None,
        route: Route = None,
        broker: Broker = None,
    ) -> None:
        settings = settings_of(ctx)
        ticket = Ticket(
            symbol=symbol, side=side, quantity=quantity, notional=notional, limit=limit, stop=stop, touch=touch,
            trail=trail, tif=tif, take_profit=take_profit, stop_loss=stop_loss, profile=settings.profile, tag=tag,
            post_only=post_only, display=display, allow_duplicate=allow_duplicate, route=route, broker=broker,
        )  # fmt: skip
        _place(settings, body_of(ticket), key=idempotency_key, preview=preview, wait=wait, confirm=confirm)

    return verb


@order.command("preview")
def preview_order(
    ctx: typer.Context,
    *,
    symbol: OneSymbol,
    quantity: Qty = None,
    side: Annotated[str, typer.Option(help="buy or sell.")] = "buy",
    notional: Notional = None,
    limit: Limit = None,
    stop: Stop = None,
    touch: Touch = None,
    trail: Trail = None,
    tif: Tif = None,
    post_only: PostOnly = False,
    display: Display = None,
    route: Route = None,
    broker: Broker = None,
    effect: Effect = None,
) -> None:
    """Show what an order would meet: controls, objections of the venue, cost.  Nothing is sent."""
    settings = settings_of(ctx)
    ticket = Ticket(
        symbol=symbol, side=side, quantity=quantity, notional=notional, limit=limit, stop=stop, touch=touch,
        trail=trail, tif=tif, profile=settings.profile, post_only=post_only, display=display, route=route, broker=broker,
        effect=effect,
    )  # fmt: skip
    _place(settings, body_of(ticket), key=None, preview=True, wait=None, confirm=None)


@order.command("list")
def list_orders(
    ctx: typer.Context,
    *,
    status: Status = None,
    symbol: Symbol = None,
    side: Annotated[str | None, typer.Option(help="buy or sell.")] = None,
    strategy: Strategy = None,
    since: Since = None,
    until: Until = None,
    limit_rows: LimitRows = 100,
    columns: Columns = None,
    watch: Watch = False,
) -> None:
    """Orders, newest first."""
    where = {"status": status, "symbol": symbol, "side": side, "strategy": strategy}
    listed(
        settings_of(ctx), "/orders", where, COLUMNS, empty="no orders",
        since=since, until=until, limit_rows=limit_rows, columns=columns, watch=watch,
    )  # fmt: skip


@order.command("show")
def show_order(
    ctx: typer.Context,
    id: OrderId,
    events: Annotated[bool, typer.Option("--events", help="Everything that is known, with source and time.")] = False,
) -> None:
    """One order, why it went where it went, and its fills; of a split one, its parts and children."""
    from floorbroker.cli.reach import on_desk_of

    settings = settings_of(ctx)
    path = f"/orders/{_quoted(id)}"
    found = on_desk_of(settings, id, lambda desk: desk.get(f"{path}/events" if events else path))
    if events:
        show_list(settings, found["items"], FACTS, empty="no facts")
    else:
        order_shown.show_order(settings, found)


@order.command("modify")
def modify_order(
    ctx: typer.Context,
    *,
    id: OrderId,
    qty: Annotated[str | None, typer.Option(help="The new total quantity.")] = None,
    limit: Limit = None,
    stop: Stop = None,
    trail: Trail = None,
    tif: Tif = None,
) -> None:
    """Change a working order."""
    from floorbroker.cli.reach import on_desk_of

    settings = settings_of(ctx)
    changes = changes_of(quantity=qty, limit=limit, stop=stop, trail=trail, tif=tif)

    async def work(desk: Reached) -> Any:
        return (await desk.client.door.call("PATCH", desk.client.at(f"/orders/{_quoted(id)}"), body=changes)).json()

    _show_orders(settings, [on_desk_of(settings, id, work)], one=True)


@order.command("cancel")
def cancel_order(ctx: typer.Context, id: OrderId) -> None:
    """Ask for the cancel of one order.  A fill that crosses it is kept."""
    from floorbroker.cli.reach import on_desk_of

    settings = settings_of(ctx)

    async def work(desk: Reached) -> Any:
        return (await desk.client.door.call("DELETE", desk.client.at(f"/orders/{_quoted(id)}"))).json()

    _show_orders(settings, [on_desk_of(settings, id, work)], one=True)


@order.command("cancel-all")
def cancel_all(ctx: typer.Context, symbol: Symbol = None, strategy: Strategy = None) -> None:
    """Ask for the cancel of every open order, or of those that the filter finds."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)

    async def work(desk: Reached) -> Any:
        where = {"symbol": symbol, "strategy": strategy, "profile": settings.profile}
        return (await desk.client.door.call("DELETE", desk.client.at("/orders"), params=where)).json()

    found: list[Any] = on_desk(settings, work)["items"]
    _show_orders(settings, found, one=False)
    if found:
        say(settings, f"asked to cancel {len(found)} orders")
    if left := left_open(found):
        why = {order["id"]: order["cancel_refused"] for order in found}
        for id in left:
            say(settings, f"{id} is still open: {why[id] or 'the cancel was refused, or never left'}")
        raise typer.Exit(SOME)


def left_open(orders: list[Any]) -> list[str]:
    """Ids of orders that still work although their cancel was answered: the venue said no, or it never left."""
    return [order["id"] for order in orders if order["is_open"] and not order["pending_cancel"]]


# -- the work -----------------------------------------------------------------------------------------------------------


def _place(
    settings: Settings, body: Body, *, key: str | None, preview: bool, wait: str | None, confirm: str | None
) -> None:
    from floorbroker.cli.reach import on_desk

    if key is not None and not PRINTABLE.fullmatch(key):
        raise usage("--idempotency-key: write 1 to 128 printable ASCII characters, none of them a space at either end")
    if wait not in (None, "filled", "accepted"):
        raise usage(f"--wait={wait}: write --wait, --wait=filled or --wait=accepted")

    async def work(desk: Reached) -> Any:
        if preview:
            return (await desk.client.door.call("POST", desk.client.at("/orders/preview"), body=body)).json()
        if desk.is_live:
            _confirmed(settings, body, confirm, profile=await desk.named_profile())
        return await _submitted(desk, body, key=key, wait=wait)

    found = on_desk(settings, work)
    if preview:
        _show_preview(settings, found)
        return
    _show_orders(settings, [found], one=True)
    if missing := order_shown.missing_of(found):
        say(settings, f"{missing} of {found['quantity']} have no order: floorbroker order show {found['id']} says why")
    if found["ord_status"] == "unknown":
        fix = f"floorbroker order show {found['id']}"
        say(settings, f"the outcome is not known yet: do not repeat it; the desk is finding out ({fix})")
        raise typer.Exit(UNKNOWN)
    if found["ord_status"] == "rejected":
        say(settings, f"the venue refused it: {found.get('venue_text') or found.get('reject_reason') or ''}")
        raise typer.Exit(VENUE_NO)


def _confirmed(settings: Settings, body: Body, confirm: str | None, *, profile: str) -> None:
    """A live order says so first, and wants the symbol typed once more."""
    say(settings, f"LIVE {profile}")
    symbol = body.get("symbol") or next((leg["symbol"] for leg in body.get("legs", ())), None)
    if confirm is None and settings.may_ask:
        confirm = typer.prompt(f"LIVE order for {symbol}: type the symbol to send it", err=True)
    if confirm != symbol:
        raise usage(f"a live order wants its symbol once more: --confirm {symbol}")


async def _submitted(desk: Reached, body: Body, *, key: str | None, wait: str | None) -> Any:
    from floorbroker.client.desk import new_key

    key = key or new_key()
    try:
        answer = await desk.client.submit_answer(body, key=key)
    except asyncio.CancelledError:
        told = "interrupted while the order was on its way: it may have been placed; look it up with floorbroker order list"
        say(desk.settings, f"{told}, or repeat it with --idempotency-key {key}, which never places it twice")
        raise
    order = answer.json()
    if answer.replayed:
        say(desk.settings, "this key had placed the order before; nothing new was sent")
    return await awaited(desk, order, wait) if wait else order


async def awaited(desk: Reached, order: Any, wait: str) -> Any:
    """The order once it is filled, closed, or (for `accepted`) known to the venue; as it stands when time is up.

    One that moves to another broker is followed there.
    """
    from floorbroker.domain.clock import SystemClock

    clock = SystemClock()
    until_s = clock.monotonic() + desk.settings.timeout_s
    while _goes_on(order, wait):
        if clock.monotonic() > until_s:
            say(desk.settings, f"still {order['ord_status']} after {desk.settings.timeout_s:g} s; it goes on working")
            break
        if order["moved_to"]:
            say(desk.settings, f"it came to nothing at {order['profile']}, and is order {order['moved_to']} now")
        else:
            await clock.sleep(POLL_S)
        order = await desk.get(f"/orders/{_quoted(order['moved_to'] or order['id'])}")
    return order


def _goes_on(order: Any, wait: str) -> bool:
    if order["moving"] or order["moved_to"]:
        return True
    return order["is_open"] and (wait == "filled" or order["ord_status"] in {"pending_new", "unknown"})


def _show_orders(settings: Settings, orders: list[Any], *, one: bool) -> None:
    if settings.json and one:
        show_json(orders[0])
    else:
        show_list(settings, orders, chosen(COLUMNS, None, None), empty="no open orders")


def _show_preview(settings: Settings, found: Any) -> None:
    if settings.json:
        show_json(found)
        return
    show_table(settings, found["verdicts"], VERDICTS)
    if len(found["candidates"]) > 1:
        order_shown.show_candidates(settings, found["candidates"])
    if found["parts"]:
        order_shown.show_parts(settings, found["parts"])
        say(settings, "it would be split; the verdicts are those of the first part")
    for objection in found["objections"]:
        say(settings, f"the venue would object: {objection['pointer']}: {objection['detail']}")
    where = "" if found["parts"] or not found["profile"] else f" to {found['profile']}"
    say(settings, f"it would be sent{where}" if found["ok"] else "it would be refused")


def _quoted(id: str) -> str:
    from floorbroker.client.door import segment

    return segment(id)
