"""Where an id of ours is a label alone (class C) the venue may lose it: the order holds the doubt until a person decides (I3)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from floorbroker.domain.capability import IdentityClass
from floorbroker.domain.orders import Order, OrderState, StopLoss
from floorbroker.domain.values import OrderClass, OrdStatus, Price
from floorbroker.oms.inquest import Act
from tests.conformance.simulated import Simulated
from tests.conformance.venues import SIMULATED
from tests.conformance.virtual import CALLER, DROPPED, VirtualDesk, played, simulated_desk, simulator
from tests.simulation.asgi import ask
from tests.simulation.loop import SimulatedLoop

LABELLED = {name: kind for name, kind in SIMULATED.items() if kind.info.identity is IdentityClass.C}
labelled = pytest.mark.parametrize("kind", LABELLED.values(), ids=LABELLED)
LONG_S = 300.0  # a candidate made later than this is none; a third of it is enough for the horizon and three negatives
BRACKET = {
    "order_class": OrderClass.BRACKET,
    "take_profit": Price(Decimal(60)),
    "stop_loss": StopLoss(stop_px=Price(Decimal(40))),
}
groups = pytest.mark.parametrize("terms", [{}, BRACKET], ids=["simple", "group"])


def test_some_venue_has_labels_alone() -> None:
    assert LABELLED


async def lost(desk: VirtualDesk, venue: Any, kind: Simulated, **terms: Any) -> tuple[Order, Any]:
    """An order whose reply never came, and no word on a stream; and what the venue has of it: under no label any more."""
    method, path = kind.goods.commands["submit"]
    cut = {"where": "reply", "what": "cut", "when": {"nth": 1}, "match": {"method": method, "path": path}, "args": {}}
    await plan(venue, cut, DROPPED)
    order = await desk.place(**terms)
    assert order.state is OrderState.UNKNOWN
    record = venue.state.find(order.cl_ord_id)
    unlabel(record)
    await plan(venue)
    return order, record


async def plan(venue: Any, *faults: object) -> None:
    assert (await ask(venue.control_app, "POST", "/faults", msgspec.json.encode({"faults": faults}))).status < 300


def unlabel(record: Any) -> None:
    """A simulator keeps the label with its order, or with the order's terms and in each line of its history."""
    if hasattr(record, "tag"):
        record.tag = ""
        return
    record.terms = replace(record.terms, tag="")
    for line in record.history:
        line["tag"] = None


def sent(venue: Any, kind: Simulated) -> int:
    method, path = kind.goods.commands["submit"]
    return sum(1 for seen in venue.app.seen if seen.method == method and seen.path.endswith(path.rpartition("/")[2]))


@labelled
@groups
def test_an_order_whose_label_was_lost_holds_the_doubt_also_after_it_filled(
    tmp_path: Path, kind: Simulated, terms: dict[str, Any]
) -> None:
    if terms.get("order_class", OrderClass.SIMPLE) not in kind.info.order_classes:
        pytest.skip(f"{kind.info.name} has no groups")

    async def play(loop: SimulatedLoop) -> None:
        venue = simulator(kind, loop)
        async with simulated_desk(kind, loop, tmp_path, venue=venue) as desk:
            order, record = await lost(desk, venue, kind, **terms)
            await loop.nap(LONG_S)
            entry = record.legs[0] if terms else record
            venue.force_fill(str(entry.id), Decimal(4), Decimal(50))
            await loop.nap(LONG_S / 3)
            assert desk.now(order).state is OrderState.UNKNOWN
            found = desk.gateway.inquest(order.intent_id).candidates
            assert [one.order_id for one in found] == [str(record.id)]
            assert sent(venue, kind) == 1
            assert len(desk.gateway.orders()) == 1

            await desk.gateway.resolve(
                order.intent_id, Act.ATTRIBUTE, caller=CALLER, reason="a test", candidate=str(record.id),
                confirm=order.cl_ord_id,
            )  # fmt: skip
            await desk.until(lambda: desk.now(order).cum_qty == 4, within_s=60)
            assert desk.now(order).ord_status is OrdStatus.PARTIALLY_FILLED

    played(play)


@labelled
def test_a_doubt_that_a_restart_met_is_held_as_well(tmp_path: Path, kind: Simulated) -> None:
    async def play(loop: SimulatedLoop) -> None:
        venue = simulator(kind, loop)
        async with simulated_desk(kind, loop, tmp_path, venue=venue) as desk:
            order, record = await lost(desk, venue, kind)
        async with simulated_desk(kind, loop, tmp_path, venue=venue) as desk:
            await loop.nap(LONG_S)
            assert desk.now(order).state is OrderState.UNKNOWN
            assert [one.order_id for one in desk.gateway.inquest(order.intent_id).candidates] == [str(record.id)]
            assert sent(venue, kind) == 1

    played(play)
