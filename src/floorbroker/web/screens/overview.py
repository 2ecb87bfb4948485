"""The first look: worth and its curve, the day, exposure, what needs eyes, brokers, and the newest fills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import Order
from floorbroker.domain.values import ZERO, OrdStatus
from floorbroker.gateway.curve import Point
from floorbroker.gateway.desk import OrderFilter, Page, ProfilePosition, SessionState
from floorbroker.web.frame import PULSE_MS, VENUES_MS, Ask, Screen

EYES = frozenset({OrdStatus.UNKNOWN, OrdStatus.REJECTED, OrdStatus.HELD, OrdStatus.NOT_PLACED, OrdStatus.NOT_SENT})
EYES_MAX, FILLS_MAX, BARS_MAX = 12, 10, 8
WIDTH, HEIGHT = 600, 120  # of the curve, in its own units


@frozen
class Alert:
    """One sentence that wants a person, and where to go with it."""

    text: str
    path: str
    grave: bool = True


@frozen
class Curve:
    """A polyline over `WIDTH` times `HEIGHT`, and what it says in words."""

    points: str
    area: str
    first: Decimal
    last: Decimal
    least: Decimal
    most: Decimal
    since: datetime
    until: datetime

    @property
    def change(self) -> Decimal:
        return self.last - self.first


@frozen
class Bar:
    """One symbol's part of what is held; `share` is whole percent of the sum of all values without signs."""

    symbol: str
    value: Decimal
    share: int


async def build(ask: Ask) -> Mapping[str, Any]:
    """Everything of one environment, or of one profile."""
    desk, where = ask.desk, OrderFilter(profile=ask.profile)
    held = await ask.held()
    eyes = desk.orders(OrderFilter(statuses=EYES, profile=ask.profile), Page(limit=EYES_MAX))
    return {
        "held": held,
        "risk": await ask.risk(),
        "curve": curve_of(desk.guard.curve.of(ask.names)),
        "bars": bars_of(held.positions.content or []),
        "eyes": eyes,
        "alerts": alerts_of(ask, eyes),
        "tiles": ask.statuses,
        "fills": desk.fills(where, Page(limit=FILLS_MAX)),
    }


def curve_of(points: Sequence[Point]) -> Curve | None:
    """None while there are not two points to join."""
    if len(points) < 2:
        return None
    worths = [point.equity for point in points]
    least, most = min(worths), max(worths)
    begun, span_s = points[0].at, (points[-1].at - points[0].at).total_seconds() or 1.0
    room = most - least
    placed: list[str] = []
    for point in points:
        x = WIDTH * (point.at - begun).total_seconds() / span_s
        up = (point.equity - least) / room if room else Decimal("0.5")
        placed.append(f"{x:.1f},{HEIGHT - 6 - float(up) * (HEIGHT - 12):.1f}")
    return Curve(
        points=" ".join(placed),
        area=f"0,{HEIGHT} {' '.join(placed)} {WIDTH},{HEIGHT}",
        first=worths[0],
        last=worths[-1],
        least=least,
        most=most,
        since=begun,
        until=points[-1].at,
    )


def bars_of(rows: Sequence[ProfilePosition]) -> list[Bar]:
    """The largest symbols by value; what nobody values is not among them."""
    values: dict[str, Decimal] = {}
    for row in rows:
        if row.position.market_value is not None:
            symbol = row.position.symbol
            values[symbol] = values.get(symbol, ZERO) + row.position.market_value
    whole = sum((abs(value) for value in values.values()), ZERO)
    largest = sorted(values.items(), key=lambda one: (-abs(one[1]), one[0]))[:BARS_MAX]
    return [Bar(symbol=s, value=v, share=int(abs(v) * 100 / whole) if whole else 0) for s, v in largest]


def alerts_of(ask: Ask, eyes: Sequence[Order]) -> list[Alert]:
    """What is wrong now, the gravest first."""
    kill = ask.desk.kill_state()
    found = (
        [Alert(text=f"The kill switch is on, level {kill.level}: {kill.reason}", path="/risk")] if kill.level else []
    )
    found += [
        Alert(text=f"The kill switch is on for {latch.scope}, level {latch.level}: {latch.reason}", path="/risk")
        for latch in kill.latches
        if latch.scope != "*"
    ]
    doubtful = sum(status.orders_in_doubt for status in ask.statuses)
    if doubtful:
        what = "1 order is" if doubtful == 1 else f"{doubtful} orders are"
        found.append(Alert(text=f"{what} unknown: it is being found out; do not repeat it", path="/orders"))
    for status in ask.statuses:
        if status.profile.enabled and status.state is not SessionState.READY:
            why = f": {status.reason}" if status.reason else ""
            found.append(Alert(text=f"{status.profile.name} is {status.state.value}{why}", path="/brokers"))
        elif status.profile.enabled and status.rests:
            found.append(Alert(text=f"{status.profile.name} rests after failures: no new orders", path="/brokers"))
    refused = sum(order.ord_status is OrdStatus.REJECTED for order in eyes)
    if refused:
        found.append(Alert(text=f"{refused} of the newest orders were rejected", path="/orders", grave=False))
    return found


OVERVIEW = Screen(
    path="/overview",
    title="Overview",
    template="overview.html",
    build=build,
    live=("fills", "positions", "health", "risk", "alarms"),
    pace_ms=VENUES_MS,
    pulse_ms=PULSE_MS,
)
