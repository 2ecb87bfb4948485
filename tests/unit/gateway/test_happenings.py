"""What an event tells, as a table; and that every name leads to its record."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.orders import Order, OrderState
from floorbroker.domain.values import ClOrdId, IntentId, OrdStatus, Price, Quantity
from floorbroker.gateway import happenings as h
from floorbroker.gateway.desk import DeskEvent
from tests.support.fake_broker import buy
from tests.support.house import NOON, PROFILE

S = OrdStatus


def order(status: OrdStatus, *, cum: str = "0", price: str = "100", presumed: bool = False) -> Order:
    """Ten to buy, as far along as that."""
    return Order(
        intent_id=IntentId("i1"),
        cl_ord_id=ClOrdId("c1"),
        profile=PROFILE,
        terms=buy(),
        state=OrderState.WORKING,
        ord_status=status,
        order_id=None,
        order_ids=(),
        order_qty=Quantity(Decimal(10)),
        price=Price(Decimal(price)),
        stop_px=None,
        cum_qty=Quantity(Decimal(cum)),
        leaves_qty=None,
        avg_px=None,
        executions=(),
        created_at=NOON,
        updated_at=NOON,
        version=1,
        presumed=presumed,
    )


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, order(S.PENDING_NEW), ""),
        (order(S.PENDING_NEW), order(S.NEW), "order_accepted"),
        (order(S.PENDING_NEW), order(S.HELD), "order_accepted"),
        (None, order(S.NEW), "order_accepted"),
        (order(S.NEW), order(S.NEW), ""),
        (order(S.NEW), order(S.PARTIALLY_FILLED, cum="4"), "order_partially_filled"),
        (order(S.PENDING_NEW), order(S.PARTIALLY_FILLED, cum="4"), "order_accepted order_partially_filled"),
        (order(S.PARTIALLY_FILLED, cum="4"), order(S.FILLED, cum="10"), "order_filled"),
        (order(S.PENDING_NEW), order(S.FILLED, cum="10"), "order_filled"),
        (order(S.FILLED, cum="10"), order(S.FILLED, cum="10"), ""),
        (order(S.NEW), order(S.PENDING_CANCEL), ""),
        (order(S.PENDING_CANCEL), order(S.NEW), ""),
        (order(S.PENDING_CANCEL), order(S.CANCELED), "order_canceled"),
        (order(S.CANCELED), order(S.CANCELED, cum="4"), "order_partially_filled"),
        (order(S.CANCELED), order(S.FILLED, cum="10"), "order_filled"),
        (order(S.NEW), order(S.EXPIRED), "order_expired"),
        (order(S.PENDING_NEW), order(S.REJECTED), "order_rejected"),
        (order(S.PENDING_NEW), order(S.NOT_SENT), "order_not_sent"),
        (order(S.PENDING_NEW), order(S.UNKNOWN), "order_unknown"),
        (order(S.UNKNOWN), order(S.UNKNOWN), ""),
        (order(S.UNKNOWN), order(S.UNKNOWN, presumed=True), "order_presumed_not_placed"),
        (order(S.UNKNOWN), order(S.NEW), "order_resolved order_accepted"),
        (order(S.UNKNOWN), order(S.FILLED, cum="10"), "order_resolved order_filled"),
        (order(S.UNKNOWN), order(S.NOT_PLACED), "order_resolved order_not_placed"),
        (order(S.NEW), order(S.NEW, price="101"), "order_replaced"),
    ],
)
def test_what_became_of_an_order_is_told_once(before: Order | None, after: Order, told: str) -> None:
    assert [h.name_of(kind) for kind in h.kinds_of(before, after)] == ["order_changed", *told.split()]


def test_new_terms_are_told_when_the_venue_took_them_and_not_when_it_was_asked() -> None:
    asked = replace(order(S.PENDING_REPLACE, price="101"), pending_replace=True)
    assert h.kinds_of(order(S.NEW), asked) == [h.OrderChanged]


def _event(channel: str, *, key: str = "k", **data: str) -> DeskEvent:
    return DeskEvent(seq=9, at=NOON, channel=channel, key=key, profile=PROFILE, data=data)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"state": "ready", "was": "reconciling", "link": "up", "link_was": "up"}, [h.StateChanged]),
        ({"state": "ready", "was": "ready", "link": "up", "link_was": "up"}, []),
        ({"event": "status", "state": "ready", "was": "ready", "link": "up", "link_was": "up"}, []),
        (
            {"state": "reconciling", "was": "ready", "link": "down", "link_was": "up"},
            [h.StateChanged, h.ConnectionLost],
        ),
        ({"state": "ready", "was": "reconciling", "link": "up", "link_was": "down"}, [h.StateChanged, h.ConnectionUp]),
    ],
)
def test_a_session_tells_its_state_and_its_connection(data: dict[str, str], told: list[type[h.Happening]]) -> None:
    found = h.happenings_of(_event("health", reason="because", **data))
    assert [type(happening) for happening in found] == told
    assert all(isinstance(s, h.SessionHappening) and (s.seq, s.reason) == (9, "because") for s in found)


def test_a_word_becomes_its_record() -> None:
    (told,) = h.happenings_of(_event("risk", key="*", event="kill_tripped", level="2", reason="enough"))
    assert isinstance(told, h.KillTripped)
    assert (told.level, told.reason, told.scope) == (2, "enough", "*")


def test_a_look_at_a_connection_is_no_change_of_state() -> None:
    (told,) = h.happenings_of(_event("health", event="connection_status", state="ready", score="97"))
    assert type(told) is h.ConnectionStatus


def test_a_word_that_nobody_foresaw_is_told_as_it_is() -> None:
    (told,) = h.happenings_of(_event("risk", event="budget_low", left="3"))
    assert type(told) is h.Announced
    assert (told.word, told.data["left"]) == ("budget_low", "3")


def test_a_position_is_told_in_units() -> None:
    (told,) = h.happenings_of(_event("positions", key="AAPL", event="position_changed", qty="-2.50"))
    assert isinstance(told, h.PositionChanged)
    assert (told.symbol, told.qty) == ("AAPL", Decimal("-2.50"))


def test_every_name_leads_to_its_record_and_back() -> None:
    assert {name: h.name_of(h.kind_of(name)) for name in h.NAMES} == {name: name for name in h.NAMES}
    assert h.kind_of("order_filled") is h.OrderFilled
    assert h.kind_of("*") is h.Happening


def test_a_wrong_name_is_refused_with_the_right_ones() -> None:
    with pytest.raises(InvalidRequest, match=r"no event is called 'order_fill'.*order_filled") as refused:
        h.kind_of("order_fill")
    assert refused.value.fields[0].pointer == "/name"
