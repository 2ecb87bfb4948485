"""Bodies of our own REST door: bytes to a wish or a change, and on to the words a venue would be sent.

An input is `order` or `changes` and then the body.
"""

from __future__ import annotations

from floorbroker.api.body import parse_json
from floorbroker.brokers.alpaca.mapping.orders import order_request, replace_request
from floorbroker.domain.errors import InvalidRequest, NotSupported
from floorbroker.oms.schema import FIELDS_MAX, parse_changes, parse_order
from tests.fuzz.target import Target
from tests.fuzz.targets.alpaca_updates import CL_ORD_ID

DECLARED = (InvalidRequest, NotSupported)
DETAIL_MAX = 4_000


def one_input(data: bytes) -> object:
    """The request a venue would get."""
    kind, _, body = data.partition(b" ")
    try:
        return _changes(body) if kind == b"changes" else _order(body)
    except InvalidRequest as refusal:
        _check(refusal)
        raise


def _check(refusal: InvalidRequest) -> None:
    """A refusal names members, and does not repeat the body."""
    assert len(refusal.fields) <= FIELDS_MAX, "a refusal without bound"
    assert len(refusal.detail) <= DETAIL_MAX, "a refusal that repeats what was sent"
    for field in refusal.fields:
        assert (field.detail + field.pointer).isprintable(), "control characters in a refusal"


def _order(body: bytes) -> object:
    schema = parse_order(parse_json(body))
    wish = schema.to_order()
    assert len(schema.digest()) == 64
    assert (wish.order_qty is None) != (wish.notional is None), "neither or both sizes"
    for number in (wish.order_qty, wish.notional, wish.stop_px, wish.trail_amount, wish.trail_percent):
        assert number is None or (number.is_finite() and number > 0), "a size that is no positive number"
    return order_request(wish, CL_ORD_ID)


def _changes(body: bytes) -> object:
    return replace_request(parse_changes(parse_json(body)).to_changes(), CL_ORD_ID)


TARGET = Target(name="rest_body", one_input=one_input, declared=DECLARED)
