"""What Kraken's error strings mean, as a table, and what every other answer means: that we do not know.

Errors come with status 200, as strings `E<Category>:<what>[:<detail>]`.  A command's reply is a definite refusal only when each
of its errors begins with a row of `REFUSALS` (RELIABILITY 2.5); all else, other statuses, pages of a gateway in front of the
venue, unlisted strings, is UNKNOWN.  Kraken refuses the key, the nonce and the arguments before it looks at an order, so these
rows prove that nothing was placed.  What says that the venue itself failed (`EService:Busy`, `EGeneral:Internal error`) proves
nothing.
Document: docs.kraken.com/exchange/guides/general/errors.
"""

from __future__ import annotations

from dataclasses import dataclass

from floorbroker.brokers.kraken import wire
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    DuplicateOrderId,
    FloorbrokerError,
    Hint,
    InsufficientFunds,
    MarginCall,
    MarketClosed,
    OrderNotFound,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    SessionExpired,
    SymbolNotFound,
    VenueError,
)
from floorbroker.transport.types import Response

BROKER = "KRAKEN"
_TEXT_MAX = 500
_LOCKOUT_S = 900.0
_PLAIN = Hint()
_OVERTAKEN = "EAPI:Invalid nonce"


@dataclass(frozen=True, slots=True)
class Row:
    """One string of the table: how it begins, what it is here, whether it proves that a command was not carried out."""

    prefix: str
    error: type[VenueError]
    outcome: Outcome = Outcome.REFUSED
    hint: Hint = _PLAIN


_KEY = Hint(notify=True)
_AGAIN = Hint(retry_after_s=5.0)
_LATER = Hint(retry_after_s=30.0)
_TOKEN = Hint(reauthenticate=True)

# The first row that a string begins with counts, so longer prefixes stand before shorter ones.
ROWS: tuple[Row, ...] = (
    # The key, its signature and its nonce are looked at first: nothing was carried out.
    Row("EAPI:Invalid key", AuthenticationFailed, hint=_KEY),
    Row("EAPI:Invalid signature", AuthenticationFailed, hint=_KEY),
    Row(_OVERTAKEN, AuthenticationFailed),
    Row("EAPI:Rate limit exceeded", RateLimitExceeded, hint=_AGAIN),
    Row("EAPI:Bad request", OrderRejected),
    Row("EAuth:Account temporary disabled", AuthenticationFailed, hint=_KEY),
    Row("EAuth:Account unconfirmed", AuthenticationFailed, hint=_KEY),
    Row("EAuth:Rate limit exceeded", RateLimitExceeded, hint=_LATER),
    Row("EAuth:Too many requests", RateLimitExceeded, hint=_LATER),
    Row("EAuth:Failed", AuthenticationFailed, hint=_KEY),
    Row("EGeneral:Permission denied", AuthenticationFailed, hint=_KEY),
    Row("EGeneral:Temporary lockout", AuthenticationFailed, hint=Hint(retry_after_s=_LOCKOUT_S, notify=True)),
    Row("EGeneral:Too many requests", RateLimitExceeded, hint=_AGAIN),
    Row("EGeneral:Unknown method", OrderRejected),
    Row("EGeneral:Invalid arguments:Index unavailable", MarketClosed),
    Row("EGeneral:Invalid arguments", OrderRejected),
    Row("EGeneral:Internal error", ApiError, Outcome.UNKNOWN),
    Row("ESession:Invalid session", SessionExpired, hint=_TOKEN),
    Row("EAccount:Invalid permissions", AuthenticationFailed, hint=_KEY),
    # Orders.
    Row("EOrder:Insufficient funds", InsufficientFunds),
    Row("EOrder:Insufficient margin", InsufficientFunds),
    Row("EOrder:Order minimum not met", OrderRejected),
    Row("EOrder:Cost minimum not met", OrderRejected),
    Row("EOrder:Tick size check failed", OrderRejected),
    Row("EOrder:Invalid price", OrderRejected),
    Row("EOrder:Invalid order", OrderRejected),
    Row("EOrder:Unknown order", OrderNotFound),
    Row("EOrder:Unknown position", OrderRejected),
    Row("EOrder:Rate limit exceeded", RateLimitExceeded, hint=_AGAIN),
    Row("EOrder:Orders limit exceeded", OrderRejected),
    Row("EOrder:Domain rate limit exceeded", RateLimitExceeded, hint=_AGAIN),
    Row("EOrder:Scheduled orders limit exceeded", OrderRejected),
    Row("EOrder:Positions limit exceeded", OrderRejected),
    Row("EOrder:Cannot open position", OrderRejected),
    Row("EOrder:Cannot open opposing position", OrderRejected),
    Row("EOrder:Margin allowance exceeded", MarginCall),
    Row("EOrder:Margin level too low", MarginCall),
    Row("EOrder:Margin position size exceeded", OrderRejected),
    Row("EOrder:Reduce only", OrderRejected),
    # The venue's own state.
    Row("EService:Unavailable", ApiError, Outcome.UNKNOWN, _AGAIN),
    Row("EService:Busy", ApiError, Outcome.UNKNOWN, _AGAIN),
    Row("EService:Deadline elapsed", OrderRejected),
    Row("EService:Market in cancel_only mode", MarketClosed),
    Row("EService:Market in post_only mode", MarketClosed),
    Row("EService:Market in limit_only mode", MarketClosed),
    Row("EService:Throttled", RateLimitExceeded, hint=_LATER),
    Row("EService: Throttled", RateLimitExceeded, hint=_LATER),
    Row("EQuery:Unknown asset", SymbolNotFound),  # and Unknown asset pair
    Row("EQuery:Invalid asset pair", SymbolNotFound),
    Row("ETrade:Invalid request", OrderRejected),
    Row("ETrade:User Locked", AuthenticationFailed, hint=_KEY),
    Row("EBM:limit exceeded", OrderRejected),
    Row("EFunding:", ApiError, Outcome.UNKNOWN),  # nothing we send is about funding
)


