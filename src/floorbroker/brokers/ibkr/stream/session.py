"""One connection to TWS or IB Gateway, without its socket: greeting, who we are, the link behind the program, signs of life.

    -> API, v157..178                    <- server version, its clock
    -> startApi, client id               <- managed accounts, next valid id: from here on the connection is ready

The program is one thing and its link to the broker's servers another: after code 1100 (or 2110) it answers from memory, which
is no answer, until code 1101 or 1102 says that the link is back.
Document: interactivebrokers.com/campus/ibkr-api-page/twsapi-doc (connectivity, system message codes).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import (
    VERSION_MAX,
    VERSION_MIN,
    BadFrame,
    ReadPayload,
    hello,
    requests,
    server_hello,
)
from floorbroker.brokers.ibkr.errors import BROKER, Nature, error_of, row_of
from floorbroker.domain.errors import ApiError, VenueError

_TICKS = frozenset({b"1", b"2", b"21", b"45", b"46", b"50", b"58", b"81", b"90", b"99"})
_QUIET_LOSS = 2110  # says that the link is lost, and nothing documented says that it is back
_FARMS_BACK = frozenset({2104, 2106, 2158})
GREET_S = 10.0
ASK_EVERY_S = 15.0
SILENT_S = 40.0


@dataclass(frozen=True, slots=True)
class Say:
    """Send this frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """Questions and orders may follow."""


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The program has lost the broker's servers."""

    detail: str


@dataclass(frozen=True, slots=True)
class LinkBack:
    """The link is back; with `data_lost` market data must be asked for again."""

    data_lost: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """A message for whoever waits for one, and its payload."""

    message: wire.Wire
    payload: bytes


@dataclass(frozen=True, slots=True)
class Over:
    """This connection is over, and why."""

    error: VenueError


Step = Say | Ready | LinkLost | LinkBack | Heard | Over


class ApiSession:
    """From the greeting to the end.  `version`, `accounts` and `next_id` are known once it is ready."""

    def __init__(self, client_id: int) -> None:
        self._client_id = client_id
        self.version = 0
        self.accounts: tuple[str, ...] = ()
        self.next_id: int | None = None
        self.link_up = True
        self.is_ready = False
        self._lost_by = 0
        self._opened_s = 0.0
        self._heard_s = 0.0
        self._asked_s = 0.0

    def on_open(self, now_s: float) -> bytes:
        """The first words."""
        self._opened_s = self._heard_s = self._asked_s = now_s
        return hello()

    def on_payload(self, payload: bytes, now_s: float) -> Sequence[Step]:
        """What one message comes to.  Never raises, whatever it holds."""
        self._heard_s = now_s
        try:
            if not self.version:
                return self._greeted(server_hello(payload))
            read = ReadPayload.of(payload, version=self.version)
        except BadFrame as error:
            if payload.partition(b"\0")[0] in _TICKS:
                return []  # a price of no use: the next one comes
            # It may have been about an order: what follows a new connection finds out.
            return [Over(ApiError(f"a message of the program cannot be read ({error})", broker=BROKER))]
        return self._on_message(read.message, read)

    def on_tick(self, now_s: float) -> Sequence[Step]:
        """About once a second: a question after a silence, and the end of a connection that stays silent."""
        if not self.is_ready:
            late = now_s - self._opened_s > GREET_S
            return [Over(ApiError("the program does not greet", broker=BROKER))] if late else []
        silence_s = now_s - self._heard_s
        if silence_s > SILENT_S:
            return [Over(ApiError("the program is silent", broker=BROKER))]
        if silence_s > ASK_EVERY_S and now_s - self._asked_s > ASK_EVERY_S:
            self._asked_s = now_s
            return [Say(requests.current_time())]
        return []

    def _greeted(self, told: wire.ServerHello) -> Sequence[Step]:
        if not VERSION_MIN <= told.version <= VERSION_MAX:
            detail = f"the program speaks version {told.version}, and this desk {VERSION_MIN} to {VERSION_MAX}"
            return [Over(ApiError(detail, broker=BROKER))]
        self.version = told.version
        return [Say(requests.start_api(self._client_id))]

    def _on_message(self, message: wire.Wire, payload: bytes) -> Sequence[Step]:
        found: list[Step] = [Heard(message, payload)]
        match message:
            case wire.ManagedAccounts(accounts=accounts):
                self.accounts = accounts
            case wire.NextValidId(order_id=order_id):
                self.next_id = order_id
            case wire.Error():
                found += self._on_code(message)
            case _:
                return found
        if not self.is_ready and self.accounts and self.next_id is not None:
            self.is_ready = True
            found.append(Ready())
        return found

    def _on_code(self, told: wire.Error) -> Sequence[Step]:
        row = row_of(told.code)
        match None if row is None else row.nature:
            case Nature.LINK_LOST:
                self.link_up, self._lost_by = False, told.code
                return [LinkLost(f"{told.code} {told.text}"[:200])]
            case Nature.LINK_BACK | Nature.LINK_BACK_BARE:
                self.link_up = True
                return [LinkBack(data_lost=row is not None and row.nature is Nature.LINK_BACK_BARE)]
            case Nature.HANG_UP:
                return [Over(error_of(told.code, told.text, what="the connection"))]
            case _:
                is_guess = not self.link_up and self._lost_by == _QUIET_LOSS and told.code in _FARMS_BACK
                return (
                    [Over(ApiError("the program's farms are back: its link is asked anew", broker=BROKER))]
                    if is_guess
                    else []
                )
