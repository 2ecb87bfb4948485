"""What Bybit's return codes mean, as a table, and what every other answer means: that we do not know.

The venue answers business errors with HTTP 200 and a `retCode`.  A command's reply is a definite refusal only when its code
stands in `CODES` as one (RELIABILITY 2.5); time-outs of the venue's own (10000, 170007 and the like), unlisted codes, 5xx and
pages of a gateway leave an order UNKNOWN.  Spot has codes of its own (170xxx) for what derivatives say in 110xxx.
Document: bybit-exchange.github.io/docs/v5/error.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.info import BROKER
from floorbroker.brokers.bybit.limits import BAN_S, is_ban
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    DuplicateOrderId,
    FloorbrokerError,
    Hint,
    InsufficientFunds,
    MarketClosed,
    OrderNotFound,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    SymbolNotFound,
    Timeout,
    VenueError,
)
from floorbroker.transport.types import Response

WRONG_TIME = 10002
NOT_MODIFIED = frozenset({110025, 110026, 110027, 110043, 34040})
"""What setters answer when all is as wanted already."""

_TEXT_MAX = 500
_BODY_MAX = 64 * 1024


class Meaning(NamedTuple):
    """What a code says, and what is known of a command that got it."""

    error: type[VenueError]
    outcome: Outcome = Outcome.REFUSED


def _rows(error: type[VenueError], *codes: int, outcome: Outcome = Outcome.REFUSED) -> dict[int, Meaning]:
    return dict.fromkeys(codes, Meaning(error, outcome))


CODES: Mapping[int, Meaning] = MappingProxyType(
    {
        # The venue does not know itself, or its service is going down: the order may be on its way.
        **_rows(Timeout, 10000, 170007, 170146, 170147, 170310, outcome=Outcome.UNKNOWN),
        **_rows(ApiError, -1, 10016, 10019, outcome=Outcome.UNKNOWN),
        # Seen before: the first one arrived, so the order exists.
        **_rows(DuplicateOrderId, 10014, 20006, 110072, 170141, outcome=Outcome.UNKNOWN),
        # Who we are, and when.
        **_rows(AuthenticationFailed, 10003, 10004, 10005, 10007, 10010, 33004, -2015),
        **_rows(OrderRejected, WRONG_TIME),
        **_rows(OrderRejected, 10009, 10024, 10027, 10028, 20001, 20003, 10404),
        # How often.
        **_rows(RateLimitExceeded, 429, 10006, 10018, 10403, 10429, 170222),
        # Which order.
        **_rows(OrderNotFound, 110001, 170213),
        **_rows(OrderRejected, 110008, 110010, 170139, 170142, 170143, 170190, 170191, 170212),
        **_rows(OrderRejected, 110018, 110019, 110032, 110079),
        # Which symbol, and whether it trades.
        **_rows(SymbolNotFound, 10029, 170121),
        **_rows(MarketClosed, 110074, 170151, 170157, 170159),
        # With what money.
        **_rows(InsufficientFunds, 110004, 110006, 110007, 110012, 110045, 170131),
        # On which terms.
        **_rows(OrderRejected, 10001, 10017),
        **_rows(OrderRejected, 110003, 110120, 110121, 110090, 110092, 110093, 110094),
        **_rows(OrderRejected, 110009, 110017, 110020, 110021, 110022, 110023, 110024, 110028, 110042, 110064),
        **_rows(OrderRejected, *NOT_MODIFIED),
        **_rows(OrderRejected, 170005, 170115, 170116, 170117, 170124, 170130, 170132, 170133, 170134, 170136),
        **_rows(OrderRejected, 170137, 170140, 170148, 170149, 170150, 170192, 170193, 170194, 170201, 170202),
        **_rows(OrderRejected, 170203, 170204, 170210, 170217, 170218, 170311, 170312, 170313, 170341, 170371),
        **_rows(OrderRejected, 170372, 170381, 170382, 170810),
    }
)


def code_error(code: int, message: str, *, what: str) -> FloorbrokerError:
    """What a code says about the order command `what`; an unlisted one proves nothing."""
    meaning = CODES.get(code, Meaning(ApiError, Outcome.UNKNOWN))
    told = "refused by the venue" if meaning.outcome is Outcome.REFUSED else "answered in words that prove nothing"
    return meaning.error(
        f"{what}: {told} ({code})",
        broker=BROKER,
        venue_text=_text(code, message),
        outcome=meaning.outcome,
        hint=Hint(notify=meaning.error is AuthenticationFailed),
    )


def command_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a reply other than success says about the order command `what`."""
    envelope = envelope_of(response)
    if response.status < 500 and envelope is not None and envelope.ret_code != 0:
        return code_error(envelope.ret_code, envelope.ret_msg, what=what)
    kind, outcome, hint = _by_status(response)
    return kind(f"{what}: the venue answered {response.status}", broker=BROKER, outcome=outcome, hint=hint)


def read_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a failed read says."""
    envelope = envelope_of(response)
    if envelope is not None and envelope.ret_code != 0:
        code = envelope.ret_code
        kind = CODES.get(code, Meaning(ApiError)).error
        if kind in (OrderRejected, OrderNotFound, DuplicateOrderId):
            kind = ApiError  # a question is not an order: whether one exists, only a list of orders tells
        text, hint = _text(code, envelope.ret_msg), Hint(notify=kind is AuthenticationFailed)
        return kind(f"{what}: the venue answered {code}", broker=BROKER, venue_text=text, hint=hint)
    kind, _, hint = _by_status(response)
    return kind(f"{what}: the venue answered {response.status}", broker=BROKER, hint=hint)


def _by_status(response: Response) -> tuple[type[VenueError], Outcome, Hint]:
    """Answers without a return code: pages of the venue's gateway."""
    if is_ban(response):
        return RateLimitExceeded, Outcome.REFUSED, Hint(retry_after_s=BAN_S, notify=True)
    if response.status == 401:
        return AuthenticationFailed, Outcome.REFUSED, Hint(notify=True)
    if response.status == 429:
        return RateLimitExceeded, Outcome.REFUSED, Hint()
    return ApiError, Outcome.UNKNOWN, Hint()


def envelope_of(response: Response) -> wire.Reply | None:
    """The envelope of an answer; None for pages and whatever else is none."""
    if not response.body or (response.status != 200 and len(response.body) > _BODY_MAX):
        return None
    try:
        return wire.decode(response.body, wire.Reply, what="an answer")
    except ApiError:
        return None


def is_wrong_time(error: FloorbrokerError) -> bool:
    """Whether the venue turned something down because of its time stamp."""
    return error.venue_text is not None and error.venue_text.startswith(f"{WRONG_TIME} ")


def is_not_modified(error: FloorbrokerError) -> bool:
    """Whether a setter was refused because all is as wanted already."""
    code = (error.venue_text or "").partition(" ")[0]
    return code.isdecimal() and len(code) < 10 and int(code) in NOT_MODIFIED


def _text(code: int, message: str) -> str:
    return f"{code} {message}"[:_TEXT_MAX]
