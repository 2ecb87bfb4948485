"""Who watched: what the oracle needs to know of the way there, noted from outside while it happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol
from urllib.parse import urlsplit

from floorbroker.domain.ports import Record
from floorbroker.oms.book import Change
from floorbroker.transport.types import Request

Row = Mapping[str, str | None]


class Durable(Protocol):
    """The honest journal of the living desk: up to where it is durable, and whose it is."""

    @property
    def last_seq(self) -> int: ...

    @property
    def epoch(self) -> int: ...

    def notes(self, topic: str, *, newest: bool = False) -> list[Record]: ...

    def abandon(self) -> None: ...


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
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The venue's orders and positions when it had acted on a command."""

    at_s: float
    orders: Sequence[Row]
    positions: Mapping[str, Decimal]
    account: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Halt:
    """Between these times a tripped kill switch had been confirmed and nobody had asked to open it again."""

    since_s: float
    until_s: float
    account: str = ""  # of the whole desk when empty

    def covers(self, at_s: float, account: str) -> bool:
        return self.since_s <= at_s <= self.until_s and self.account in {"", account}


@dataclass(slots=True, kw_only=True)
class Witness:
    """Made outside any node.  `names` are the accounts by address; those in `looks` are asked for a scene after each new order
    or change.
    """

    now: Callable[[], float]
    names: Mapping[str, str] = field(default_factory=dict[str, str])
    looks: Mapping[str, Look] = field(default_factory=dict[str, Look])
    journal: Durable | None = None
    departures: list[Departure] = field(default_factory=list[Departure])
    arrivals: dict[str, float] = field(default_factory=dict[str, float])  # client id -> when a venue first had it
    scenes: list[Scene] = field(default_factory=list[Scene])
    moves: list[Change] = field(default_factory=list[Change])
    heard_s: dict[int, float] = field(default_factory=dict[int, float])  # record -> true time at which it was told
    stops: list[Halt] = field(default_factory=list[Halt])
    late: list[str] = field(default_factory=list[str])  # what was accepted while the kill switch was on
    _since_s: dict[str, float] = field(default_factory=dict[str, float])
    _reopened: set[str] = field(default_factory=set[str])
    _unwritten: set[str] = field(default_factory=set[str])
    _is_opening: bool = False  # a reset of everything was asked for, and is asked for again until it is answered

    def of(self, account: str) -> Witness:
        """What was seen of one account."""
        return replace(
            self,
            departures=[left for left in self.departures if left.account == account],
            scenes=[scene for scene in self.scenes if scene.account == account],
            moves=[change for change in self.moves if change.after.profile == account],
        )

    def _account_of(self, request: Request) -> str:
        return self.names.get(urlsplit(request.origin).netloc, "")

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
                account=self._account_of(request),
            )
        )

    def on_taken(self, request: Request) -> None:
        """A venue has acted on an order command."""
        if is_cancel(request.endpoint) or request.order is None:
            return
        self.arrivals.setdefault(request.order, self.now())
        account = self._account_of(request)
        look = self.looks.get(account)
        if look is not None:
            held = {row["symbol"] or "": Decimal(row["quantity"] or 0) for row in look.positions()}
            self.scenes.append(Scene(at_s=self.now(), orders=look.orders(), positions=held, account=account))

    def overhearing(self, told: Callable[[Change], None]) -> Callable[[Change], None]:
        """`told`, and we hear of it too."""

        def heard(change: Change) -> None:
            self.moves.append(change)
            self.heard_s[change.record.seq] = self.now()
            told(change)

        return heard

    def stopped(self, account: str = "", *, is_written: bool = True) -> None:
        """The desk has confirmed that this account is stopped, or all of it; not written when no disk took it.

        What is not written of one account while somebody keeps asking to open everything may not outlive the process, as
        `reopening` says: the next try opens it as well.
        """
        is_lost = self._is_opening and account and not is_written
        if account not in self._reopened and not is_lost:
            self._since_s.setdefault(account, self.now())
        if not is_written:
            self._unwritten.add(account)

    def reopening(self, account: str = "") -> None:
        """Somebody asks to open the kill switch: nobody counts on it any more.

        Of a kill that no disk took, a missing permit is all that outlives the process; while everything is stopped no permit is
        there, and nothing tells that one account was stopped by itself as well.
        """
        if not account and account in self._since_s:
            self._is_opening = True
            for unwritten in sorted(self._unwritten - {account}):
                self.reopening(unwritten)
        self._reopened.add(account)
        self._end(account)

    def opened(self, account: str = "") -> None:
        """The desk has confirmed it."""
        if not account:
            self._is_opening = False

    def halts(self, account: str) -> bool:
        """Whether nothing new may be accepted for it now."""
        return "" in self._since_s or account in self._since_s

    def end(self) -> None:
        """Nothing more is watched."""
        for account in list(self._since_s):
            self._end(account)

    def _end(self, account: str) -> None:
        if account in self._since_s:
            since_s = self._since_s.pop(account)
            self.stops.append(Halt(since_s=since_s, until_s=self.now(), account=account))
