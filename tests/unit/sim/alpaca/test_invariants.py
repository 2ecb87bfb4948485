"""What holds at the venue whatever happens: the books agree with each other after every step."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.alpaca.venue import create_venue
from tests.unit.sim.conftest import MONDAY, Asker

SYMBOLS = st.sampled_from(["AAPL", "MSFT"])
STEPS = st.one_of(
    st.tuples(st.just("order"), SYMBOLS, st.sampled_from(["buy", "sell"]), st.sampled_from(["market", "limit", "stop"]),
              st.integers(1, 50), st.integers(90, 110)),
    st.tuples(st.just("bracket"), SYMBOLS, st.integers(1, 50), st.integers(90, 110)),
    st.tuples(st.just("price"), SYMBOLS, st.integers(85, 115)),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("replace"), st.integers(0, 30), st.integers(1, 60), st.integers(90, 110)),
    st.tuples(st.just("fill"), st.integers(0, 30), st.integers(1, 20), st.integers(90, 110)),
    st.tuples(st.just("bust"), st.integers(0, 30)),
)  # fmt: skip


def act(ask: Asker, step: tuple[Any, ...]) -> None:
    """One step; what the venue refuses changes nothing."""
    lines = ask.door("GET", "/orders")[1]
    match step:
        case ("order", symbol, side, kind, qty, price):
            wish = {"symbol": symbol, "side": side, "type": kind, "qty": str(qty), "time_in_force": "gtc"}
            wish |= {"limit": {"limit_price": str(price)}, "stop": {"stop_price": str(price)}}.get(kind, {})
            post(ask, wish)
        case ("bracket", symbol, qty, price):
            exits = {"take_profit": {"limit_price": str(price + 5)}, "stop_loss": {"stop_price": str(price - 5)}}
            wish = {"symbol": symbol, "side": "buy", "type": "limit", "qty": str(qty), "time_in_force": "gtc"}
            post(ask, wish | {"limit_price": str(price), "order_class": "bracket"} | exits)
        case ("price", symbol, price):
            ask.price(f"{price}.00", f"{price}.02", symbol=symbol)
        case ("cancel", n) if n < len(lines):
            ask.raw("DELETE", f"/v2/orders/{lines[n]['order']}")
        case ("replace", n, qty, price) if n < len(lines):
            body = json.dumps({"qty": str(qty), "limit_price": str(price)}).encode()
            ask.raw("PATCH", f"/v2/orders/{lines[n]['order']}", body)
        case ("fill", n, qty, price) if n < len(lines):
            ask.door("POST", "/fill", {"order": lines[n]["order"], "qty": str(qty), "price": str(price)})
        case ("bust", n):
            fills = ask.door("GET", "/fills")[1]
            if n < len(fills):
                ask.door("POST", "/busts", {"exec": fills[n]["exec"]})
        case _:
            pass


def post(ask: Asker, wish: dict[str, Any]) -> None:
    ask.raw("POST", "/v2/orders", json.dumps(wish).encode())


def check(ask: Asker) -> None:
    orders, fills, positions = (ask.door("GET", path)[1] for path in ("/orders", "/fills", "/positions"))
    sign = {"buy": 1, "sell": -1}
    held: dict[str, Decimal] = {}
    cash = Decimal(100_000)
    for fill in fills:
        qty = sign[fill["side"]] * Decimal(fill["quantity"])
        held[fill["symbol"]] = held.get(fill["symbol"], Decimal(0)) + qty
        cash -= qty * Decimal(fill["price"])
    assert {p["symbol"]: Decimal(p["quantity"]) for p in positions} == {s: q for s, q in held.items() if q}
    assert Decimal(ask("GET", "/v2/account")["cash"]) == cash
    for order in orders:
        filled = sum((Decimal(f["quantity"]) for f in fills if f["order"] == order["order"]), Decimal(0))
        assert Decimal(order["filled"]) == filled <= Decimal(order["quantity"])
    state = ask.venue.state
    open_ids = {record.id for record in state.open.all()}
    assert open_ids == {str(order.order_id) for order in state.engine.open_orders()}
    assert open_ids == {record.id for record in state.orders.values() if record.is_open}
    assert state.open.reserved == sum((record.reserved for record in state.orders.values()), Decimal(0))


@settings(max_examples=60)
@given(steps=st.lists(STEPS, max_size=25))
def test_positions_cash_orders_and_reservations_agree(steps: list[tuple[Any, ...]]) -> None:
    clock = ManualClock(MONDAY)
    ask = Asker(create_venue(clock=clock, rate=0), clock)
    for symbol in ("AAPL", "MSFT"):
        ask.price("100.00", "100.02", symbol=symbol)
    for step in steps:
        act(ask, step)
        check(ask)
