"""Responses of the endpoints: wire values, or what went wrong.

A reader of a command never lets an answer pass that does not name the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.errors import (
    BROKER,
    command_error,
    meaning_of,
    order_named,
    preview_error,
    read_error,
    texts_in,
)
from floorbroker.brokers.tradier.mapping.values import order_id_of
from floorbroker.domain.errors import ApiError, Outcome
from floorbroker.domain.values import OrderId
from floorbroker.transport.types import Response

T = TypeVar("T")
_TAKEN = "ok"
_WORD_MAX = 20


@dataclass(frozen=True, slots=True)
class Taken:
    """What the answer to a submit proves: the order is there, under this id.  `word` is what the venue says of it."""

    order_id: OrderId
    word: str

    @property
    def is_ok(self) -> bool:
        """Whether it was taken for review."""
        return self.word.lower() == _TAKEN


def placed(response: Response, *, what: str) -> Taken:
    """The order that the answer to a command names: an id is kept whatever the status and the words beside it.

    Raises the refusal where the answer is one, and `ApiError` (UNKNOWN) for all that names no order.
    """
    found = order_named(response)
    if found is None:
        raise command_error(response, what=what)
    try:
        return Taken(order_id_of(found.id), bytes(found.status)[:_WORD_MAX].decode("utf-8", "replace").strip('"'))
    except ApiError as error:
        error.outcome = Outcome.UNKNOWN
        raise


def done(response: Response, order_id: str, *, what: str) -> None:
    """For a command about an order that is known: "ok" about that one under 200; anything else is a refusal or proves nothing."""
    found = placed(response, what=what)
    if response.status != 200 or not found.is_ok or found.order_id != order_id:
        raise ApiError(
            f"{what}: the venue answered {response.status} {found.word!r} about order {found.order_id}",
            broker=BROKER,
            outcome=Outcome.UNKNOWN,
        )


def answer(response: Response, kind: type[T], *, what: str) -> T:
    """The body of a read as `kind`."""
    return wire.decode(body_of(response, what=what), kind, what=what)


def body_of(response: Response, *, what: str) -> bytes:
    """The body of a read.  An error body under 200 is none."""
    if response.status != 200 or _is_error(response):
        raise read_error(response, what=what)
    return response.body


def _is_error(response: Response) -> bool:
    try:
        return texts_in(response) is not None
    except ApiError:
        return True


def previewed(response: Response) -> wire.Preview:
    """What the venue's preview says; raises the refusal it ends in.

    Only `result` true is a yes.  An answer with an id was no preview: the venue has placed the order.
    """
    what = "the preview"
    if response.status != 200 or _is_error(response):
        raise preview_error(response, what=what)
    found = wire.decode(response.body, wire.PreviewReply, what=what).order
    if found.id is not None:
        raise ApiError(f"{what} was answered as order {str(found.id)[:_WORD_MAX]}: look at the account", broker=BROKER)
    if found.result is None:
        raise ApiError(f"{what} does not say whether the order would be taken", broker=BROKER)
    if not found.result or found.status.lower() != _TAKEN:
        raise meaning_of(found.status)(f"{what}: the venue would refuse it", broker=BROKER, outcome=Outcome.REFUSED)
    return found


def orders_in(body: bytes, *, what: str) -> list[wire.Order]:
    """The orders of a listing, or the one of a reply about one.  Raises `ApiError` when one of them cannot be read."""
    told = orders_told(body, what=what)
    if told.unreadable:
        raise ApiError(f"{what}: an order in the reply cannot be read", broker=BROKER)
    return [order for order, _ in told.orders]


@dataclass(frozen=True, slots=True)
class Told:
    """What a listing says order by order: those that can be read with their bytes, and the bytes of those that cannot."""

    orders: list[tuple[wire.Order, bytes]]
    unreadable: list[bytes]

    def __len__(self) -> int:
        return len(self.orders) + len(self.unreadable)


def orders_told(body: bytes, *, what: str) -> Told:
    """`orders_in`, one by one: an order that cannot be read hides no other.  Raises `ApiError` for what is no listing."""
    members = wire.decode(body, dict[str, wire.msgspec.Raw], what=what)
    if "order" in members:
        raws = wire.one_or_many(members["order"], wire.msgspec.Raw, what=what)
    else:
        raws = wire.items(body, "orders", "order", wire.msgspec.Raw, what=what)
    told = Told([], [])
    for raw in raws:
        try:
            order = wire.decode(raw, wire.Order, what=what)
            for one in (order, *wire.legs_of(order)):
                order_id_of(one.id)
        except ApiError:
            told.unreadable.append(bytes(raw))
        else:
            told.orders.append((order, bytes(raw)))
    return told


def check_page(page: list[str], seen: set[str], *, what: str) -> frozenset[str]:
    """The ids of a page that are new, `seen` from now on.  Raises `ApiError` when a page brings nothing new."""
    fresh = frozenset(page) - seen
    if page and not fresh:
        raise ApiError(f"{what}: the venue repeats a page, so the list cannot be completed", broker=BROKER)
    seen |= fresh
    return fresh
