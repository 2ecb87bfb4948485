"""Entering an order: every check the venue makes, then the engine.  https://docs.alpaca.markets/reference/postorder"""

from __future__ import annotations

from decimal import Decimal

from floorbroker.domain.instrument import Instrument, OptionContract
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Quote
from floorbroker.domain.values import (
    ZERO,
    AssetClass,
    OrderClass,
    OrderId,
    OrderType,
    Side,
    text_of,
)
from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.alpaca import info, wire
from floorbroker_sim.alpaca.errors import (
    forbidden,
    invalid,
    too_few_units,
    too_little_money,
    unprocessable,
)
from floorbroker_sim.alpaca.mapping import asset_id, inside, new_order, outside
from floorbroker_sim.alpaca.rest import checks, money
from floorbroker_sim.alpaca.rest.reading import body
from floorbroker_sim.alpaca.rest.records import Record
from floorbroker_sim.alpaca.rest.state import State
from floorbroker_sim.http import Reply, Request, json_reply

_COMPLEX = frozenset({OrderClass.BRACKET, OrderClass.OCO, OrderClass.OTO, OrderClass.MULTILEG})


def post_order(state: State, request: Request) -> Reply:
    return json_reply(place(state, body(request, wire.OrderRequest)))


def place(state: State, wish: wire.OrderRequest) -> wire.Order:
    """Check and take an order; the Order object as the venue answers it, before anything has happened to it."""
    checks.check_numbers(wish)
    checks.check_shape(wish)
    checks.check_client_id(wish.client_order_id, state.client_ids)
    if state.configurations["suspend_trade"]:
        raise forbidden("new orders are rejected by user request")
    if wish.order_class == "mleg":
        order, instrument, cost = _strategy(state, wish)
    else:
        order, instrument, cost = _single(state, wish)
    return _enter(state, order, instrument, cost, wish.client_order_id)


def _single(state: State, wish: wire.OrderRequest) -> tuple[NewOrder, Instrument, Decimal]:
    instrument = tradable(state, wish.symbol or "")
    checks.check_kind(wish, instrument)
    checks.check_fraction(wish, instrument)
    checks.check_ticks(wish, instrument)
    quote = state.refresh(instrument.symbol)
    checks.check_class(wish, _base_price(wish, quote))
    _check_auction(state, wish)
    held = state.position(instrument.symbol)
    side = Side(wish.side or "buy")
    intent = money.intent(side, held)
    checks.check_intent(wish.position_intent, intent)
    order = new_order(wish, symbol=instrument.symbol, intent=intent)
    if order.order_class not in _COMPLEX:
        _check_wash_trade(state, order)
    if money.is_exit(side, held):
        _check_available(state, order, held, quote)
        return order, instrument, ZERO
    _check_opening(state, order, instrument)
    cost = money.unit_cost(order, quote, instrument)
    if instrument.asset_class is AssetClass.OPTION and side is Side.SELL:
        cost = _writing_cost(state, order, quote)
    _check_money(state, order, instrument, cost)
    return order, instrument, cost


def tradable(state: State, symbol: str) -> Instrument:
    """The instrument behind a symbol or an asset id."""
    canonical = inside(symbol)
    try:
        instrument = state.market.instrument(canonical)
    except KeyError as error:
        raise unprocessable(f'asset "{symbol}" not found') from error
    contract = OptionContract.parse(canonical)
    today = state.clock.now().astimezone(NEW_YORK).date()
    if not instrument.tradable or (contract is not None and contract.expiry < today):
        raise invalid(f"asset {symbol} is not active")
    return instrument


def _base_price(wish: wire.OrderRequest, quote: Quote | None) -> Decimal | None:
    """What a stop-loss is measured against: the limit or stop of the entry, else the last trade."""
    if wish.limit_price is not None:
        return wish.limit_price
    if wish.stop_price is not None:
        return wish.stop_price
    return None if quote is None else quote.last or quote.mid


