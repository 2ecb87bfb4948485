"""What happens at the desk, as typed records with names: made of desk events alone, by functions that remember nothing.

    DeskEvent(orders)  -> OrderChanged, and what became of it: OrderAccepted, OrderFilled, OrderUnknown, ...
    DeskEvent(fills)   -> Fill, one for each execution
    DeskEvent(health)  -> StateChanged, ConnectionUp, ConnectionLost
    any other          -> the record of its word (`data["event"]`): KillTripped, LimitChanged, Promoted, ...

A record's name is its class in snake_case: `order_filled` is `OrderFilled`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import TypeAlias

from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import Execution, Order
from floorbroker.domain.values import ZERO, OrdStatus, ProfileName
from floorbroker.gateway.desk import DeskEvent


@frozen
class Happening:
    """Anything that happened: `seq` is the journal's number to resume after, `at` its time (UTC)."""

    seq: int
    at: datetime
    profile: ProfileName


# -- orders -------------------------------------------------------------------------------------------------------------


@frozen
class OrderHappening(Happening):
    """`order` is the order after the change."""

    order: Order


@frozen
class OrderChanged(OrderHappening):
    """Any fact that became durable about an order; what it means is told beside it by the other names."""


@frozen
class OrderAccepted(OrderHappening):
    """The venue has the order and it works, or waits for its trigger.  One that fills at once is only told as filled."""


@frozen
class OrderPartiallyFilled(OrderHappening):
    """More of it was filled, and it is not filled as a whole."""


@frozen
class OrderFilled(OrderHappening):
    """It is filled as a whole; `order.executions` has every fill, `order.avg_px` the average price."""


@frozen
class OrderReplaced(OrderHappening):
    """The venue took new terms: quantity, limit or trigger."""


@frozen
class OrderCanceled(OrderHappening):
    """It was cancelled; `order.cum_qty` was filled before."""


@frozen
class OrderExpired(OrderHappening):
    """Its time in force ended."""


@frozen
class OrderRejected(OrderHappening):
    """The venue said no: `order.reject_reason` is ours, `order.venue_text` theirs."""


@frozen
class OrderNotSent(OrderHappening):
    """Nothing left this machine; the same wish may be sent again."""


@frozen
class OrderNotPlaced(OrderHappening):
    """It is proven that the venue never had it."""


@frozen
class OrderUnknown(OrderHappening):
    """It left and no answer came.  It is held, watched and never sent again; `order.evidence` says what is known."""


@frozen
class OrderResolved(OrderHappening):
    """An order in doubt is in doubt no more; `order.ord_status` says what became of it.  Told before that is."""


@frozen
class OrderPresumedNotPlaced(OrderHappening):
    """Still unknown, and old enough that the venue would show it if it were there; kept on watch."""


@frozen
class Fill(OrderHappening):
    """One execution."""

    execution: Execution


# -- sessions -----------------------------------------------------------------------------------------------------------


@frozen
class SessionHappening(Happening):
    """`state` is where the session stands now, `was` where it stood when it was last told of."""

    state: str
    was: str
    reason: str = ""


@frozen
class StateChanged(SessionHappening):
    """A profile's session moved: `ready`, `degraded`, `offline` ..."""


@frozen
class ConnectionUp(SessionHappening):
    """The venue is there, and so is its order stream, where it has one."""


@frozen
class ConnectionLost(SessionHappening):
    """The venue, or its order stream, is gone.  No new order is sent until it is back and both sides agree."""


# -- what other parts announce by a word --------------------------------------------------------------------------------


@frozen
class Announced(Happening):
    """Told by a word that has no record of its own; `key` is what it is about, `data` its members as text."""

    word: str
    key: str
    data: Mapping[str, str]


@frozen
class KillTripped(Announced):
    """New orders are refused; `scope` is whose: a profile's, or `*` for everybody's."""

    @property
    def scope(self) -> str:
        return self.data.get("scope", self.key)

    @property
    def level(self) -> int:
        return int(self.data.get("level", "1"))

    @property
    def reason(self) -> str:
        return self.data.get("reason", "")


@frozen
class KillReset(Announced):
    """The kill switch of a scope was opened again; its profiles reconcile before they are ready."""

    @property
    def scope(self) -> str:
        return self.data.get("scope", self.key)

    @property
    def reason(self) -> str:
        return self.data.get("reason", "")


@frozen
class LimitChanged(Announced):
    """A risk limit has a new value."""


@frozen
class Promoted(Announced):
    """Routing prefers this profile from now on."""


@frozen
class Demoted(Announced):
    """Routing passes this profile over until it is well again."""


@frozen
class FailedOver(Announced):
    """A wish that certainly is not at its first broker went to another, as a new order."""


@frozen
class ConnectionStatus(Announced):
    """What the monitor of connections saw of a profile, each time it looked."""


@frozen
class Reconciled(Announced):
    """A round of reconciliation ended; `data` has its counts."""


@frozen
class StrategyOff(Announced):
    """A strategy may not open anything until a person lets it; `key` is its name."""


@frozen
class StrategyOn(Announced):
    """A person let a strategy trade again; `key` is its name."""


@frozen
class AdjustmentMade(Announced):
    """Reconciliation explained a difference of a position and booked it; `key` is the symbol."""

    @property
    def qty(self) -> Decimal | None:
        """Signed units, where told."""
        return Decimal(self.data["qty"]) if "qty" in self.data else None


