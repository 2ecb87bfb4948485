"""What holds at the venue whatever happens: money is conserved, and every door tells the same story."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.binance import info
from floorbroker_sim.binance.venue import create_venue
from tests.unit.sim.binance.conftest import MONDAY, Asker, Listener
from tests.unit.sim.binance.test_lists import OTO, SELL_OCO

SIDES = st.sampled_from(["BUY", "SELL"])
PRICES = st.integers(55_000, 65_000)
SIZES = st.integers(1, 60).map(lambda n: f"{n / 1000:.3f}")
MODES = st.sampled_from(info.PREVENTIONS)
STEPS = st.one_of(
    st.tuples(st.just("order"), SIDES, st.sampled_from(["LIMIT", "MARKET", "LIMIT_MAKER"]), SIZES, PRICES, MODES),
    st.tuples(st.just("order"), SIDES, st.sampled_from(["STOP_LOSS", "TAKE_PROFIT_LIMIT", "STOP_LOSS_LIMIT"]), SIZES, PRICES,
              MODES),
    st.tuples(st.just("worth"), SIDES, st.integers(10, 3000)),
    st.tuples(st.just("oco"), SIZES, st.integers(1, 3000)),
    st.tuples(st.just("oto"), SIZES, PRICES, PRICES),
    st.tuples(st.just("price"), PRICES),
    st.tuples(st.just("cancel"), st.integers(0, 30)),
    st.tuples(st.just("amend"), st.integers(0, 30), SIZES),
    st.tuples(st.just("replace"), st.integers(0, 30), SIZES, PRICES),
    st.tuples(st.just("fill"), st.integers(0, 30), SIZES, PRICES),
    st.tuples(st.just("time"), st.integers(1, 90)),
)  # fmt: skip


def act(ask: Asker, step: tuple[Any, ...]) -> None:
    """One step; what the venue refuses changes nothing."""
    match step:
        case ("order", side, kind, qty, price, mode):
            order(ask, {"side": side, "type": kind, "quantity": qty, "selfTradePreventionMode": mode}, str(price))
        case ("worth", side, worth):
            ask.asked("POST", "/api/v3/order", symbol="BTCUSDT", side=side, type="MARKET", quoteOrderQty=str(worth))
        case ("oco", qty, away):
            near = {
                "abovePrice": str(60_000 + away),
                "belowStopPrice": str(60_000 - away),
                "belowPrice": str(59_990 - away),
            }
            ask.asked("POST", "/api/v3/orderList/oco", **(SELL_OCO | near | {"quantity": qty}))
        case ("oto", qty, first, second):
            prices = {"workingPrice": str(first), "pendingPrice": str(second)}
            ask.asked(
                "POST", "/api/v3/orderList/oto", **(OTO | prices | {"workingQuantity": qty, "pendingQuantity": qty})
            )
        case ("price", price):
            ask.price(f"{price - 1}", f"{price + 1}", f"{price}")
        case ("time", seconds):
            ask.step(seconds)
        case (what, n, *rest):
            lines = ask.door("GET", "/orders")[1]
            if n < len(lines):
                change(ask, what, lines[n]["order"], *rest)


def order(ask: Asker, wish: dict[str, str], price: str) -> None:
    """An order with the parameters its type asks for."""
    kind = wish["type"]
    if kind in info.CONTINGENT:
        wish["stopPrice"] = price
    if kind in info.PRICED:
        wish["price"] = price
    if kind in info.TIMED:
        wish["timeInForce"] = "GTC"
    ask.asked("POST", "/api/v3/order", symbol="BTCUSDT", **wish)


def change(ask: Asker, what: str, number: str, qty: str = "", price: int = 0) -> None:
    """A step on an order that is, or was."""
    named = {"symbol": "BTCUSDT", "orderId": number}
    match what:
        case "cancel":
            ask.asked("DELETE", "/api/v3/order", **named)
        case "amend":
            ask.asked("PUT", "/api/v3/order/amend/keepPriority", **named, newQty=qty)
        case "replace":
            wish = ask.order_of(quantity=qty, price=str(price), cancelReplaceMode="ALLOW_FAILURE")
            ask.asked("POST", "/api/v3/order/cancelReplace", **wish, cancelOrderId=number)
        case _:
            ask.door("POST", "/fill", {"order": number, "qty": qty, "price": str(price)})


def check(ask: Asker) -> None:
    """Balances are the start and the fills; nothing is owed twice; the engine and the venue agree on what is open."""
    fills = ask.door("GET", "/fills")[1]
    totals = dict(info.START_BALANCES)
    for fill in fills:
        sign = 1 if fill["side"] == "buy" else -1
        qty, worth = Decimal(fill["quantity"]), Decimal(fill["quantity"]) * Decimal(fill["price"])
        totals["BTC"] += sign * qty
        totals["USDT"] -= sign * worth
        totals[fill["fee_currency"]] -= Decimal(fill["fee"])
    held = {line["asset"]: line for line in ask("GET", "/api/v3/account")["balances"]}
    for asset, total in totals.items():
        free, locked = Decimal(held[asset]["free"]), Decimal(held[asset]["locked"])
        assert free + locked == total, asset
        assert locked >= 0, asset
    assert {p["symbol"]: Decimal(p["quantity"]) for p in ask.door("GET", "/positions")[1]} == {
        a: t for a, t in totals.items() if t
    }
    _check_orders(ask, fills)


def _check_orders(ask: Asker, fills: list[Any]) -> None:
    state, desk = ask.venue.state, ask.venue.desk
    for record in state.orders.values():
        filled = sum((Decimal(f["quantity"]) for f in fills if f["order"] == str(record.id)), Decimal(0))
        assert record.executed == filled
        assert record.ticket.quote_qty or record.executed + record.prevented <= record.qty
        assert record.is_open == (record.id in state.open)
        assert (record.status == "FILLED") == (
            filled > 0 and not record.is_open and not record.leaves
        ) or record.ticket.quote_qty
    working = {int(order.order_id) for order in desk.engine.open_orders()}
    assert working == {record.id for record in state.open.values() if desk.is_at_engine(record)}
    waiting = {record.id for record in state.open.values() if not desk.is_at_engine(record)}
    assert waiting == set(desk.waiting) | {record.id for record in state.open.values() if record.is_pending}
    for orders in state.lists.values():
        assert orders.is_open == any(member.is_open for member in state.members(orders))


class Ledger:
    """What a client knows that only listens."""

    def __init__(self, user: Listener) -> None:
        self.user = user
        self.orders: dict[int, dict[str, Any]] = {}
        self.free: dict[str, str] = {}

    def hear(self) -> None:
        for event in self.user.events():
            if event["e"] == "executionReport":
                self.orders[event["i"]] = event
            elif event["e"] == "outboundAccountPosition":
                self.free |= {line["a"]: line["f"] for line in event["B"]}

    def agrees(self, ask: Asker) -> None:
        for record in ask.venue.state.orders.values():
            told = self.orders[record.id]
            assert told["X"] == record.status, told
            assert Decimal(told["z"]) == record.executed
        held = {line["asset"]: line["free"] for line in ask("GET", "/api/v3/account")["balances"]}
        assert {asset: held[asset] for asset in self.free} == self.free


@settings(max_examples=80)
@given(steps=st.lists(STEPS, max_size=25), displayed=st.booleans())
def test_money_is_conserved_and_who_listens_knows_all(steps: list[tuple[Any, ...]], displayed: bool) -> None:
    clock = ManualClock(MONDAY)
    ask = Asker(create_venue(clock=clock, rate=0, displayed=displayed), clock)
    ask.price("59999", "60001", "60000")
    ledger = Ledger(ask.account())
    for step in steps:
        act(ask, step)
        check(ask)
        ledger.hear()
        ledger.agrees(ask)
