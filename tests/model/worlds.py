"""Sets of facts that a venue, a network and we ourselves could leave behind about one order, as strategies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from floorbroker.domain import facts as f
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import (
    ClOrdId,
    ExecId,
    IntentId,
    OrderId,
    OrderType,
    Price,
    ProfileName,
    Quantity,
    Side,
    from_epoch,
)

START = from_epoch(s=1_770_000_000)
INTENT = IntentId("019c0000-0000-7000-8000-000000000001")
BROKER = (Source.REPLY, Source.STREAM, Source.QUERY, Source.SNAPSHOT, Source.HISTORY)

small = st.integers(1, 6).map(Decimal)
moments = st.integers(0, 30).map(lambda s: START + timedelta(seconds=s))
sources = st.sampled_from(BROKER)


@dataclass(frozen=True)
class World:
    """What is true of one order at its venue: its terms, its chain of ids, and its executions with their versions."""

    order: NewOrder
    chain: tuple[OrderId, ...]
    execs: tuple[f.Exec, ...]


def replace_id(number: int) -> IntentId:
    return IntentId(f"019c0000-0000-7000-8000-00000000010{number}")


@st.composite
def worlds(draw: st.DrawFn) -> World:
    quantity = draw(st.one_of(st.integers(1, 12).map(lambda n: Quantity(Decimal(n))), st.none()))
    order = NewOrder(
        symbol="AAPL",
        side=draw(st.sampled_from(Side)),
        order_type=OrderType.LIMIT,
        order_qty=quantity,
        notional=Decimal(1000) if quantity is None else None,
        price=Price(Decimal(100)),
    )
    # An order without a quantity cannot be replaced at any venue we know.
    chain = tuple(OrderId(name) for name in "ABC"[: draw(st.integers(1, 3 if quantity else 1))])
    execs: list[f.Exec] = []
    for number in range(draw(st.integers(0, 4))):
        link = draw(st.sampled_from(chain))
        # Corrections go one way, up or down: the rules do not say what a way down and up again took back.
        quantities = sorted(draw(st.lists(small, min_size=1, max_size=3)), reverse=draw(st.booleans()))
        for version, quantity_then in enumerate(quantities):
            execs.append(
                f.Exec(
                    source=Source.STREAM,
                    at=START,
                    exec_id=ExecId(f"x{number}"),
                    order_id=link,
                    side=order.side,
                    last_qty=Quantity(quantity_then),
                    last_px=Price(Decimal(100 + version)),
                    symbol="AAPL",
                    version=version,
                    ref=ExecId(f"x{number}") if version else None,  # said to be a correction, by the name it had
                )
            )
    return World(order, chain, tuple(execs))


def founding(world: World) -> f.Prepared:
    return f.Prepared(
        source=Source.OWN,
        at=START,
        cl_ord_id=ClOrdId(INTENT),
        profile=ProfileName("p"),
        order=world.order,
        principal="t",
    )


def _own(draw: st.DrawFn) -> f.Fact:
    at = draw(moments)
    return draw(
        st.sampled_from(
            (
                f.Sending(source=Source.OWN, at=at, deadline_s=5.0, arrival_bound_s=60.0),
                f.NotSent(source=Source.OWN, at=at, reason="refused"),
                f.InDoubt(source=Source.OWN, at=at, reason="time-out"),
                f.HorizonPassed(source=Source.OWN, at=at, presumed=True, negatives=3),
                f.HorizonPassed(source=Source.OWN, at=at, presumed=False, negatives=3),
                f.CancelAsked(source=Source.OWN, at=at, request_id="c1"),
                f.CancelAsked(source=Source.OWN, at=at, request_id="c2"),
                f.CancelRefused(source=Source.REPLY, at=at, request_id="c1"),
                f.CancelRefused(source=Source.REPLY, at=at, request_id="c2"),
            )
        )
    )


def _word(draw: st.DrawFn, world: World) -> f.Fact:
    link, at, source = draw(st.sampled_from(world.chain)), draw(moments), draw(sources)
    kind = draw(
        st.sampled_from((f.Ack, f.Working, f.Held, f.Filled, f.Cancelled, f.Expired, "late", "no", "dfd", "odd"))
    )
    match kind:
        case "late":
            # A venue refuses a replacement before the next one is asked: only the last id of a chain.
            return f.Reject(source=source, at=at, reason="late", order_id=world.chain[-1])
        case "no":
            return f.Reject(source=source, at=at, reason="no")
        case "dfd":
            return f.DoneForDay(source=source, at=at, order_id=link, day=date(2026, 2, 2))
        case "odd":
            return f.Unrecognised(source=source, at=at, text="suspended for a reason", order_id=link)
        case _:
            assert not isinstance(kind, str)
            return kind(source=source, at=at, order_id=link)


def _execution(draw: st.DrawFn, world: World) -> f.Fact:
    if not world.execs:
        return f.Void(source=draw(sources), at=draw(moments), exec_id=ExecId("x9"), order_id=world.chain[0])
    exact = draw(st.sampled_from(world.execs))
    if draw(st.integers(0, 4)) == 0:
        return f.Void(source=draw(sources), at=draw(moments), exec_id=exact.exec_id, order_id=exact.order_id)
    return replace(exact, source=draw(sources), at=draw(moments))


def _cum(draw: st.DrawFn, world: World) -> f.Fact:
    return f.Cum(
        source=draw(sources),
        at=draw(moments),
        order_id=draw(st.sampled_from(world.chain)),
        cum_qty=Quantity(Decimal(draw(st.integers(0, 12)))),
        asked_at=draw(st.one_of(moments, st.none())),
    )


def _replace(draw: st.DrawFn, world: World) -> f.Fact:
    at, number = draw(moments), draw(st.integers(1, 2))
    asked = OrderChanges(price=Price(Decimal(100 + number)), order_qty=Quantity(Decimal(10 + number)))
    if draw(st.booleans()):
        return f.ReplaceRefused(source=Source.REPLY, at=at, replace_id=replace_id(number), reason="too late")
    return f.ReplaceAsked(
        source=Source.OWN, at=at, replace_id=replace_id(number), cl_ord_id=ClOrdId(f"r{number}"), changes=asked
    )


def links(world: World, quantities: tuple[Decimal | None, ...], *, named: bool) -> list[f.Fact]:
    """The facts that join the chain."""
    return [
        f.ReplaceDone(
            source=Source.STREAM,
            at=START + timedelta(seconds=10 + number),
            orig_order_id=old,
            order_id=new,
            replace_id=replace_id(number + 1) if named else None,
            order_qty=None if quantities[number] is None else Quantity(quantities[number] or Decimal(0)),
        )
        for number, (old, new) in enumerate(zip(world.chain, world.chain[1:], strict=False))
    ]


def _in_place(draw: st.DrawFn, world: World) -> list[f.Fact]:
    """What changed the terms of an order that keeps its id, one after the other: changes of ours, cuts of the venue's own."""
    (order_id,) = world.chain
    facts: list[f.Fact] = []
    for number in range(draw(st.integers(0, 4))):
        began = START + timedelta(seconds=40 + 2 * number)
        heard, quantity = began + timedelta(seconds=draw(st.integers(1, 9))), Quantity(draw(small))
        ours = replace_id(5 + number) if draw(st.booleans()) else None
        told = began + timedelta(seconds=1) if ours is None or draw(st.booleans()) else None
        if ours is not None:
            asked = OrderChanges(order_qty=quantity)
            facts.append(
                f.ReplaceAsked(source=Source.OWN, at=began, replace_id=ours, cl_ord_id=ClOrdId(ours), changes=asked)
            )
        done = f.ReplaceDone(
            source=draw(sources), at=heard, venue_time=told, orig_order_id=order_id, order_id=order_id,
            replace_id=ours, order_qty=quantity,
        )  # fmt: skip
        facts.append(done)
    return facts


@st.composite
def histories(draw: st.DrawFn, *, linked: bool = False) -> list[f.Fact]:
    """Facts about one order, the founding one among them.  `linked`: every venue id is joined to the chain."""
    world = draw(worlds())
    facts: list[f.Fact] = [founding(world)]
    quantities = tuple(draw(st.one_of(small, st.none())) for _ in range(2))
    chain = links(world, quantities, named=draw(st.booleans()))
    facts += chain if linked else [fact for fact in chain if draw(st.booleans())]
    if len(world.chain) == 1 and world.order.order_qty is not None:
        facts += _in_place(draw, world)
    for _ in range(draw(st.integers(0, 8))):
        what = draw(st.sampled_from(("own", "word", "execution", "execution", "cum", "replace")))
        match what:
            case "own":
                facts.append(_own(draw))
            case "word":
                facts.append(_word(draw, world))
            case "execution":
                facts.append(_execution(draw, world))
            case "cum":
                facts.append(_cum(draw, world))
            case _:
                facts.append(_replace(draw, world))
    return facts