@frozen
class PositionChanged(Announced):
    """A fill changed what the desk counts as held; `key` is the symbol."""

    @property
    def symbol(self) -> str:
        return self.key

    @property
    def qty(self) -> Decimal:
        """Signed units held after it, by the sum of fills."""
        return Decimal(self.data["qty"])


# -- names --------------------------------------------------------------------------------------------------------------

Callback: TypeAlias = Callable[..., object]

_ORDERS: tuple[type[OrderHappening], ...] = (
    OrderChanged,
    OrderAccepted,
    OrderPartiallyFilled,
    OrderFilled,
    OrderReplaced,
    OrderCanceled,
    OrderExpired,
    OrderRejected,
    OrderNotSent,
    OrderNotPlaced,
    OrderUnknown,
    OrderResolved,
    OrderPresumedNotPlaced,
    Fill,
)
_SESSIONS: tuple[type[SessionHappening], ...] = (StateChanged, ConnectionUp, ConnectionLost)
_WORDS: tuple[type[Announced], ...] = (
    KillTripped,
    KillReset,
    LimitChanged,
    Promoted,
    Demoted,
    FailedOver,
    ConnectionStatus,
    Reconciled,
    StrategyOff,
    StrategyOn,
    AdjustmentMade,
    PositionChanged,
    Announced,
)
EVERYTHING = "*"


def name_of(kind: type[Happening]) -> str:
    """`order_filled` for `OrderFilled`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()


NAMES: Mapping[str, type[Happening]] = {name_of(kind): kind for kind in (*_ORDERS, *_SESSIONS, *_WORDS)}
_BY_WORD = {name_of(kind): kind for kind in _WORDS} | {"failover": FailedOver, "adjustment": AdjustmentMade}


def kind_of(name: str) -> type[Happening]:
    """The record behind a name; `*` is all of them.  Raises `InvalidRequest`, which lists the names."""
    kind = Happening if name == EVERYTHING else NAMES.get(name)
    if kind is None:
        detail = f"no event is called {name!r}; there are: {', '.join(NAMES)}, and {EVERYTHING} for all"
        raise InvalidRequest(detail, fields=(FieldError(pointer="/name", code="not_one_of", detail=detail),))
    return kind


# -- from events --------------------------------------------------------------------------------------------------------

_BECAME: Mapping[OrdStatus, type[OrderHappening]] = {
    OrdStatus.FILLED: OrderFilled,
    OrdStatus.CANCELED: OrderCanceled,
    OrdStatus.EXPIRED: OrderExpired,
    OrdStatus.REJECTED: OrderRejected,
    OrdStatus.NOT_SENT: OrderNotSent,
    OrdStatus.NOT_PLACED: OrderNotPlaced,
    OrdStatus.UNKNOWN: OrderUnknown,
}
_NOT_YET = frozenset({None, OrdStatus.PENDING_NEW, OrdStatus.UNKNOWN})
_AT_WORK = frozenset({OrdStatus.NEW, OrdStatus.HELD, OrdStatus.PARTIALLY_FILLED})


def happenings_of(event: DeskEvent) -> list[Happening]:
    """What one event tells, in the order in which it should be heard."""
    if event.channel == "health" and "link" in event.data:
        return [*_of_session(event)]
    if "event" in event.data:
        return [_announced(event, event.data["event"])]
    if event.order is None:
        return []
    if event.execution is not None:
        return [Fill(seq=event.seq, at=event.at, profile=event.profile, order=event.order, execution=event.execution)]
    kinds = kinds_of(event.before, event.order)
    return [kind(seq=event.seq, at=event.at, profile=event.profile, order=event.order) for kind in kinds]


def kinds_of(before: Order | None, after: Order) -> list[type[OrderHappening]]:
    """What became of an order between two moments; `before` is None for one that did not exist yet."""
    was, now = (None if before is None else before.ord_status), after.ord_status
    kinds: list[type[OrderHappening]] = [OrderChanged]
    if was is OrdStatus.UNKNOWN and now is not was:
        kinds.append(OrderResolved)
    if was in _NOT_YET and now in _AT_WORK:
        kinds.append(OrderAccepted)
    if before is not None and _terms(before) != _terms(after) and not after.pending_replace:
        kinds.append(OrderReplaced)
    if now is not OrdStatus.FILLED and after.cum_qty > (ZERO if before is None else before.cum_qty):
        kinds.append(OrderPartiallyFilled)
    if now is not was and now in _BECAME:
        kinds.append(_BECAME[now])
    if after.presumed and not (before is not None and before.presumed):
        kinds.append(OrderPresumedNotPlaced)
    return kinds


def _terms(order: Order) -> tuple[object, ...]:
    """What a replace may change; the quantity of an order by notional is only known once it fills."""
    return (order.order_qty if order.terms.notional is None else None, order.price, order.stop_px)


def _of_session(event: DeskEvent) -> list[SessionHappening]:
    data = event.data
    state, was = data.get("state", ""), data.get("was", "")
    kinds: list[type[SessionHappening]] = [StateChanged] if state != was else []
    if (link := data.get("link", "")) != data.get("link_was", ""):
        kinds.append(ConnectionUp if link == "up" else ConnectionLost)
    reason = data.get("reason", "")
    return [
        kind(seq=event.seq, at=event.at, profile=event.profile, state=state, was=was, reason=reason) for kind in kinds
    ]


def _announced(event: DeskEvent, word: str) -> Announced:
    kind = _BY_WORD.get(word, Announced)
    return kind(seq=event.seq, at=event.at, profile=event.profile, word=word, key=event.key, data=event.data)
