"""Orders and changes that code hands in are held to the rules that outside text is held to.

`NewOrder` and `OrderChanges` can be made with anything in them: a float, a NaN, a limit on a market order.  Before they reach
the order service they are read as if they had come over the wire, so that every door refuses the same things by the same
names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import cast

from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.orders import NewOrder, OrderChanges, OrderLeg, StopLoss
from floorbroker.domain.values import LIMITED, TRIGGERED, OrderClass, OrderType
from floorbroker.oms.schema import ChangeSchema, parse_changes, parse_order

# Members of `NewOrder` whose public names are others.
_PUBLIC = {
    "order_type": "type",
    "order_qty": "quantity",
    "price": "limit_price",
    "stop_px": "stop_price",
    "trail_amount": "trail_price",
    "tif": "time_in_force",
    "display_qty": "display_quantity",
}


def sound(order: NewOrder) -> NewOrder:
    """The same wish with every member of its own type.  Raises `InvalidRequest` naming members by their public names."""
    _made_as(order, NewOrder, "an order")
    return parse_order(_members(order)).to_order()


def sound_changes(changes: OrderChanges) -> OrderChanges:
    """The same for changes; a trail is checked as a number, for only the order knows what it counts."""
    _made_as(changes, OrderChanges, "a change")
    if changes == OrderChanges():
        return changes  # what the order service says to it depends on the order
    members = {_PUBLIC.get(f.name, f.name): getattr(changes, f.name) for f in fields(changes)}
    members["trail_price"] = members.pop("trail")
    return parse_changes(members).to_changes()


def check_trail(changes: ChangeSchema, terms: NewOrder) -> None:
    """`trail_price` and `trail_percent` are one member inside: refuse here to turn 2 dollars into 2 per cent.

    Raises `InvalidRequest`.
    """
    for name, given, has in (
        ("trail_price", changes.trail_price, terms.trail_amount),
        ("trail_percent", changes.trail_percent, terms.trail_percent),
    ):
        if given is not None and has is None:
            found = _extra(f"/{name}", f"this order has no {name} to change")
            raise InvalidRequest(f"{found.pointer}: {found.detail}", fields=(found,))


def misfits(terms: NewOrder, changes: OrderChanges) -> tuple[FieldError, ...]:
    """Changes to members that an order of this type does not have."""
    return tuple(_misfits(terms, changes))


def _misfits(terms: NewOrder, changes: OrderChanges) -> Iterator[FieldError]:
    kind = terms.order_type.value
    if changes.price is not None and terms.order_type not in LIMITED:
        yield _extra("/limit_price", f"a {kind} order has no limit to change")
    if changes.price is not None and changes.price < 0 and terms.order_class is not OrderClass.MULTILEG:
        yield FieldError(pointer="/limit_price", code="not_positive", detail='write a number above zero, like "10.5"')
    if changes.stop_px is not None and terms.order_type not in TRIGGERED:
        yield _extra("/stop_price", f"a {kind} order has no trigger to change")
    if changes.trail is not None and terms.order_type is not OrderType.TRAILING_STOP:
        yield _extra("/trail_price", f"a {kind} order has no trail to change")
    if changes.trail is not None and terms.trail_percent is not None and changes.trail >= 100:
        yield FieldError(pointer="/trail_percent", code="out_of_range", detail="write a percentage below 100")
    if changes.order_qty is not None and terms.order_qty is None:
        yield _extra("/quantity", "an order sized by money has no quantity to change")


def _extra(pointer: str, detail: str) -> FieldError:
    return FieldError(pointer=pointer, code="not_allowed_here", detail=detail)


def _made_as(value: object, kind: type, name: str) -> None:
    if not isinstance(value, kind):
        detail = f"{name} is a {kind.__name__}, not a {type(value).__name__}"
        raise InvalidRequest(detail, fields=(FieldError(pointer="", code="wrong_type", detail=detail),))


def _members(order: NewOrder) -> dict[str, object]:
    """The wish as parsed JSON would have it; members that are not what they should be stay as they are."""
    members: dict[str, object] = {_PUBLIC.get(f.name, f.name): getattr(order, f.name) for f in fields(order)}
    if order.order_class is OrderClass.MULTILEG:
        members["symbol"] = None  # its legs name their own
    if order.take_profit is not None:
        members["take_profit"] = {"limit_price": order.take_profit}
    if isinstance(order.stop_loss, StopLoss):
        members["stop_loss"] = {"stop_price": order.stop_loss.stop_px, "limit_price": order.stop_loss.price}
    legs = cast("object", order.legs)
    if isinstance(legs, tuple | list):
        members["legs"] = [_leg(leg) for leg in cast("list[object]", legs)]
    return members


def _leg(leg: object) -> object:
    return {f.name: getattr(leg, f.name) for f in fields(leg)} if isinstance(leg, OrderLeg) else leg