def _check_auction(state: State, wish: wire.OrderRequest) -> None:
    if not state.settings.calendar or wish.time_in_force not in {"opg", "cls"}:
        return
    local = state.clock.now().astimezone(NEW_YORK)
    minutes = local.hour * 60 + local.minute
    if wish.time_in_force == "opg" and 9 * 60 + 28 <= minutes < 19 * 60:
        raise forbidden("opg orders must be submitted after 7:00pm and before 9:28am")
    if wish.time_in_force == "cls" and 15 * 60 + 50 <= minutes < 19 * 60:
        raise forbidden("cls orders must be submitted after 7:00pm and before 3:50pm")


def _check_wash_trade(state: State, order: NewOrder) -> None:
    """An own order on the other side that this one could meet."""
    for other in state.open.on(order.symbol, order.side.opposite):
        theirs = other.order
        if other.status == "held" or theirs.order_class in _COMPLEX or other.parent is not None:
            continue
        if _could_meet(order, theirs):
            raise checks.wash_trade(other.id, is_limit=theirs.order_type is OrderType.LIMIT)


def _could_meet(order: NewOrder, other: NewOrder) -> bool:
    if other.order_type is not OrderType.LIMIT and order.order_type is not OrderType.LIMIT:
        return True
    if order.price is None or other.price is None:
        return order.order_type is not OrderType.TRAILING_STOP and other.order_type is not OrderType.TRAILING_STOP
    buy, sell = (order, other) if order.side is Side.BUY else (other, order)
    return buy.price is not None and sell.price is not None and buy.price >= sell.price


def _check_available(state: State, order: NewOrder, position: Decimal, quote: Quote | None) -> None:
    """An exit takes no more than what no other exit holds."""
    blocked, related = money.held(state.open.on(order.symbol, order.side))
    available = max(abs(position) - blocked, ZERO)
    wanted = order.order_qty
    if wanted is None:
        touch = None if quote is None else quote.bid if order.side is Side.SELL else quote.ask
        wanted = (order.notional or ZERO) / touch if touch else ZERO
    if wanted > available:
        raise too_few_units(
            symbol=outside(order.symbol), requested=wanted, available=available, existing=position, related=related
        )


def _check_opening(state: State, order: NewOrder, instrument: Instrument) -> None:
    if order.order_class is OrderClass.OCO:
        raise unprocessable("oco orders must be exit orders")
    if order.side is Side.BUY or instrument.asset_class is AssetClass.OPTION:
        return
    symbol = outside(order.symbol)
    if instrument.asset_class is AssetClass.CRYPTO:
        wanted = order.order_qty or ZERO
        raise too_few_units(symbol=symbol, requested=wanted, available=ZERO, existing=ZERO, related=[])
    if order.notional is not None or (order.order_qty or ZERO) % 1:
        raise unprocessable("fractional orders cannot be sold short")
    if state.configurations["no_shorting"]:
        raise forbidden("account is not allowed to short")
    if not instrument.shortable:
        raise unprocessable(f'asset "{symbol}" cannot be sold short')


def _writing_cost(state: State, order: NewOrder, quote: Quote | None) -> Decimal:
    """What a written option ties up for each contract: shares for a call, cash for a put."""
    contract = OptionContract.parse(order.symbol)
    assert contract is not None
    if contract.right == "P":
        price = order.price or (quote.bid if quote is not None else None) or ZERO
        return money.short_option_cost(contract, price)
    root = contract.root
    promised = sum(
        (r.leaves * 100 for r in state.open.all() if r.order.side is Side.SELL and _is_call_on(r.order, root)), ZERO
    )
    written = sum(
        (-h.qty * 100 for h in state.holdings() if h.qty < 0 and _names_call_on(h.instrument.symbol, root)), ZERO
    )
    blocked, _ = money.held(state.open.on(root, Side.SELL))
    available = max(state.position(root) - blocked - promised - written, ZERO)
    needed = (order.order_qty or ZERO) * 100
    if needed > available:
        raise forbidden(
            f"insufficient underlying qty available for covered call (required: {text_of(needed)}, "
            f"available: {text_of(available)})",
            available_qty=text_of(available), required_qty=text_of(needed), symbol=root, underlying_asset_id=asset_id(root),
        )  # fmt: skip
    return Decimal("0.01")


