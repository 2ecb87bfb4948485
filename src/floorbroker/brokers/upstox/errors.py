"""What Upstox's refusals mean, as a table, and what every other answer means: that we do not know.

A command's reply is a definite refusal only by a code of this table under a status of the 4xx, and only when it names no order
(RELIABILITY 2.5).  All else, 5xx, UDAPI100500, codes that are not listed, pages of a gateway, is `ApiError` with outcome UNKNOWN.
That the risk system turned an order down is never said here: it was taken, and is `rejected` in the book.
Documents: upstox.com/developer/api-documentation/error-codes and the pages of each endpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.info import BROKER
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    FloorbrokerError,
    Hint,
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

_TEXT_MAX = 500
_BODY_MAX = 64 * 1024
_REFUSING = frozenset({400, 401, 403, 404, 423, 429})
TOO_MANY = "UDAPI10005"
NOT_FOUND = "UDAPI100010"


def _rows(kind: type[VenueError], codes: str) -> dict[str, type[VenueError]]:
    return {f"UDAPI{code}": kind for code in codes.split()}


# Every code of the documents that says no: the common list, and those of the pages of the endpoints.  UDAPI100500 is not among
# them: after it an order may be there.
CODES: Mapping[str, type[VenueError]] = MappingProxyType(
    {
        **_rows(RateLimitExceeded, "10005"),
        **_rows(SessionExpired, "100050"),
        # credentials; the log-in's code; a read-only token; another plan; an inactive client; the address; the algorithm's name
        **_rows(AuthenticationFailed, "100016 100067 100068 100069 100073 1149 1154 1156"),
        **_rows(MarketClosed, "100039 100057 100074 1113"),
        **_rows(SymbolNotFound, "100011 1087 1161"),
        **_rows(OrderNotFound, "100010 1136"),  # 1136: a GTT order
        **_rows(OrderRejected, "10000 100015 100036 100038 100040 100041 100043 100049 100059 100060"),
        **_rows(OrderRejected, "1003 1004 1005 1006 1007 1008 1009 1010 1011 1015"),
        **_rows(OrderRejected, "1020 1021 1022 1023 1026 1027 1028 1029 1031 1032 1034 1035 1036 1037 1038 1039"),
        **_rows(OrderRejected, "1043 1052 1054 1055 1056 1057 1059 1060 1061 1062 1063 1064 1065"),
        **_rows(OrderRejected, "1066 1067 1068 1069 1070 1071 1072 1073 1105 1106 1107"),  # profit and loss
        **_rows(OrderRejected, "1088 1146 1147 1148"),  # dates and spans
        **_rows(OrderRejected, "1095 1096 1097 1098 1099 1100 1101 1102 1103 1104"),  # margins
        **_rows(
            OrderRejected, "1109 1111 1118 1119 1120 1121 1158"
        ),  # several at once; slices; tags; orders at the market
        **_rows(OrderRejected, "1126 1128 1130 1132 1137 1141 1143 1151"),  # GTT orders
        **_rows(OrderRejected, "1179 1180 1181 1182 1183 1184 1185 1186 1187 1188"),  # addresses, the kill switch
    }
)


def problems_in(response: Response) -> tuple[wire.Problem, ...]:
    """The `errors` of an answer; empty when it has none that can be read."""
    if not response.body or len(response.body) > _BODY_MAX:
        return ()
    try:
        envelope = wire.decode(response.body, wire.Envelope, what="an error body")
        return problems_of(envelope)
    except ApiError:
        return ()


def problems_of(envelope: wire.Envelope) -> tuple[wire.Problem, ...]:
    """The `errors` of an envelope.  Raises `ApiError` when they cannot be read."""
    if wire.is_none(envelope.errors):
        return ()
    return tuple(wire.decode(envelope.errors, list[wire.Problem], what="an error body"))


def names_an_order(response: Response) -> bool:
    """Whether an answer to a command names an order, whatever else it says."""
    try:
        envelope = wire.decode(response.body, wire.Envelope, what="the reply")
    except ApiError:
        return False
    return not wire.is_none(envelope.data) and b"order_id" in bytes(envelope.data)


def command_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a reply that is no success says about the order command `what`."""
    problems = problems_in(response)
    if response.status in _REFUSING and not names_an_order(response) and is_refusal(problems):
        return refusal(problems, what=what, status=response.status)
    return ApiError(
        f"{what}: the venue answered {response.status} in words that prove nothing",
        broker=BROKER,
        venue_text=_text(problems) or None,
        outcome=Outcome.UNKNOWN,
    )


def is_refusal(problems: Sequence[wire.Problem]) -> bool:
    """Whether every problem is a listed no; there is at least one."""
    return bool(problems) and all(problem.code in CODES for problem in problems)


def refusal(problems: Sequence[wire.Problem], *, what: str, status: int) -> VenueError:
    """Our error for listed codes: that of the first."""
    kind = CODES[problems[0].code]
    return kind(
        f"{what}: refused by the venue ({status}, {problems[0].code})",
        broker=BROKER,
        venue_text=_text(problems) or None,
        outcome=Outcome.REFUSED,
        hint=_hint(kind),
    )


def _hint(kind: type[VenueError]) -> Hint:
    is_session = kind is SessionExpired
    return Hint(reauthenticate=is_session, notify=is_session or kind is AuthenticationFailed)


def read_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a failed read says."""
    problems = problems_in(response)
    code = problems[0].code if problems else ""
    detail = f"{what}: the venue answered {response.status}" + (f" ({code})" if code in CODES else "")
    if response.status == 429 or code == TOO_MANY:
        return RateLimitExceeded(detail, broker=BROKER)
    kind = CODES.get(code)
    if kind in (SessionExpired, AuthenticationFailed, SymbolNotFound, OrderNotFound) and response.status < 500:
        return kind(detail, broker=BROKER, venue_text=_text(problems) or None, hint=_hint(kind))
    if response.status in (401, 403):
        return AuthenticationFailed(detail, broker=BROKER, venue_text=_text(problems) or None)
    return ApiError(detail, broker=BROKER, venue_text=_text(problems) or None)


def _text(problems: Sequence[wire.Problem]) -> str:
    """The venue's words, for people."""
    return "; ".join(f"{one.code[:16]} {one.message or ''}".strip() for one in problems)[:_TEXT_MAX]
