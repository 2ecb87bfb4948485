"""Query parameters, as strict models: a parameter nobody knows is an error."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from floorbroker.api.listing import LIMIT_MAX
from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.values import OrdStatus, ProfileName, Side
from floorbroker.gateway.desk import OrderFilter, SizeAsk
from floorbroker.oms.schema_types import YEARS, Label, Moment, Positive, ProfileWord, Reason, Symbol, symbol_of

WHOLE = re.compile(r"[0-9]{1,18}")
SYMBOLS_MAX = 50
CHANNELS = ("orders", "fills", "positions", "health", "risk")
STATUS_WORDS = ("open", *(status.value for status in OrdStatus))


def whole(raw: object) -> int:
    """A whole number in plain digits, which is all a query needs."""
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    if not isinstance(raw, str) or not WHOLE.fullmatch(raw):
        raise ValueError("write a whole number in digits")
    return int(raw)


def plain_day(raw: object) -> date:
    """A calendar day, `YYYY-MM-DD`, of years in which a day before and a day after it can be named."""
    if isinstance(raw, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", raw):
        day = date.fromisoformat(raw)
        if YEARS[0] <= day.year <= YEARS[1]:
            return day
    raise ValueError("write the day as 2026-11-20")


def _split(raw: object) -> list[str]:
    """The framework hands a repeated parameter over as a list; `a,b` and `a` beside `b` mean the same."""
    given = cast("list[object]", raw) if isinstance(raw, list) else [raw]
    return [word for one in given for word in str(one).split(",")]


def _words(raw: object, known: tuple[str, ...]) -> frozenset[str]:
    words = frozenset(_split(raw))
    if not words <= set(known):
        raise ValueError(f"write one or more of these, with commas between: {', '.join(known)}")
    return words


def status_words(raw: object) -> frozenset[str]:
    """Order statuses, or `open`, with commas between."""
    return _words(raw, STATUS_WORDS)


def channel_words(raw: object) -> frozenset[str]:
    """Event channels, with commas between."""
    return _words(raw, CHANNELS)


def symbol_words(raw: object) -> tuple[str, ...]:
    """Symbols, with commas between."""
    words = _split(raw)
    if len(words) > SYMBOLS_MAX:
        raise ValueError(f"ask for at most {SYMBOLS_MAX} symbols at once")
    return tuple(dict.fromkeys(symbol_of(one) for one in words))


def _listed(known: tuple[str, ...]) -> WithJsonSchema:
    one = f"({'|'.join(known)})"
    return WithJsonSchema({"type": "string", "pattern": f"^{one}(,{one})*$", "examples": [known[0]]})


Statuses = Annotated[frozenset[str], BeforeValidator(status_words), _listed(STATUS_WORDS)]
Channels = Annotated[frozenset[str], BeforeValidator(channel_words), _listed(CHANNELS)]
Symbols = Annotated[
    tuple[str, ...],
    BeforeValidator(symbol_words),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 1650, "examples": ["AAPL,BTC/USD"]}),
]
Day = Annotated[date, BeforeValidator(plain_day), WithJsonSchema({"type": "string", "format": "date"})]


def _whole(schema: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", **schema})


Limit = Annotated[int, BeforeValidator(whole), Field(ge=1, le=LIMIT_MAX), _whole({"minimum": 1, "maximum": LIMIT_MAX})]
Sequence = Annotated[int, BeforeValidator(whole), Field(ge=0, lt=2**53), _whole({"minimum": 0, "maximum": 2**53 - 1})]
Span = Annotated[int, BeforeValidator(whole), Field(ge=1, le=604800), _whole({"minimum": 1, "maximum": 604800})]
Depth = Annotated[int, BeforeValidator(whole), Field(ge=1, le=LIMIT_MAX), _whole({"minimum": 1, "maximum": LIMIT_MAX})]
Cursor = Annotated[str, StringConstraints(max_length=400)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,9}$")]
Market = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_.-]{1,16}$")]


class Query(BaseModel):
    """Strict parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ProfileQuery(Query):
    """One profile, or the default one."""

    profile: ProfileWord | None = None

    @property
    def name(self) -> ProfileName | None:
        """The profile as the desk knows it."""
        return None if self.profile is None else ProfileName(self.profile)


class AccountQuery(ProfileQuery):
    """One profile; or all of them as one account, in `currency` (that of most accounts when left out)."""

    currency: Currency | None = None

    @property
    def into(self) -> str | None:
        """The currency.  Raises `InvalidRequest` beside a profile, whose account has its own."""
        if self.currency is not None and self.profile is not None:
            detail = "an account of one profile is told in its own currency: leave out profile or currency"
            wrong = FieldError(pointer="/query/currency", code="not_together", detail=detail)
            raise InvalidRequest(detail, fields=(wrong,))
        return self.currency


class RiskQuery(ProfileQuery):
    """One profile, or the desk; `history` asks for value at risk, which fetches daily bars."""

    history: Annotated[bool, Field(strict=False)] = False


