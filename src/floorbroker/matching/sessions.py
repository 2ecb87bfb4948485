"""When an order works and when it ends: what its time in force means on a calendar.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import TimeInForce
from floorbroker.matching.calendar import Calendar


class Bell(IntEnum):
    """What happens to an order at a moment; of two at one moment the lower comes first."""

    OPEN = 0  # it starts to work
    AUCTION = 1  # it meets the market now, once
    CLOSE = 2  # a good-till order sleeps until the next opening
    EXPIRE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    works: bool
    bells: tuple[tuple[datetime, Bell], ...] = ()


def plan(order: NewOrder, calendar: Calendar | None, at: datetime) -> Plan:
    """The next steps of an order that comes in (or wakes up) at `at`.

    Without a calendar the market never closes: day orders do not end, and the next price is the auction.
    """
    bells: list[tuple[datetime, Bell]] = []
    if order.tif is TimeInForce.GTD and order.expire_at is not None:
        bells.append((order.expire_at, Bell.EXPIRE))
    if calendar is None:
        return Plan(works=True, bells=tuple(bells))
    if order.tif is TimeInForce.OPG:
        return _for_the_open(calendar, at)
    if order.tif is TimeInForce.CLS:
        closes = calendar.day_end(at)
        return Plan(works=False, bells=((closes, Bell.AUCTION), (closes, Bell.EXPIRE)))
    extended = order.extended_hours
    works = calendar.is_open(at, extended=extended)
    if not works:
        bells.append((calendar.next_open(at, extended=extended), Bell.OPEN))
    if order.tif is TimeInForce.DAY:
        bells.append((calendar.day_end(at, extended=extended), Bell.EXPIRE))
    elif works and (closes := calendar.next_close(at, extended=extended)) is not None:
        bells.append((closes, Bell.CLOSE))
    return Plan(works=works, bells=tuple(bells))


def _for_the_open(calendar: Calendar, at: datetime) -> Plan:
    """The next opening auction: tomorrow's, once today's session runs."""
    start = calendar.day_end(at) if calendar.is_open(at) else at
    opens = calendar.next_open(start)
    return Plan(works=False, bells=((opens, Bell.OPEN), (calendar.day_end(opens), Bell.EXPIRE)))
