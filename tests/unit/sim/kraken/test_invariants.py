"""What holds at the venue whatever happens: money is neither made nor lost, and the books agree after every step."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.kraken.venue import create_venue
from tests.unit.sim.kraken.conftest import START, Desk, Line, channel

TYPES = ["market", "limit", "iceberg", "stop-loss", "take-profit", "stop-loss-limit", "take-profit-limit", "trailing-stop",
         "trailing-stop-limit"]  # fmt: skip
PRICES = st.integers(50_000, 70_000)
STEPS = st.one_of(
    st.tuples(st.just("order"), st.sampled_from(["buy", "sell"]), st.sampled_from(TYPES), st.integers(1, 9), PRICES,
              st.sampled_from(["", "post", "fcib", "close", "ioc", "cancel-both"])),
    st.tuples(st.just("price"), PRICES),
    st.tuples(st.just("cancel"), st.integers(0, 20)),
    st.tuples(st.just("amend"), st.integers(0, 20), st.integers(1, 9), PRICES),
    st.tuples(st.just("edit"), st.integers(0, 20), st.integers(1, 9), PRICES),
    st.tuples(st.just("fill"), st.integers(0, 20), st.integers(1, 3), PRICES),
    st.tuples(st.just("wait"), st.integers(1, 100)),
    st.tuples(st.just("switch"), st.sampled_from([0, 30])),
)  # fmt: skip


def terms(kind: str, price: int) -> dict[str, str]:
    """The prices a type needs."""
    match kind:
        case "market":
            return {}
        case "trailing-stop":
            return {"price": "+2%"}
        case "trailing-stop-limit":
            return {"price": "+500", "price2": "-10"}
        case "iceberg":
            return {"price": str(price), "displayvol": "0.1"}
        case _ if kind.endswith("-limit"):
            return {"price": str(price), "price2": str(price + 5)}
        case _:
            return {"price": str(price)}


def act(desk: Desk, step: tuple[Any, ...]) -> None:
    """One step; what the venue refuses changes nothing."""
    lines = desk.door("GET", "/orders")[1]
    match step:
        case ("order", side, kind, tenths, price, extra):
            wish = {"pair": "XBTUSD", "type": side, "ordertype": kind, "volume": f"0.{tenths}"} | terms(kind, price)
            wish |= {"post": {"oflags": "post"}, "fcib": {"oflags": "fcib"}, "ioc": {"timeinforce": "IOC"},
                     "close": {"close[ordertype]": "limit", "close[price]": str(price)},
                     "cancel-both": {"stptype": "cancel-both"}}.get(extra, {})  # fmt: skip
            desk.post("AddOrder", wish)
        case ("price", price):
            desk.price(f"{price}.0", f"{price}.2")
        case ("cancel", n) if n < len(lines):
            desk.post("CancelOrder", {"txid": lines[n]["order"]})
        case ("amend", n, tenths, price) if n < len(lines):
            desk.post("AmendOrder", {"txid": lines[n]["order"], "order_qty": f"0.{tenths}", "limit_price": str(price)})
        case ("edit", n, tenths, price) if n < len(lines):
            fields = {"txid": lines[n]["order"], "pair": "XBTUSD", "volume": f"0.{tenths}", "price": str(price)}
            desk.post("EditOrder", fields)
        case ("fill", n, tenths, price) if n < len(lines):
            desk.door("POST", "/fill", {"order": lines[n]["order"], "qty": f"0.{tenths}", "price": str(price)})
        case ("wait", seconds):
            desk.wait(seconds)
        case ("switch", seconds):
            desk.post("CancelAllOrdersAfter", {"timeout": str(seconds)})
        case _:
            pass


class Ear:
    """A client that keeps orders and balances by what it hears, and counts the messages."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.status: dict[str, str] = {}
        self.traded: dict[str, Decimal] = {}
        self.balances: dict[str, Decimal] = {}
        self.sequences: dict[str, list[int]] = {"executions": [], "balances": []}
        self.take([*line.private("executions"), *line.private("balances")])

    def listen(self) -> None:
        self.take(self.line.heard())

    def take(self, frames: list[Any]) -> None:
        for name, numbers in self.sequences.items():
            numbers += [frame["sequence"] for frame in channel(frames, name)]
        for frame in frames:
            if frame.get("channel") == "executions":
                for row in frame["data"]:
                    self.status[row["order_id"]] = row["order_status"]
                    if row["exec_type"] == "trade":
                        self.traded[row["order_id"]] = self.traded.get(row["order_id"], Decimal(0)) + row["last_qty"]
            elif frame.get("channel") == "balances":
                self.balances |= {row["asset"]: row["balance"] for row in frame["data"]}


def check(desk: Desk, ear: Ear) -> None:
    """Every view of the account agrees with every other."""
    state = desk.venue.state
    lines = state.wallet.lines.values()
    for name, balance in state.wallet.balances.items():
        mine = [line for line in lines if line.asset.name == name]
        assert sum((line.amount - line.fee for line in mine), Decimal(0)) == balance
        held = sum((r.hold[1] for r in state.open.values() if r.hold[0] == name), Decimal(0))
        assert state.wallet.held(name) == held
        assert ear.balances[name] == balance
    coins = sum((t.side.sign * t.qty for t in state.trades.values()), Decimal(0))
    fees = sum((t.fee_qty for t in state.trades.values() if t.fee_asset.name == "BTC"), Decimal(0))
    assert state.wallet.balances["BTC"] == 2 + coins - fees
    assert state.wallet.available("BTC") >= 0
    for record in state.orders.values():
        trades = [state.trades[name] for name in record.trades]
        assert sum((t.qty for t in trades), Decimal(0)) == record.filled == ear.traded.get(record.id, Decimal(0))
        assert sum((t.cost for t in trades), Decimal(0)) == record.spent
        assert sum((t.fee for t in trades), Decimal(0)) == record.fee
        assert record.qty is None or record.filled <= record.qty
        assert record.status != "closed" or record.filled == record.qty
        assert not record.is_open or record.filled != record.qty
        assert (record.id in state.open) == record.is_open
    lines_by_id = {line["order"]: line["status"] for line in desk.door("GET", "/orders")[1]}
    assert {i: s for i, s in ear.status.items() if s not in {"new", "partially_filled"}} == {
        i: s for i, s in lines_by_id.items() if s not in {"new", "partially_filled"}
    }
    for numbers in ear.sequences.values():
        assert numbers == list(range(1, len(numbers) + 1))


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(STEPS, max_size=20), displayed=st.booleans())
def test_whatever_happens_the_books_agree(steps: list[tuple[Any, ...]], displayed: bool) -> None:
    clock = ManualClock(START)
    desk = Desk(create_venue(clock=clock, rate=0, displayed=displayed), clock)
    desk.price("60000.0", "60000.2", "60000")
    ear = Ear(desk.socket())
    for step in steps:
        act(desk, step)
        ear.listen()
        check(desk, ear)


@settings(max_examples=15, deadline=None)
@given(steps=st.lists(STEPS, max_size=15), seed=st.integers(0, 5))
def test_the_same_seed_and_steps_give_the_same_story(steps: list[tuple[Any, ...]], seed: int) -> None:
    def story() -> list[Any]:
        clock = ManualClock(START)
        desk = Desk(create_venue(clock=clock, rate=0, seed=seed), clock)
        line = desk.socket()
        told = [line.private("executions"), line.say("subscribe", {"channel": "book", "symbol": ["BTC/USD"]})]
        for step in steps:
            act(desk, step)
            told.append(line.heard())
        return [told, desk.door("GET", "/orders"), desk.door("GET", "/fills")]

    assert story() == story()
