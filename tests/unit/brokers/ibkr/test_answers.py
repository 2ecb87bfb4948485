"""What answers a command: who is waited for, what ends the waiting, and which codes prove that nothing was done."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.rest import answers
from floorbroker.brokers.ibkr.rest.collect import Answered, CancelHeard, Listed, has_terms
from floorbroker.domain.errors import ApiError, InsufficientFunds, OrderRejected, Outcome
from floorbroker.transport.types import Response
from tests.unit.brokers.ibkr.makings import AAPL, CLIENT, PERM, code, order, row, told


def placed(*numbers: int) -> list[wire.Placed]:
    return [wire.Placed(order_id=number, contract=AAPL, order=order()) for number in numbers or (5,)]


def test_an_order_is_answered_by_the_venues_own_number() -> None:
    waiting = Answered(CLIENT, placed())
    assert not waiting.take(row("PendingSubmit", perm_id=0))
    assert not waiting.take(row(order_id=6))
    assert not waiting.take(row(client_id=3))
    assert not waiting.take(row(what_if=True))
    assert not waiting.take(code(399))
    assert not waiting.take(code(201, at=6))
    assert waiting.take(row())
    assert [shown.perm_id for shown in waiting.told.open] == [0, PERM]
    assert answers.refusal_of(waiting.told, 5, what="the order") is None


def test_a_cancel_of_the_venues_waits_for_the_status_that_says_whose() -> None:
    waiting = Answered(CLIENT, placed())
    assert not waiting.take(code(202))
    assert waiting.take(told("Cancelled"))
    assert answers.refusal_of(waiting.told, 5, what="the order") is None
    assert answers.shown_in(waiting.told, 5)


@pytest.mark.parametrize(
    ("number", "text", "kind", "outcome"),
    [
        (201, "Order rejected - reason: no", OrderRejected, Outcome.REFUSED),
        (201, "insufficient equity", InsufficientFunds, Outcome.REFUSED),
        (110, "tick", OrderRejected, Outcome.REFUSED),
        (103, "Duplicate order id", None, Outcome.UNKNOWN),
        (133, "Submit new order failed", None, Outcome.UNKNOWN),
        (31337, "nobody knows", ApiError, Outcome.UNKNOWN),
    ],
)
def test_what_a_code_proves(number: int, text: str, kind: type[Exception] | None, outcome: Outcome) -> None:
    waiting = Answered(CLIENT, placed())
    assert waiting.take(code(number, text))
    error = answers.refusal_of(waiting.told, 5, what="the order")
    assert error is not None
    assert error.outcome is outcome
    assert kind is None or isinstance(error, kind)


def test_a_group_is_answered_when_each_member_is_or_when_one_is_refused() -> None:
    waiting = Answered(CLIENT, placed(5, 6, 7))
    assert not waiting.take(row(order_id=5))
    assert not waiting.take(row(order_id=6, perm_id=PERM + 1))
    assert waiting.take(row(order_id=7, perm_id=PERM + 2))
    refused = Answered(CLIENT, placed(5, 6, 7))
    assert refused.take(code(110, at=6))
    assert answers.refusal_of(refused.told, 5, what="the order") is None


def test_a_change_is_answered_by_the_order_with_its_new_terms() -> None:
    wanted = wire.Placed(order_id=5, contract=AAPL, order=order(lmt_price=Decimal("186.0"), total_quantity=Decimal(12)))
    waiting = Answered(CLIENT, [wanted], is_change=True)
    assert not waiting.take(row())
    assert not waiting.take(told("Submitted"))
    assert not waiting.take(row(lmt_price=Decimal(186)))
    assert waiting.take(row(lmt_price=Decimal(186), total_quantity=Decimal(12)))


def test_a_rejection_may_be_of_the_order_itself_and_proves_nothing_of_a_change() -> None:
    for number, outcome in ((201, Outcome.UNKNOWN), (104, Outcome.REFUSED), (110, Outcome.REFUSED)):
        error = answers.change_refused(wire.Told(errors=(code(number),)), 5)
        assert error is not None
        assert error.outcome is outcome
    assert answers.change_refused(wire.Told(errors=(code(202),)), 5) is None


def test_terms_that_a_type_does_not_use_do_not_count() -> None:
    stop = order(order_type="STP", lmt_price=None, aux_price=Decimal(180))
    assert has_terms(msgspec.structs.replace(stop, lmt_price=Decimal(0)), stop)
    assert not has_terms(msgspec.structs.replace(stop, aux_price=Decimal(181)), stop)
    assert not has_terms(msgspec.structs.replace(stop, tif="GTC"), stop)


@pytest.mark.parametrize(
    "said",
    [told("PendingCancel"), told("Cancelled"), told("ApiCancelled"), told("Filled"), code(202), code(161), code(10147)],
)
def test_a_cancel_is_answered_by_the_order_or_by_a_code(said: wire.Wire) -> None:
    waiting = CancelHeard(CLIENT, 5)
    assert not waiting.take(told("Submitted"))
    assert not waiting.take(told("Cancelled", order_id=6))
    assert not waiting.take(code(399))
    assert waiting.take(said)


@pytest.mark.parametrize("said", [told("Cancelled"), told("ApiCancelled"), told("Filled"), code(202), code(10148)])
def test_whoever_wants_to_know_the_end_is_not_content_with_a_cancel_on_its_way(said: wire.Wire) -> None:
    waiting = CancelHeard(CLIENT, 5, until_over=True)
    assert not waiting.take(told("PendingCancel"))
    assert waiting.take(said)


def test_a_list_without_its_end_is_none_and_a_code_about_it_ends_it() -> None:
    listed = Listed((wire.Position,), wire.PositionEnd, what="positions")
    assert not listed.take(code(321, at=-1))
    assert listed.take(wire.PositionEnd())
    numbered = Listed((wire.ContractDetails,), wire.ContractDetailsEnd, request=2_000_000_000, what="a contract")
    assert not numbered.take(wire.ContractDetailsEnd(req_id=7))
    assert numbered.take(code(200, at=2_000_000_000))
    assert numbered.failure is not None


def test_an_answer_that_cannot_be_read_proves_nothing() -> None:
    for body in (b"", b"{", b'{"open":[{}]}', b"[]"):
        with pytest.raises(ApiError) as caught:
            answers.told_in(Response(status=200, body=body), what="the order")
        assert caught.value.outcome is Outcome.UNKNOWN