def row_of(text: str) -> Row | None:
    """The table's row for an error string; None for one that is not listed.

    A client id of ours is always well-formed, so whatever the venue has against it means that it knows it already: not a
    refusal, the order exists and is looked for.
    """
    if "cl_ord_id" in text:
        return Row(text, DuplicateOrderId, Outcome.UNKNOWN)
    return next((row for row in ROWS if text.startswith(row.prefix)), None)


def command_error(texts: list[str], *, what: str) -> FloorbrokerError:
    """What the errors of a reply say about the command `what`; UNKNOWN unless every one of them proves the refusal."""
    rows = [row_of(text) for text in texts]
    shown = "; ".join(texts)[:_TEXT_MAX]
    unproven = next((row for row in rows if row is None or row.outcome is Outcome.UNKNOWN), rows[0] if rows else None)
    if unproven is None:
        return ApiError(
            f"{what}: the venue answered in words that prove nothing",
            broker=BROKER,
            venue_text=shown or None,
            outcome=Outcome.UNKNOWN,
        )
    is_refusal = unproven.outcome is Outcome.REFUSED
    detail = f"{what}: refused by the venue" if is_refusal else f"{what}: the venue does not say whether it was done"
    return unproven.error(
        _advised(detail, shown), broker=BROKER, venue_text=shown, outcome=unproven.outcome, hint=unproven.hint
    )


def read_error(texts: list[str], *, what: str) -> FloorbrokerError:
    """What a failed read says; reads have no outcome, and one that the venue throttled may come again."""
    shown = "; ".join(texts)[:_TEXT_MAX]
    row = row_of(texts[0]) if texts else None
    if row is None or row.error is DuplicateOrderId:
        return ApiError(f"{what}: the venue answered with an error", broker=BROKER, venue_text=shown or None)
    kind = ApiError if row.error is OrderRejected else row.error
    return kind(_advised(f"{what}: the venue said no", shown), broker=BROKER, venue_text=shown, hint=row.hint)


def is_overtaken(error: VenueError) -> bool:
    """Whether the venue refused the nonce alone: a younger one was there first, and nothing was carried out."""
    return isinstance(error, AuthenticationFailed) and (error.venue_text or "").startswith(_OVERTAKEN)


def _advised(detail: str, shown: str) -> str:
    """With what a person can do, where the string alone does not tell."""
    if shown.startswith(_OVERTAKEN):
        return f"{detail}: another program sent a higher number with this key; give this profile a key of its own"
    if shown.startswith("EGeneral:Permission denied"):
        return f"{detail}: the key lacks a permission"
    return detail


def envelope(response: Response, *, what: str) -> wire.Envelope:
    """The envelope of a reply; raises `ApiError` (UNKNOWN) for another status and for what is no envelope."""
    if response.status != 200:
        raise ApiError(f"{what}: the venue answered {response.status}", broker=BROKER, outcome=Outcome.UNKNOWN)
    return wire.decode(response.body, wire.Envelope, what=f"the reply to {what}")
