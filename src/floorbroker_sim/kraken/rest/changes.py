"""Changing orders: amends keep the id, edits cancel and re-enter.

https://docs.kraken.com/exchange/guides/general/amends, https://docs.kraken.com/api/docs/rest-api/edit-order
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal

from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.values import ZERO, OrderId, Price, Quantity
from floorbroker_sim.kraken import errors
from floorbroker_sim.kraken.errors import Refused, invalid
from floorbroker_sim.kraken.mapping import price_text, qty_text, towards
from floorbroker_sim.kraken.rest import checks, entry, working
from floorbroker_sim.kraken.rest.public import find_pair
from floorbroker_sim.kraken.rest.reading import Params
from floorbroker_sim.kraken.rest.records import LIMITED, TRAILING, TRIGGERED, Level, Record
from floorbroker_sim.kraken.rest.state import State

POST_ONLY = "EOrder:Post only order"
REPLACED = "Order replaced"
BELOW_FILLED = "Amended below the filled quantity"


_TERMS = ("wish", "qty", "display", "limit", "trigger_px", "post", "unit_hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Amend:
    """What an amend asks for; None leaves a term as it is."""

    qty: Decimal | None = None
    display: Decimal | None = None
    limit: Level | None = None
    trigger: Level | None = None
    post: bool | None = None

    @property
    def is_empty(self) -> bool:
        return (self.qty, self.display, self.limit, self.trigger, self.post) == (None,) * 5


def open_order(state: State, name: str | None, client: str | None) -> Record:
    """The open order of an id or a client id.  Raises `Refused` for none, for both and for one that is closed."""
    if (name is None) == (client is None):
        raise invalid("txid")
    record = state.orders.get(name) if name is not None else state.open_by_client_id(client or "")
    if record is None or not record.is_open:
        raise Refused(errors.UNKNOWN_ORDER)
    return record


def amend_order(state: State, params: Params) -> object:
    """`AmendOrder`."""
    record = open_order(state, params.text("txid"), params.text("cl_ord_id"))
    wish = Amend(
        qty=params.amount("order_qty"),
        display=params.amount("display_qty"),
        limit=params.level("limit_price"),
        trigger=params.level("trigger_price"),
        post=params.flag("post_only") if "post_only" in params else None,
    )
    return {"amend_id": amend(state, record, wish, params)}


def socket_amend(state: State, params: Params) -> dict[str, object]:
    """`amend_order`."""
    record = open_order(state, params.text("order_id"), params.text("cl_ord_id"))
    wish = Amend(
        qty=params.amount("order_qty"),
        display=params.amount("display_qty"),
        limit=params.typed_level("limit_price", "limit_price_type"),
        trigger=params.typed_level("trigger_price", "trigger_price_type"),
        post=params.flag("post_only") if "post_only" in params else None,
    )
    answer: dict[str, object] = {"amend_id": amend(state, record, wish, params), "order_id": record.id}
    return answer if record.wish.cl_ord_id is None else {**answer, "cl_ord_id": record.wish.cl_ord_id}


def amend(state: State, record: Record, wish: Amend, params: Params) -> str:
    """Change an order where it stands; returns the id of the step."""
    at = state.clock.stamp()
    state.limits.engine(record.pair.symbol, "amend", at, fixed=Decimal(1), since=record.touched_at)
    entry.check_deadline(state, params)
    state.refresh(record.pair.symbol)
    if not record.is_open:
        raise Refused(errors.UNKNOWN_ORDER)
    _check_amend(record, wish)
    is_over = wish.qty is not None and wish.qty <= record.filled
    age = record.touched_at
    _take(state, record, replace(wish, qty=record.filled) if is_over else wish)
    step = working.step(state, record, "user", at)
    record.history.append(step)
    record.amended, record.touched_at = True, at
    state.touch(record)
    state.announce("amended", record, at=at)
    if is_over:
        state.limits.engine(record.pair.symbol, "cancel", at, fixed=ZERO, since=age)
        working.cancel(state, record, reason=BELOW_FILLED, at=at)
        return step.id
    _tell_engine(state, record, wish)
    if record.is_open and record.status == "open" and record.waits:
        working.fire_if_due(state, record, at)
    return step.id


def _check_amend(record: Record, wish: Amend) -> None:
    pair = record.pair
    if wish.is_empty:
        raise invalid()
    if wish.qty is not None:
        if record.qty is None or wish.qty <= 0:
            raise invalid("order_qty")
        if wish.qty > record.filled:
            checks.quantity(wish.qty, pair)
    _check_prices(record, wish)
    if wish.display is not None:
        if record.wish.ordertype != "iceberg":
            raise invalid("display_qty")
        total = wish.qty if wish.qty is not None else record.qty or ZERO
        checks.shown(wish.display, total - record.filled, pair)


def _check_prices(record: Record, wish: Amend) -> None:
    """A limit where there is one, a trigger while it waits; a trailing order has offsets in their place."""
    ordertype = record.wish.ordertype
    has_offsets = ordertype in TRAILING and record.waits
    if wish.limit is not None and ordertype not in LIMITED:
        raise invalid("limit_price")
    if wish.trigger is not None and (not record.waits or (has_offsets and not wish.trigger.is_offset)):
        raise invalid("trigger_price")
    if not has_offsets:
        checks.on_grid(wish.limit, record.pair)
        checks.on_grid(wish.trigger, record.pair)
    if wish.post and (ordertype not in LIMITED or ordertype in TRIGGERED):
        raise invalid("post_only")


def _take(state: State, record: Record, wish: Amend) -> None:
    """Put the new terms in, or leave the order as it was and refuse: for want of money, or a post-only that would take."""
    before = tuple(getattr(record, name) for name in _TERMS)
    record.qty = wish.qty if wish.qty is not None else record.qty
    record.display = wish.display if wish.display is not None else record.display
    if record.wish.ordertype in TRAILING and record.waits:
        _take_offsets(record, wish)
    else:
        _take_prices(state, record, wish)
    record.post = record.post if wish.post is None else wish.post
    working.hold(state, record)
    name, amount = record.hold
    state.touch(record)
    refusal = None
    if state.wallet.available(name) < ZERO and amount:
        refusal = errors.FUNDS
    elif wish.post is not False and record.post and wish.limit is not None and working.would_take(state, record):
        refusal = POST_ONLY
    if refusal is not None:
        for name, value in zip(_TERMS, before, strict=True):
            setattr(record, name, value)
        state.touch(record)
        raise Refused(refusal)


def _take_prices(state: State, record: Record, wish: Amend) -> None:
    last = state.last_price(record.pair.symbol) or ZERO
    if wish.trigger is not None:
        sign = towards(record.wish.ordertype, record.side)
        record.trigger_px = working.on_tick(record, wish.trigger.from_(last, sign))
    if wish.limit is not None:
        base = record.trigger_px if record.trigger_px is not None else last
        record.limit = working.on_tick(record, wish.limit.from_(base, -record.side.sign))


def _take_offsets(record: Record, wish: Amend) -> None:
    """A trailing order that waits has offsets in place of prices; the mark it follows stays."""
    record.wish = replace(record.wish, price=wish.trigger or record.wish.price, price2=wish.limit or record.wish.price2)
    if wish.trigger is not None and record.peak is not None:
        distance = working.offset(wish.trigger, record.peak)
        record.trigger_px = working.on_tick(record, record.peak + record.side.sign * distance)


def _tell_engine(state: State, record: Record, wish: Amend) -> None:
    if not record.in_engine or (wish.qty is None and wish.limit is None):
        return
    changes = OrderChanges(
        order_qty=None if wish.qty is None else Quantity(wish.qty),
        price=None if wish.limit is None or record.limit is None else Price(record.limit),
    )
    state.absorb(state.engine.replace(OrderId(record.id), changes, at=state.clock.now()))


# --- Edit ------------------------------------------------------------------------------------------------------------


def edit_order(state: State, params: Params) -> object:
    """`EditOrder`: a new order with a new id in place of the old one."""
    record = edited(state, params.need("txid"))
    pair = find_pair(state, params.need("pair"))
    if pair is not record.pair:
        raise invalid("pair")
    probe = _edit_probe(state, record, params, qty_name="volume", price_name="price", price2_name="price2")
    descr = entry.description(probe)
    if params.flag("validate"):
        return {"status": "ok", "descr": descr}
    fresh = reenter(state, record, probe)
    return {
        "status": "ok", "txid": fresh.id, "originaltxid": record.id, "volume": qty_text(pair, fresh.qty),
        "price": price_text(pair, fresh.limit or fresh.trigger_px),
        "price2": price_text(pair, fresh.limit if fresh.trigger_px is not None else None),
        "orders_cancelled": 1, "newuserref": fresh.wish.userref, "descr": descr,
    }  # fmt: skip


def socket_edit(state: State, params: Params) -> dict[str, object]:
    """`edit_order`."""
    record = edited(state, params.need("order_id"))
    pair = find_pair(state, params.need("symbol"))
    if pair is not record.pair:
        raise invalid("symbol")
    is_triggered = record.wish.ordertype in TRIGGERED
    names = ("", "limit_price") if is_triggered else ("limit_price", "")
    probe = _edit_probe(state, record, params, qty_name="order_qty", price_name=names[0], price2_name=names[1])
    if params.flag("validate"):
        return {"original_order_id": record.id}
    return {"order_id": reenter(state, record, probe).id, "original_order_id": record.id}


def edited(state: State, name: str) -> Record:
    """The order to edit, by id or by a user reference that only one open order has."""
    record = state.orders.get(name)
    if record is None:
        found = [r for r in state.open.values() if r.wish.userref is not None and str(r.wish.userref) == name]
        record = found[0] if len(found) == 1 else None
    if record is None or not record.is_open:
        raise Refused(errors.UNKNOWN_ORDER)
    return record


def _edit_probe(
    state: State, record: Record, params: Params, *, qty_name: str, price_name: str, price2_name: str
) -> Record:
    """The order as it would be: terms that are not given are the old ones.

    Triggered orders, orders with a conditional close, and quantities below what is filled are not edited; executions stay
    with the old order, so the new one asks for the rest.
    """
    at, old = state.clock.stamp(), record.wish
    state.limits.engine(record.pair.symbol, "edit", at, fixed=Decimal(1), since=record.touched_at)
    entry.check_deadline(state, params)
    qty = params.amount(qty_name) if qty_name in params else record.qty
    if record.triggered_at is not None or old.close is not None or qty is None:
        raise Refused(errors.INVALID_ORDER)
    if qty <= record.filled:
        raise invalid("volume")
    price = params.level(price_name) if price_name in params else None
    price2 = params.level(price2_name) if price2_name in params else None
    triggers = params.inner("triggers")
    if triggers is not None and old.ordertype in TRIGGERED:
        price = triggers.typed_level("price", "price_type")
    userref = params.whole("userref", low=-(1 << 31), high=(1 << 31) - 1)
    wish = replace(
        old,
        qty=qty - record.filled,
        price=price if price is not None else _present(record, old.price, second=False),
        price2=price2 if price2 is not None else _present(record, old.price2, second=True),
        display=_display(record, params),
        post=_edited_post(record, params),
        userref=userref if userref is not None else old.userref,
        cl_ord_id=None,
    )
    probe = entry.checked(state, wish)
    _check_edit_funds(state, record, probe)
    return probe


def _present(record: Record, asked: Level | None, *, second: bool) -> Level | None:
    """A price as it stands now, where amends may have moved it."""
    if asked is None or record.wish.ordertype in TRAILING:
        return asked
    is_limit = second or record.wish.ordertype not in TRIGGERED
    now = record.limit if is_limit else record.trigger_px
    return asked if now is None else Level(value=now)


def _display(record: Record, params: Params) -> Decimal | None:
    for name in ("displayvol", "display_qty"):
        if name in params:
            return params.amount(name)
    return None if record.display is None else min(record.display, record.leaves)


def _edited_post(record: Record, params: Params) -> bool:
    if "oflags" in params:
        return "post" in params.names("oflags")
    return params.flag("post_only") if "post_only" in params else record.post


def _check_edit_funds(state: State, record: Record, probe: Record) -> None:
    """The new order may use what the old one frees."""
    name, amount = probe.hold
    freed = record.hold[1] if record.hold[0] == name else ZERO
    if amount > state.wallet.available(name) + freed:
        raise Refused(errors.FUNDS)


def reenter(state: State, record: Record, probe: Record) -> Record:
    """The old order goes, the new one comes."""
    working.cancel(state, record, reason=REPLACED, at=state.clock.stamp())
    return working.place(state, probe.wish)