def _is_call_on(order: NewOrder, root: str) -> bool:
    return _names_call_on(order.symbol, root)


def _names_call_on(symbol: str, root: str) -> bool:
    contract = OptionContract.parse(symbol)
    return contract is not None and contract.root == root and contract.right == "C"


def _check_money(state: State, order: NewOrder, instrument: Instrument, cost: Decimal) -> None:
    standing = state.standing()
    power = standing.buying_power if instrument.asset_class is AssetClass.EQUITY else standing.cash_power
    basis = order.notional if order.notional is not None else (order.order_qty or ZERO) * cost
    if instrument.asset_class is AssetClass.CRYPTO and basis < info.MIN_CRYPTO_COST:
        raise forbidden(f"cost basis must be >= minimal amount of order {info.MIN_CRYPTO_COST}")
    if basis > power:
        raise too_little_money(buying_power=power, cost_basis=basis)


def _strategy(state: State, wish: wire.OrderRequest) -> tuple[NewOrder, Instrument, Decimal]:
    """A multi-leg order: every leg an option, the worst loss at expiry paid up front."""
    instruments = [tradable(state, leg.symbol) for leg in wish.legs or ()]
    if any(instrument.asset_class is not AssetClass.OPTION for instrument in instruments):
        raise unprocessable("symbol is not allowed for mleg order")
    if wish.extended_hours:
        raise unprocessable("extended hours order must be DAY or GTC limit orders")
    for leg in wish.legs or ():
        if leg.side and leg.position_intent and not leg.position_intent.startswith(leg.side):
            raise unprocessable(
                f"position intent mismatch, inferred: {leg.side}_to_open, specified: {leg.position_intent}"
            )
    order = new_order(wish, symbol=instruments[0].symbol, intent=None)
    quotes = [state.refresh(leg.symbol) for leg in order.legs]
    price = order.price if order.price is not None else money.net_price(order.legs, quotes)
    if all(leg.position_intent is not None and leg.position_intent.value.endswith("close") for leg in order.legs):
        _check_legs_held(state, order)
        return order, instruments[0], ZERO
    loss = money.worst_loss(order.legs)
    if loss is None:
        raise forbidden("account not eligible to trade uncovered option contracts")
    cost = max(loss + price, Decimal("0.01")) * 100
    _check_money(state, order, instruments[0], cost)
    return order, instruments[0], cost


def _check_legs_held(state: State, order: NewOrder) -> None:
    for leg in order.legs:
        position, wanted = state.position(leg.symbol), leg.ratio_qty * (order.order_qty or ZERO)
        if position * leg.side.sign >= 0 or abs(position) < wanted:
            raise too_few_units(
                symbol=outside(leg.symbol), requested=wanted, available=abs(position), existing=position, related=[]
            )


def _enter(
    state: State, order: NewOrder, instrument: Instrument, cost: Decimal, client_order_id: str | None
) -> wire.Order:
    at = state.clock.stamp()
    order_id = state.uuid()
    record = state.record(order_id, order, instrument, client_order_id=client_order_id or state.uuid(), at=at)
    record.reserve_px = cost
    state.add(record)
    state.absorb(state.engine.submit(OrderId(order_id), order, at=at))
    return as_received(state, record)


def as_received(state: State, record: Record) -> wire.Order:
    """The object the venue answers with: what happened since is told by the stream."""
    answer = state.object_of(record, nested=True)
    answer.status = "accepted" if record.status == "accepted" else "pending_new"
    answer.filled_qty, answer.filled_avg_price, answer.filled_at = "0", None, None
    answer.canceled_at = answer.expired_at = answer.replaced_at = answer.replaced_by = None
    answer.updated_at = answer.created_at
    return answer
