"""The engine against a naive second reading, over random histories; and what must hold in every one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.orders import NewOrder, OrderChanges, StopLoss
from floorbroker.domain.values import ZERO, OrderClass, OrderId, OrderType, Price, Quantity, Side, TimeInForce
from floorbroker.matching import BadOrder, Bps, Engine, Fill, Ledger, Liquidity, NotOpen
from tests.unit.matching.reference import Reference, Slip
from tests.unit.matching.venue import Venue, px

CENTS = st.integers(9500, 10500)
TIFS = st.sampled_from(["gtc", "gtc", "ioc", "fok"])
SIDES = st.sampled_from(["buy", "sell"])
QTY = st.integers(1, 50)


@dataclass(frozen=True)
class Step:
    """One line of a history; what the numbers mean depends on `what`."""

    what: str
    side: str = "buy"
    qty: int = 1
    a: int = 0
    b: int = 0
    tif: str = "gtc"


def steps() -> st.SearchStrategy[Step]:
    kinds = st.sampled_from(
        ["market", "limit", "stop", "stop_limit", "trailing_stop", "bracket", "oco", "market_if_touched",
         "limit_if_touched", "post_only", "iceberg", "iceberg"]
    )  # fmt: skip
    return st.one_of(
        st.builds(
            Step,
            what=kinds,
            side=SIDES,
            qty=QTY,
            a=CENTS,
            b=st.integers(1, 300),
            tif=TIFS,
        ),
        st.builds(Step, what=st.just("quote"), qty=QTY, a=CENTS, b=st.integers(1, 100)),
        st.builds(Step, what=st.just("quote"), qty=QTY, a=CENTS, b=st.integers(1, 100)),
        st.builds(Step, what=st.just("trade"), a=CENTS),
        st.builds(Step, what=st.just("cancel"), a=st.integers(0, 30)),
        st.builds(Step, what=st.just("replace"), a=st.integers(0, 30), qty=QTY, b=CENTS, side=SIDES),
    )


def money(cents: int) -> Price:
    return Price(Decimal(cents) / 100)


class Both:
    """The same history told to the engine and to the reference."""

    def __init__(self, liquidity: Liquidity, **options: object) -> None:
        self.venue = Venue(liquidity=liquidity, **options)
        self.naive = Reference(displayed=liquidity is Liquidity.DISPLAYED)
        self.names: list[str] = []
        self.fills: list[Fill] = []

    def _heard(self, events: list[object]) -> None:
        self.fills += [event for event in events if isinstance(event, Fill)]

    def play(self, step: Step) -> None:
        handler: Callable[[Step], None] = getattr(self, f"_{step.what}", self._order)
        handler(step)

    def _quote(self, step: Step) -> None:
        bid, ask = step.a, step.a + step.b
        self.naive.quote(bid, ask, step.qty)
        self._heard([*self.venue.quote(str(money(bid)), str(money(ask)), size=step.qty)])

    def _trade(self, step: Step) -> None:
        if self.naive.bid is None:
            return  # without quotes a trade stands for both sides: another rule, tested by example
        self.naive.trade(step.a)
        self._heard([*self.venue.trade(str(money(step.a)))])

    def _cancel(self, step: Step) -> None:
        if not self.names:
            return
        name = self.names[step.a % len(self.names)]
        try:
            self._heard([*self.venue.cancel(name)])
            done = True
        except NotOpen:
            done = False
        assert self.naive.cancel(name) == done

    def _replace(self, step: Step) -> None:
        if not self.names:
            return
        name = self.names[step.a % len(self.names)]
        limit = step.b if step.side == "buy" else None
        changes = OrderChanges(order_qty=Quantity(Decimal(step.qty)), price=None if limit is None else money(limit))
        try:
            self._heard([*self.venue.engine.replace(OrderId(name), changes, at=self.venue.tick())])
            done = True
        except (NotOpen, BadOrder):
            done = False
        assert self.naive.shrink_or_move(name, step.qty, limit) == done

    def _order(self, step: Step) -> None:
        name = f"o{len(self.naive.slips)}"
        terms, slips = made(step, name)
        self.naive.submit(*slips)
        self._heard([*self.venue.submit(name, terms)])
        children = self.venue.engine.order(OrderId(name)).children
        for slip, child in zip(slips[1:], children, strict=True):
            slip.name = child
        self.names += [slip.name for slip in slips]

    def agree(self) -> None:
        engine = self.venue.engine
        told = [(fill.order_id, int(fill.qty), int(fill.price * 100)) for fill in self.fills]
        assert told == [(slip.name, qty, price) for slip, qty, price in self.naive.fills]
        for slip in self.naive.slips:
            ours = engine.order(OrderId(slip.name))
            assert (ours.status.value, int(ours.cum_qty), ours.triggered) == (slip.status, slip.filled, slip.elected), (
                slip
            )
            if slip.stop is not None:
                assert ours.stop_px == money(slip.stop)


def made(step: Step, name: str) -> tuple[NewOrder, list[Slip]]:
    """The engine's terms and the reference's slips for one step."""
    side, sign = Side(step.side), 1 if step.side == "buy" else -1
    tif = TimeInForce(step.tif)
    qty = Quantity(Decimal(step.qty))
    limit, stop = money(step.a), money(step.a + sign * step.b)
    base = {"symbol": "AAPL", "side": side, "order_qty": qty, "tif": tif}
    slip = Slip(name=name, side=step.side, kind=step.what, qty=step.qty, tif=step.tif)
    match step.what:
        case "market":
            return NewOrder(**base, order_type=OrderType.MARKET), [slip]
        case "limit":
            slip.limit = step.a
            return NewOrder(**base, order_type=OrderType.LIMIT, price=limit), [slip]
        case "stop":
            slip.stop = step.a
            return NewOrder(**base, order_type=OrderType.STOP, stop_px=limit), [slip]
        case "stop_limit":
            slip.limit, slip.stop = step.a + sign * step.b, step.a
            return NewOrder(**base, order_type=OrderType.STOP_LIMIT, price=stop, stop_px=limit), [slip]
        case "market_if_touched":
            slip.stop = step.a
            return NewOrder(**base, order_type=OrderType.MARKET_IF_TOUCHED, stop_px=limit), [slip]
        case "limit_if_touched":
            slip.limit, slip.stop = step.a + sign * step.b, step.a
            return NewOrder(**base, order_type=OrderType.LIMIT_IF_TOUCHED, price=stop, stop_px=limit), [slip]
        case "post_only" | "iceberg":
            return _resting(step, base, slip)
        case "trailing_stop":
            slip.trail = step.b
            return NewOrder(**base, order_type=OrderType.TRAILING_STOP, trail_amount=money(step.b)), [slip]
        case "bracket":
            return _bracket(step, base, slip, sign)
        case _:
            return _oco(step, base, slip, sign)


def _resting(step: Step, base: dict, slip: Slip) -> tuple[NewOrder, list[Slip]]:
    """A limit that never takes, or one that shows a third of itself."""
    base["tif"], slip.tif, slip.kind, slip.limit = TimeInForce.GTC, "gtc", "limit", step.a
    slip.post = step.what == "post_only" or step.tif != "gtc"
    slip.display = max(step.qty // 3, 1) if step.what == "iceberg" and step.qty > 1 else None
    shown = None if slip.display is None else Quantity(Decimal(slip.display))
    terms = NewOrder(**base, order_type=OrderType.LIMIT, price=money(step.a), post_only=slip.post, display_qty=shown)
    return terms, [slip]


def _bracket(step: Step, base: dict, slip: Slip, sign: int) -> tuple[NewOrder, list[Slip]]:
    base["tif"], slip.tif, slip.kind, slip.limit = TimeInForce.GTC, "gtc", "limit", step.a
    away = "sell" if step.side == "buy" else "buy"
    exits = {"side": away, "qty": step.qty, "after": slip.name, "pair": slip.name}
    profit = Slip(name=f"{slip.name}tp", kind="limit", limit=step.a + sign * step.b, **exits)
    loss = Slip(name=f"{slip.name}sl", kind="stop", stop=step.a - sign * step.b, **exits)
    terms = NewOrder(
        **base,
        order_type=OrderType.LIMIT,
        price=money(step.a),
        order_class=OrderClass.BRACKET,
        take_profit=money(step.a + sign * step.b),
        stop_loss=StopLoss(stop_px=money(step.a - sign * step.b)),
    )
    return terms, [slip, profit, loss]


def _oco(step: Step, base: dict, slip: Slip, sign: int) -> tuple[NewOrder, list[Slip]]:
    base["tif"], slip.tif, slip.kind, slip.limit, slip.pair = TimeInForce.GTC, "gtc", "limit", step.a, slip.name
    loss = Slip(
        name=f"{slip.name}sl", side=step.side, kind="stop", qty=step.qty, stop=step.a + sign * step.b, pair=slip.name
    )
    terms = NewOrder(
        **base,
        order_type=OrderType.LIMIT,
        price=money(step.a),
        order_class=OrderClass.OCO,
        stop_loss=StopLoss(stop_px=money(step.a + sign * step.b)),
    )
    return terms, [slip, loss]


HISTORIES = st.lists(steps(), min_size=1, max_size=25)
LIQUIDITY = st.sampled_from(Liquidity)


@settings(max_examples=300, deadline=None)
@given(history=HISTORIES, liquidity=LIQUIDITY)
def test_the_engine_agrees_with_the_naive_reading_after_every_step(history: list[Step], liquidity: Liquidity) -> None:
    both = Both(liquidity)
    for step in history:
        both.play(step)
        both.agree()


@settings(max_examples=100, deadline=None)
@given(history=HISTORIES, liquidity=LIQUIDITY)
def test_no_resting_order_crosses_the_market(history: list[Step], liquidity: Liquidity) -> None:
    both = Both(liquidity)
    for step in history:
        both.play(step)
        if both.naive.bid is not None:
            assert not crossed(both.venue.engine, both.naive)


def crossed(engine: Engine, naive: Reference) -> list[OrderId]:
    """Live limit orders that a shown price would satisfy while there is something left at it."""
    found: list[OrderId] = []
    for order in engine.open_orders():
        is_buy = order.side is Side.BUY
        touch, left = (naive.ask, naive.ask_left) if is_buy else (naive.bid, naive.bid_left)
        if not order.is_live or order.is_waiting_stop or touch is None or (naive.displayed and left == 0):
            continue
        if order.limit is None or (money(touch) <= order.limit if is_buy else money(touch) >= order.limit):
            found.append(order.order_id)
    return found


@settings(max_examples=100, deadline=None)
@given(history=HISTORIES)
def test_displayed_quantity_is_conserved(history: list[Step]) -> None:
    both = Both(Liquidity.DISPLAYED)
    for step in history:
        before = len(both.fills)
        both.play(step)
        if step.what == "quote":
            taken = [sum(f.qty for f in both.fills[before:] if f.side is side) for side in Side]
            assert max(taken) <= step.qty
    for order in both.venue.engine.orders():
        assert order.cum_qty == sum((fill.qty for fill in order.fills), ZERO)
        if order.is_open and order.leaves_qty is not None:
            assert order.order.order_qty == order.cum_qty + order.leaves_qty
            assert order.leaves_qty > 0


@settings(max_examples=100, deadline=None)
@given(history=HISTORIES)
def test_cash_agrees_with_positions_profit_and_fees(history: list[Step]) -> None:
    both = Both(Liquidity.DISPLAYED, fees=Bps(taker=Decimal(5), maker=Decimal(2)))
    start = Decimal(100_000)
    ledger = Ledger(currency="USD", cash=start)
    for step in history:
        both.play(step)
    for fill in both.fills:
        ledger.apply(fill)
    signed = sum((fill.side.sign * fill.qty for fill in both.fills), ZERO)
    paid = sum((fill.side.sign * fill.qty * fill.price + fill.fee for fill in both.fills), ZERO)
    position = ledger.position("AAPL")
    assert position.qty == signed
    assert ledger.cash == start - paid
    assert ledger.cash == start + ledger.realized - ledger.fees - position.cost
    assert ledger.equity(lambda _: px(100)) == start - paid + signed * 100


@settings(max_examples=100, deadline=None)
@given(history=HISTORIES, liquidity=LIQUIDITY)
def test_the_better_price_and_then_the_older_order_goes_first(history: list[Step], liquidity: Liquidity) -> None:
    both = Both(liquidity)
    for step in history:
        resting = {
            order.order_id: (order.limit, order.seq)
            for order in both.venue.engine.open_orders()
            if order.is_live and order.resting and order.limit is not None
        }
        before = len(both.fills)
        both.play(step)
        if step.what != "quote":
            continue
        for side in Side:
            traded = [f.order_id for f in both.fills[before:] if f.side is side and f.order_id in resting and f.maker]
            filled = dict.fromkeys(traded)  # an iceberg comes again, for the next part of it
            keys = [(-side.sign * resting[o][0], resting[o][1]) for o in filled]
            assert keys == sorted(keys)


def test_a_history_replays_to_the_same_events() -> None:
    history = [
        Step("quote", qty=30, a=10000, b=10),
        Step("bracket", "buy", 20, 10010, 50),
        Step("limit", "sell", 5, 10030, 1),
        Step("quote", qty=10, a=10060, b=10),
        Step("quote", qty=40, a=9940, b=10),
    ]
    told = []
    for _ in range(2):
        both = Both(Liquidity.DISPLAYED)
        for step in history:
            both.play(step)
        told.append(both.fills)
    assert told[0]
    assert told[0] == told[1]
