"""What holds at the venue whatever happens: no coin is made or lost, and the books agree with each other after every step."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.rest import money
from floorbroker_sim.bybit.venue import create_venue
from tests.unit.sim.bybit.conftest import CONTRACT, MONDAY, PAIR, Asker

D = Decimal
PRICES = st.integers(59_000, 61_000).map(str)
QTYS = st.one_of(st.integers(1, 400), st.just(11_000)).map(lambda n: str(D(n) / 1000))
CATEGORIES = st.sampled_from(["spot", "linear"])
SIDES = st.sampled_from(["Buy", "Sell"])
STEPS = st.one_of(
    st.tuples(st.just("market"), CATEGORIES, SIDES, QTYS, st.booleans()),
    st.tuples(st.just("limit"), CATEGORIES, SIDES, QTYS, PRICES, st.sampled_from(["GTC", "IOC", "FOK", "PostOnly"])),
    st.tuples(st.just("exits"), CATEGORIES, SIDES, QTYS, PRICES, st.sampled_from(["Full", "Partial"])),
    st.tuples(st.just("conditional"), CATEGORIES, SIDES, QTYS, PRICES, st.booleans()),
    st.tuples(st.just("closing"), SIDES, QTYS, PRICES),
    st.tuples(st.just("closing"), SIDES, QTYS, PRICES),
    st.tuples(st.just("spend"), st.integers(5, 20_000)),
    st.tuples(st.just("price"), st.sampled_from([PAIR, CONTRACT]), st.integers(58_000, 62_000)),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("amend"), st.integers(0, 30), QTYS, PRICES),
    st.tuples(st.just("fill"), st.integers(0, 30), QTYS, PRICES),
    st.tuples(st.just("stop"), PRICES, PRICES, st.integers(0, 300)),
    st.tuples(st.just("cross"), st.integers(0, 30), PRICES),
    st.tuples(st.just("leverage"), st.integers(1, 100)),
    st.tuples(st.just("all"), CATEGORIES),
)


def post(ask: Asker, path: str, **body: Any) -> None:
    """What the venue refuses changes nothing."""
    answer = json.loads(ask.raw("POST", path, json.dumps(body).encode()).body)
    assert answer["retCode"] not in {10002, 10003, 10004}, answer


def act(ask: Asker, step: tuple[Any, ...]) -> None:
    match step:
        case (("cancel" | "amend" | "fill" | "cross"), n, *rest):
            lines = ask.door("GET", "/orders")[1]
            if n < len(lines):
                act_on(ask, step[0], lines[n], *rest)
        case (("price" | "stop" | "leverage" | "all"), *rest):
            act_elsewhere(ask, step[0], *rest)
        case _:
            enter(ask, step)


def enter(ask: Asker, step: tuple[Any, ...]) -> None:
    create = "/v5/order/create"
    match step:
        case ("market", category, side, qty, reduce):
            post(
                ask,
                create,
                **ask.wish(category, side=side, qty=qty, orderType="Market", marketUnit="baseCoin", reduceOnly=reduce),
            )
        case ("limit", category, side, qty, price, tif):
            post(ask, create, **ask.wish(category, side=side, qty=qty, price=price, timeInForce=tif))
        case ("exits", category, side, qty, price, mode):
            profit, loss = ("62000", "58000") if side == "Buy" else ("58000", "62000")
            exits = {"takeProfit": profit, "stopLoss": loss, "tpslMode": mode}
            post(ask, create, **ask.wish(category, side=side, qty=qty, price=price, **exits))
        case ("conditional", category, side, qty, price, rises):
            extra: dict[str, Any] = {"orderFilter": "tpslOrder" if rises else "StopOrder"}
            extra |= {"triggerDirection": 1 if rises else 2} if category == "linear" else {}
            post(ask, create, **ask.wish(category, side=side, qty=qty, price=price, triggerPrice=price, **extra))
        case ("closing", side, qty, price):
            post(ask, create, **ask.wish(side=side, qty=qty, price=price, reduceOnly=True))
        case ("spend", amount):
            post(ask, create, **ask.wish("spot", orderType="Market", qty=str(amount), price=None))
        case _:
            raise AssertionError(step)


def act_elsewhere(ask: Asker, what: str, *rest: Any) -> None:
    match what, *rest:
        case "price", symbol, price:
            ask.price(str(price), f"{price}.1", str(price), symbol=symbol)
        case "stop", profit, loss, trail:
            body = {"takeProfit": profit, "stopLoss": loss, "trailingStop": str(trail)}
            post(ask, "/v5/position/trading-stop", category="linear", symbol="BTCUSDT", **body)
        case "leverage", value:
            both = {"buyLeverage": str(value), "sellLeverage": str(value)}
            post(ask, "/v5/position/set-leverage", category="linear", symbol="BTCUSDT", **both)
        case "all", category:
            post(ask, "/v5/order/cancel-all", category=category, symbol="BTCUSDT")
        case _:
            raise AssertionError(what)


def act_on(ask: Asker, what: str, line: dict[str, Any], *rest: Any) -> None:
    match what, *rest:
        case ("cancel",):
            post(ask, "/v5/order/cancel", **named(line))
        case "amend", qty, price:
            post(ask, "/v5/order/amend", **named(line), qty=qty, price=price)
        case "fill", qty, price:
            ask.door("POST", "/fill", {"order": line["order"], "qty": qty, "price": price})
        case "cross", price:
            ask.door("POST", "/cross", {"order": line["order"], "price": price})
        case _:
            raise AssertionError(what)


def named(line: dict[str, Any]) -> dict[str, str]:
    category = "linear" if line["symbol"] == CONTRACT else "spot"
    return {"category": category, "symbol": "BTCUSDT", "orderId": line["order"]}


def check_money(ask: Asker) -> None:
    """Balances are the start, moved by every fill and its fee; a contract moves profit at average entry."""
    coins = dict(info.START_BALANCES)
    size = cost = D(0)
    for fill in ask.door("GET", "/fills")[1]:
        sign = 1 if fill["side"] == "buy" else -1
        qty, value = D(fill["quantity"]), D(fill["quantity"]) * D(fill["price"])
        coins[fill["fee_currency"]] -= D(fill["fee"])
        if fill["symbol"] == PAIR:
            coins["BTC"] += sign * qty
            coins["USDT"] -= sign * value
        else:
            coins["USDT"] -= sign * value
            size, cost = size + sign * qty, cost + sign * value
    state = ask.venue.state
    held = state.holdings.at(info.BY_CANONICAL[CONTRACT], 0)
    assert held.size == size
    # What an open position cost has not left the wallet yet.
    assert state.wallet.balances == coins | {"USDT": coins["USDT"] + held.cost}
    logged = dict(info.START_BALANCES)
    for line in state.log:
        logged[line.coin] += line.change
        assert line.change == line.cash_flow - line.fee
    assert logged == state.wallet.balances


def check_orders(ask: Asker) -> None:
    state = ask.venue.state
    fills = ask.door("GET", "/fills")[1]
    for record in state.orders.values():
        filled = sum((D(fill["quantity"]) for fill in fills if fill["order"] == record.id), D(0))
        assert record.cum_qty == filled
        assert record.in_quote or record.cum_qty <= record.qty
        assert record.status != "Triggered"
        assert record.is_open is (record.id in state.open)
        if record.status == "Filled":
            assert record.in_quote or record.cum_qty == record.qty
    working = {str(order.order_id) for order in state.engine.open_orders()}
    assert working == {record.id for record in state.open.values() if record.in_engine}
    for coin in state.wallet.balances:
        locked = sum(
            (state.to_hold(r) for r in state.open.values()
             if r.is_spot and coin == (r.product.quote if r.side.sign > 0 else r.product.base)),
            D(0),
        )  # fmt: skip
        assert state.wallet.locked(coin) == locked


def check_closing(ask: Asker) -> None:
    """No fill of a closing order opened anything."""
    for executed in ask.venue.state.executions:
        if executed.order.reduce_only:
            assert executed.closed == executed.qty


def check_positions(ask: Asker) -> None:
    """Exits are for what there is; closing orders are never for more."""
    state = ask.venue.state
    position = state.holdings.at(info.BY_CANONICAL[CONTRACT], 0)
    for record in state.open.values():
        if record.reduce_only and record.in_engine:
            assert record.leaves <= position.closable(record.side)
        if record.stop_order_type in {"TakeProfit", "StopLoss", "TrailingStop"} and not record.in_engine:
            assert record.qty == abs(position.size)
    if not position.size:
        assert position.cost == position.open_fees == 0
        assert (position.stop.take_profit, position.stop.stop_loss, position.stop.trailing) == (None, None, None)
    money.wallet_object(state, state.wallet.balances)


@settings(max_examples=300)
@given(steps=st.lists(STEPS, max_size=25), displayed=st.booleans())
def test_coins_orders_and_positions_agree(steps: list[tuple[Any, ...]], displayed: bool) -> None:
    clock = ManualClock(MONDAY)
    ask = Asker(create_venue(clock=clock, rate=0, displayed=displayed), clock)
    ask.price("60000", "60000.1", "60000", symbol=PAIR)
    ask.price("60000", "60000.1", "60000", symbol=CONTRACT)
    for step in steps:
        act(ask, step)
        check_money(ask)
        check_orders(ask)
        check_positions(ask)
        check_closing(ask)
