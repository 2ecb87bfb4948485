"""The error tree: each class says what happened (`code`) and what we know about the order (`outcome`).

An order command ends in one of three ways (`Outcome`).  Reads have no outcome: they repeat freely.  `code` is stable and is
what the API, the command line and the docs speak of; `hint` tells a program how to recover.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from floorbroker.domain.values import Word


class Outcome(Word):
    """What is known about an order command that did not succeed."""

    NOT_SENT = "not_sent"  # nothing left the machine: sending again is safe
    REFUSED = "refused"  # the venue, or we, said no: sending the same again is pointless
    UNKNOWN = "unknown"  # it left and no answer came: ask, do not resend


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """How to recover: seconds to wait, whether to log in again, whether a human should look."""

    retry_after_s: float | None = None
    reauthenticate: bool = False
    notify: bool = False


NO_HINT = Hint()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One wrong field of a request: JSON pointer, stable code, and what would be right."""

    pointer: str
    code: str
    detail: str


class FloorbrokerError(Exception):
    """Root of all our errors.  `detail` is one sentence for people and never holds a secret."""

    code: ClassVar[str] = "unknown"
    default_outcome: ClassVar[Outcome] = Outcome.UNKNOWN

    def __init__(
        self,
        detail: str,
        *,
        broker: str | None = None,
        venue_text: str | None = None,
        outcome: Outcome | None = None,
        hint: Hint = NO_HINT,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.broker = broker
        self.venue_text = venue_text
        self.outcome = self.default_outcome if outcome is None else outcome
        self.hint = hint


class OwnRefusal(FloorbrokerError):
    """We said no before anything left the machine."""

    default_outcome = Outcome.NOT_SENT


class InvalidRequest(OwnRefusal):
    """The request itself is wrong; `fields` names each wrong field and what would be right."""

    code = "invalid_request"

    def __init__(self, detail: str, *, fields: tuple[FieldError, ...] = (), status_hint: int = 422) -> None:
        super().__init__(detail)
        self.fields = fields
        self.status_hint = status_hint


class NotFound(OwnRefusal):
    """No such order, profile or record here."""

    code = "not_found"


class Conflict(OwnRefusal):
    """The request contradicts what is already stored: a key, a version, a lock or a state."""

    code = "conflict"


class KillSwitchOn(OwnRefusal):
    """The kill switch blocks new orders and replaces."""

    code = "kill_switch_on"


class NotArmed(OwnRefusal):
    """Live trading needs an arming action first."""

    code = "not_armed"


class NotReady(OwnRefusal):
    """The profile is not READY: connecting, reconciling, degraded or stopped."""

    code = "not_ready"


class VaultLocked(OwnRefusal):
    """Credentials are sealed; unlock the vault."""

    code = "vault_locked"


class VaultRefused(OwnRefusal):
    """The vault file is not opened: damaged, swapped, older than one seen before, or asking for too much."""

    code = "vault_refused"


class WrongPassphrase(VaultRefused):
    """The passphrase is wrong, or the file was changed: the two cannot be told apart, and are not."""


class VaultRolledBack(VaultRefused):
    """The file is whole, and not the newest this desk has seen: `generation` is its own, `known` the newest."""

    def __init__(self, detail: str, *, generation: int, known: int) -> None:
        super().__init__(detail)
        self.generation = generation
        self.known = known


class Forbidden(OwnRefusal):
    """The caller may not do this."""

    code = "forbidden"


class JournalFault(OwnRefusal):
    """The journal cannot be written; orders are refused.  `fatal`: the disk or the file failed, the process stops."""

    code = "journal_fault"

    def __init__(self, detail: str, *, fatal: bool = False, hint: Hint = NO_HINT) -> None:
        super().__init__(detail, hint=hint)
        self.fatal = fatal


class ConfigInvalid(OwnRefusal):
    """The configuration is missing, unreadable or out of range."""

    code = "config_invalid"


class NotSupported(OwnRefusal):
    """The venue lacks this, and the user did not ask for an emulation."""

    code = "not_supported"


class RiskLimitExceeded(OwnRefusal):
    """A pre-trade control said no: `control` names it, `limit` and `value` are its numbers as text."""

    code = "risk_limit_exceeded"

    def __init__(self, detail: str, *, control: str, limit: str | None = None, value: str | None = None) -> None:
        super().__init__(detail)
        self.control = control
        self.limit = limit
        self.value = value


class PositionSizeExceeded(RiskLimitExceeded):
    """The position after the worst case would be too large."""

    code = "position_size_exceeded"


class DailyLossLimit(RiskLimitExceeded):
    """The day's loss limit or drawdown is reached."""

    code = "daily_loss_limit"


class VenueError(FloorbrokerError):
    """Something between us and the venue, or the venue itself."""

    code = "api_error"


class ConnectionFailed(VenueError):
    """No connection: `outcome` is NOT_SENT when it failed before the first request byte."""

    code = "connection_failed"
    default_outcome = Outcome.NOT_SENT


class GatewayNotRunning(ConnectionFailed):
    """The broker's local gateway does not answer."""

    code = "gateway_not_running"


class AuthenticationFailed(VenueError):
    """The venue does not accept the credentials."""

    code = "authentication_failed"
    default_outcome = Outcome.REFUSED


class SessionExpired(VenueError):
    """The venue's session or token ran out."""

    code = "session_expired"
    default_outcome = Outcome.REFUSED


class OrderRejected(VenueError):
    """The venue turned the order down; `detail` is ours, `venue_text` is theirs, verbatim."""

    code = "order_rejected"
    default_outcome = Outcome.REFUSED


class InsufficientFunds(OrderRejected):
    """Not enough cash, buying power or holdings, says the venue or our own reservation."""

    code = "insufficient_funds"


class MarketClosed(OrderRejected):
    """The market does not take this order now."""

    code = "market_closed"


class SymbolNotFound(OrderRejected):
    """The venue (or its instrument list) does not know the symbol."""

    code = "symbol_not_found"


class MarginCall(OrderRejected):
    """The venue refuses because the account is in a margin call."""

    code = "margin_call"


class DuplicateOrderId(VenueError):
    """The venue has already seen this client order id: the order exists, go and find it (RELIABILITY 2.5)."""

    code = "api_error"
    default_outcome = Outcome.UNKNOWN


class RateLimitExceeded(VenueError):
    """Too many requests: ours to wait (NOT_SENT, from our own budget) or the venue's word (REFUSED)."""

    code = "rate_limit_exceeded"
    default_outcome = Outcome.NOT_SENT


class Timeout(VenueError):
    """No answer in time.  For an order command: UNKNOWN."""

    code = "timeout"


class ApiError(VenueError):
    """An answer we cannot use: 5xx, an unlisted status, or a body that does not parse."""

    code = "api_error"


class CircuitBreakerError(VenueError):
    """The circuit breaker is open: the request was not sent."""

    code = "api_error"
    default_outcome = Outcome.NOT_SENT


class StreamLost(VenueError):
    """A stream broke and must be opened again; the reason is the detail."""

    code = "connection_failed"


class OrderNotFound(VenueError):
    """The venue says, in its own documented words, that it does not know the order."""

    code = "not_found"
    default_outcome = Outcome.REFUSED


def error_codes() -> dict[str, list[type[FloorbrokerError]]]:
    """Each code with the classes that carry it, for docs and the API's problem table."""
    found: dict[str, list[type[FloorbrokerError]]] = {}
    pending: list[type[FloorbrokerError]] = [FloorbrokerError]
    while pending:
        cls = pending.pop(0)
        found.setdefault(cls.code, []).append(cls)
        pending.extend(cls.__subclasses__())
    return dict(sorted(found.items()))


BrokerError = FloorbrokerError  # the name library users know the root by


def without_extra(what: str, extra: str) -> str:
    """What cannot be done because the libraries of an optional extra are not installed, and how they are added: from the source.

    `what` is the beginning of the sentence, verb included.
    """
    return f"{what} the extra {extra}: in the folder of the source, make extra NAME={extra}"