class OrderQuery(ProfileQuery):
    """Which orders; `since` is inclusive, `until` exclusive, both about the creation of the order."""

    status: Statuses | None = None
    symbol: Symbol | None = None
    side: Side | None = None
    strategy: Label | None = None
    since: Moment | None = None
    until: Moment | None = None

    def where(self, profile: ProfileName | None = None) -> OrderFilter:
        """The filter as the desk takes it."""
        words = self.status or frozenset()
        named = frozenset(OrdStatus(word) for word in words - {"open"})
        return OrderFilter(
            statuses=named or None,
            open_only="open" in words,
            symbol=self.symbol,
            side=self.side,
            strategy=self.strategy,
            profile=profile or self.name,
            since=self.since,
            until=self.until,
        )


class PagedQuery(OrderQuery):
    """A filter and a place in the list."""

    limit: Limit = 100
    cursor: Cursor | None = None
    sort: Literal["-created_at", "created_at"] = "-created_at"

    @property
    def newest_first(self) -> bool:
        """Whether the list runs backwards in time."""
        return self.sort.startswith("-")


class CancelQuery(OrderQuery):
    """Which orders to cancel; without a filter, all that are open."""

    reason: Label = ""


class QuoteQuery(ProfileQuery):
    """Symbols to quote."""

    symbols: Symbols


class BarsQuery(ProfileQuery):
    """Bars of `span_s` seconds: the first `limit` from `start` on; without a `start` the last `limit` before `end`."""

    symbol: Symbol
    span_s: Span = 60
    start: Moment | None = None
    end: Moment | None = None
    limit: Limit = LIMIT_MAX

    def bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """Start (inclusive) and end (exclusive).  Raises `InvalidRequest` when they are the wrong way round.

        Without a start it lies so far back that one answer of a venue holds all of them, to the very end.
        """
        end = self.end or now
        longest = end - datetime.min.replace(tzinfo=UTC)
        start = self.start or end - min(timedelta(seconds=self.span_s * LIMIT_MAX), longest)
        if start >= end:
            wrong = FieldError(pointer="/query/start", code="out_of_order", detail="start must be before end")
            raise InvalidRequest(wrong.detail, fields=(wrong,))
        return start, end

    @property
    def asked(self) -> int:
        """How many to ask a venue for, which counts from the start."""
        return LIMIT_MAX if self.start is None else self.limit


class BookQuery(ProfileQuery):
    """A book, and how many levels of each side to show."""

    symbol: Symbol
    depth: Depth = 10


class ChainQuery(ProfileQuery):
    """Options on one share: those of one expiration, the next to come when left out; puts, calls or both."""

    underlying: Symbol
    expiry: Day | None = None
    right: Literal["put", "call"] | None = None


class SizeQuery(ProfileQuery):
    """How many contracts: within `budget`, or over `ratio` of `shares` (those that are held, when left out), or both."""

    symbol: Symbol
    budget: Positive | None = None
    ratio: Positive | None = None
    shares: Positive | None = None
    premium: Positive | None = None
    fee: Positive | None = None

    @property
    def ask(self) -> SizeAsk:
        """The question as the desk takes it."""
        return SizeAsk(
            symbol=self.symbol,
            budget=self.budget,
            ratio=self.ratio,
            shares=self.shares,
            premium=self.premium,
            fee_each=self.fee or Decimal(0),
        )


class HoursQuery(ProfileQuery):
    """A market by its code, and a day; today when left out."""

    market: Market = "XNYS"
    day: Day | None = None


class LogQuery(Query):
    """How much of a log."""

    limit: Annotated[int, BeforeValidator(whole), Field(ge=1, le=LIMIT_MAX)] = 100


class DecisionsQuery(Query):
    """Which decisions; `strategy` is the name of a bot or of what it runs."""

    limit: Limit = 100
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}$")] | None = None
    strategy: Label = ""

    @property
    def before(self) -> int | None:
        """Where the page ends, in bytes of the log."""
        return None if self.cursor is None else int(self.cursor)


class RoundsQuery(Query):
    """Which rounds of reconciliation."""

    limit: Limit = 100
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}$")] | None = None

    @property
    def before(self) -> int | None:
        """The number in the journal of the last round that was shown."""
        return None if self.cursor is None else int(self.cursor)


class BacktestsQuery(Query):
    """Which kept backtests."""

    limit: Limit = 100
    cursor: Annotated[str, StringConstraints(pattern=r"^[0-9]{8}t[0-9]{6}(?:[0-9]{6})?-[a-z0-9_-]{1,48}$")] | None = (
        None
    )


class EventsQuery(Query):
    """Which events; `after` is a journal sequence to resume behind."""

    channels: Channels | None = None
    after: Sequence | None = None


class DisarmQuery(Query):
    """Which profile to disarm (all, when left out) and why."""

    profile: ProfileWord | None = None
    reason: Reason = "by hand"


class RemoveQuery(Query):
    """`force` removes a profile that still has open orders; they stay at the venue."""

    force: Annotated[bool, Field(strict=False)] = False


class AuditVerifyQuery(Query):
    """Whose audit; `environment` may be left out where there is one."""

    environment: Literal["sim", "paper", "live"] | None = None


class AuditQuery(AuditVerifyQuery):
    """A page of the audit."""

    after: Sequence = 0
    limit: Limit = 100
