"""Entering an order: reading it from either door, every check the venue makes, then letting it work.

https://docs.kraken.com/api/docs/rest-api/add-order, https://docs.kraken.com/exchange/api-reference/spot-websocket-v2/add_order
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from floorbroker.domain.values import ZERO, Side
from floorbroker_sim.kraken import errors, info
from floorbroker_sim.kraken.errors import Refused, invalid
from floorbroker_sim.kraken.info import Pair
from floorbroker_sim.kraken.mapping import close_text, order_text
from floorbroker_sim.kraken.rest import checks, working
from floorbroker_sim.kraken.rest.public import find_pair
from floorbroker_sim.kraken.rest.reading import Params
from floorbroker_sim.kraken.rest.records import TRIGGERED, TYPES, Close, Record, Wish
from floorbroker_sim.kraken.rest.state import State

SIDES = frozenset({"buy", "sell"})
TIFS = {"gtc": "GTC", "ioc": "IOC", "gtd": "GTD", "GTC": "GTC", "IOC": "IOC", "GTD": "GTD"}
STP = frozenset({"cancel-newest", "cancel-oldest", "cancel-both"})
FLAGS = frozenset({"post", "fcib", "fciq", "nompp", "viqc"})
REFERENCES = frozenset({"last", "index"})
_I32 = 1 << info.USERREF_BITS


# --- Reading ---------------------------------------------------------------------------------------------------------


def wish_of(state: State, params: Params, pair: Pair) -> Wish:
    """An order of REST."""
    ordertype, side = _words(params, "ordertype", "type")
    flags = set(params.names("oflags"))
    if not flags <= FLAGS or {"fcib", "fciq"} <= flags:
        raise invalid("oflags")
    now = state.clock.now()
    volume = params.amount("volume")
    is_cash = "viqc" in flags
    if is_cash and (ordertype != "market" or side is not Side.BUY):
        raise invalid("viqc")
    return Wish(
        pair=pair,
        side=side,
        ordertype=ordertype,
        qty=None if is_cash else volume,
        cash=volume if is_cash else None,
        price=None if ordertype == "market" else params.level("price"),
        price2=params.level("price2") if ordertype in TRIGGERED else None,
        display=params.amount("displayvol"),
        trigger=params.choice("trigger", REFERENCES, "last"),
        tif=params.choice("timeinforce", TIFS, "GTC"),
        start=params.moment("starttm", now),
        expire=params.moment("expiretm", now),
        post="post" in flags,
        fee_in_base=True if "fcib" in flags else False if "fciq" in flags else None,
        market_protection="nompp" not in flags,
        stp=params.choice("stptype", STP, "cancel-newest"),
        close=_close(params),
        userref=params.whole("userref", low=-_I32, high=_I32 - 1),
        cl_ord_id=params.text("cl_ord_id"),
        reduce_only=params.flag("reduce_only"),
        leverage=(params.text("leverage") or "none") not in {"none", "0", "1"},
    )


def _words(params: Params, type_name: str, side_name: str) -> tuple[str, Side]:
    ordertype, side = params.need(type_name), params.need(side_name)
    if ordertype not in TYPES:
        raise invalid(type_name)
    if side not in SIDES:
        raise invalid(side_name)
    return ordertype, Side(side)


def _close(params: Params) -> Close | None:
    inner = params.inner("close")
    ordertype = None if inner is None else inner.text("ordertype")
    if inner is None or ordertype is None:
        return None
    return Close(ordertype=ordertype, price=inner.level("price"), price2=inner.level("price2"))


def socket_wish(params: Params, pair: Pair) -> Wish:
    """An order of WebSocket v2."""
    ordertype, side = _words(params, "order_type", "side")
    cash = params.amount("cash_order_qty")
    if cash is not None and (ordertype != "market" or side is not Side.BUY or "order_qty" in params):
        raise invalid("cash_order_qty")
    triggers = params.inner("triggers")
    limit = params.typed_level("limit_price", "limit_price_type")
    trigger = None if triggers is None else triggers.typed_level("price", "price_type")
    is_triggered = ordertype in TRIGGERED
    fee = params.choice("fee_preference", frozenset({"base", "quote", ""}), "")
    return Wish(
        pair=pair,
        side=side,
        ordertype=ordertype,
        qty=params.amount("order_qty"),
        cash=cash,
        price=None if ordertype == "market" else trigger if is_triggered else limit,
        price2=limit if is_triggered else None,
        display=params.amount("display_qty"),
        trigger="last" if triggers is None else triggers.choice("reference", REFERENCES, "last"),
        tif=params.choice("time_in_force", TIFS, "GTC"),
        start=params.rfc3339("effective_time"),
        expire=params.rfc3339("expire_time"),
        post=params.flag("post_only"),
        fee_in_base=None if not fee else fee == "base",
        stp=(params.text("stp_type") or "cancel_newest").replace("_", "-"),
        close=_conditional(params),
        userref=params.whole("order_userref", low=-_I32, high=_I32 - 1),
        cl_ord_id=params.text("cl_ord_id"),
        reduce_only=params.flag("reduce_only"),
        leverage=params.flag("margin"),
    )


def _conditional(params: Params) -> Close | None:
    inner = params.inner("conditional")
    if inner is None:
        return None
    ordertype = inner.need("order_type")
    limit = inner.typed_level("limit_price", "limit_price_type")
    if ordertype not in TRIGGERED:
        return Close(ordertype=ordertype, price=limit)
    trigger = inner.typed_level("trigger_price", "trigger_price_type")
    return Close(ordertype=ordertype, price=trigger, price2=limit)


# --- Entering --------------------------------------------------------------------------------------------------------


def checked(state: State, wish: Wish) -> Record:
    """The order as it would stand: every check that needs no money has passed.  It is not remembered."""
    checks.mode(state, wish)
    checks.kind(wish)
    checks.client_id(state, wish)
    checks.amounts(wish)
    checks.prices(wish)
    checks.dates(wish, state.clock.now())
    state.refresh(wish.pair.symbol)
    at = state.clock.now()
    probe = Record(
        id="", wish=wish, opened_at=at, touched_at=at, number=0, qty=wish.qty, display=wish.display, post=wish.post
    )
    working.price(state, probe)
    checks.resolved(probe, ask=_ask(state, wish.pair))
    return probe


def _ask(state: State, pair: Pair) -> Decimal:
    quote = state.market.quote(pair.symbol)
    return (quote.ask if quote is not None else None) or state.last_price(pair.symbol) or ZERO


def check_engine(state: State, probe: Record) -> None:
    """What only the engine knows: room for the order, and money for it."""
    if state.limits.counts and len(state.open_on(probe.pair.symbol)) >= state.limits.tier.open_orders:
        raise Refused(errors.TOO_MANY_ORDERS)
    name, amount = probe.hold
    if amount > state.wallet.available(name):
        raise Refused(errors.FUNDS)


def check_deadline(state: State, params: Params) -> None:
    """Refuse what came too late; a deadline lies at most a minute ahead."""
    deadline = params.rfc3339("deadline")
    if deadline is None:
        return
    now = state.clock.now()
    if deadline < now:
        raise Refused(errors.DEADLINE)
    if deadline > now + timedelta(seconds=info.DEADLINE_MAX_S):
        raise invalid("deadline")


def add_order(state: State, params: Params) -> object:
    """`AddOrder`."""
    pair = find_pair(state, params.need("pair"))
    state.limits.engine(pair.symbol, "add", state.clock.now(), fixed=Decimal(1))
    wish = wish_of(state, params, pair)
    check_deadline(state, params)
    probe = checked(state, wish)
    check_engine(state, probe)
    descr = description(probe)
    if params.flag("validate"):
        return {"descr": descr}
    return {"descr": descr, "txid": [working.place(state, wish).id]}


def description(probe: Record) -> dict[str, str]:
    """`descr` of an answer."""
    answer = {"order": order_text(probe)}
    if probe.wish.close is not None:
        answer["close"] = close_text(probe.wish.close, probe.pair)
    return answer


def add_batch(state: State, params: Params) -> object:
    """`AddOrderBatch`: one bad order rejects all of them, one without money only itself."""
    pair = find_pair(state, params.need("pair"))
    probes = batch_probes(state, params, pair, [wish_of(state, order, pair) for order in batch_of(params)])
    if params.flag("validate"):
        return {"orders": [{"descr": description(probe)} for probe in probes]}
    answers: list[dict[str, object]] = []
    for probe in probes:
        try:
            check_engine(state, probe)
        except Refused as refused:
            answers.append({"error": refused.text})
            continue
        answers.append({"txid": working.place(state, probe.wish).id, "descr": description(probe)})
    return {"orders": answers}


def batch_of(params: Params) -> list[Params]:
    orders = params.objects("orders")
    if not info.BATCH_ADD[0] <= len(orders) <= info.BATCH_ADD[1]:
        raise invalid("orders")
    return orders


def batch_probes(state: State, params: Params, pair: Pair, wishes: list[Wish]) -> list[Record]:
    """Every order of a batch checked, in order; client ids are unique among them too."""
    state.limits.engine(pair.symbol, "add", state.clock.now(), fixed=Decimal(len(wishes)) / 2)
    check_deadline(state, params)
    ids = [wish.cl_ord_id for wish in wishes if wish.cl_ord_id is not None]
    if len(ids) != len(set(ids)):
        raise invalid("cl_ord_id")
    return [checked(state, wish) for wish in wishes]
