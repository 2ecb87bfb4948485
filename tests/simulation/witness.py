"""Who watched: what the oracle needs to know of the way there, noted from outside while it happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from floorbroker.oms.book import Change
from floorbroker.transport.types import Request

Row = Mapping[str, str | None]


class Durable(Protocol):
    """The honest journal of the living desk: up to where it is durable, and whose it is."""

    @property
    def last_seq(self) -> int: ...

    @property
    def epoch(self) -> int: ...


class Look(Protocol):
    """The venue's truth, at once."""

    def orders(self) -> Sequence[Row]: ...

    def positions(self) -> Sequence[Row]: ...


def is_cancel(endpoint: str) -> bool:
    """Whether a command takes something back; by the name that every adapter gives it."""
    return endpoint.startswith("orders.cancel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """The first byte of an order command leaves: when, how far the journal was durable then, and in whose epoch."""

    client: str
    endpoint: str
    at_s: float
    seq: int
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The venue's orders and positions when it had acted on a command."""

    at_s: float
    orders: Sequence[Row]
    positions: Mapping[str, Decimal]


@dataclass(slots=True, kw_only=True)
class Witness:
    """Made outside any node.  `look` is asked for a scene after each new order or change; None looks at nothing.

    `stops` are the times between which a tripped kill switch had been confirmed and nobody had asked to open it again.
    """

    now: Callable[[], float]
    look: Look | None = None
    journal: Durable | None = None
    departures: list[Departure] = field(default_factory=list[Departure])
    arrivals: dict[str, float] = field(default_factory=dict[str, float])  # client id -> when a venue first had it
    scenes: list[Scene] = field(default_factory=list[Scene])
    moves: list[Change] = field(default_factory=list[Change])
    heard_s: dict[int, float] = field(default_factory=dict[int, float])  # record -> true time at which it was told
    stops: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    stopped_since: float | None = None
    is_reopening: bool = False

    def on_left(self, request: Request) -> None:
        """An order command leaves."""
        assert self.journal is not None  # no desk without a journal
        assert request.order is not None  # who calls has looked
        self.departures.append(
            Departure(
                client=request.order,
                endpoint=request.endpoint,
                at_s=self.now(),
                seq=self.journal.last_seq,
                epoch=self.journal.epoch,
            )
        )

    def on_taken(self, request: Request) -> None:
        """A venue has acted on an order command."""
        if is_cancel(request.endpoint) or request.order is None:
            return
        self.arrivals.setdefault(request.order, self.now())
        if self.look is not None:
            held = {row["symbol"] or "": Decimal(row["quantity"] or 0) for row in self.look.positions()}
            self.scenes.append(Scene(at_s=self.now(), orders=self.look.orders(), positions=held))

    def overhearing(self, told: Callable[[Change], None]) -> Callable[[Change], None]:
        """`told`, and we hear of it too."""

        def heard(change: Change) -> None:
            self.moves.append(change)
            self.heard_s[change.record.seq] = self.now()
            told(change)

        return heard

    def stopped(self) -> None:
        """The desk has confirmed that it is stopped."""
        if self.stopped_since is None and not self.is_reopening:
            self.stopped_since = self.now()

    def reopening(self) -> None:
        """Somebody asks to open the kill switch: nobody counts on it any more."""
        self.is_reopening = True
        if self.stopped_since is not None:
            self.stops.append((self.stopped_since, self.now()))
            self.stopped_since = None

    def end(self) -> None:
        """Nothing more is watched."""
        if self.stopped_since is not None:
            self.stops.append((self.stopped_since, self.now()))
