"""Messages as Upstox spells them, of its API v2 and v3.

Only members we use are declared; words stay text here, `mapping` knows them.  Some members come under two names, and either may
be missing: `instrument_token` and `instrument_key`, `trading_symbol` and `tradingsymbol`, snake_case and camelCase.  Numbers are
exact JSON numbers; their size is checked in `mapping.values`.
Documents: upstox.com/developer/api-documentation and the pages of each endpoint.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import TypeVar

import msgspec

from floorbroker.brokers.upstox.info import BROKER
from floorbroker.domain.errors import ApiError

T = TypeVar("T")
NOTHING = msgspec.Raw(b"null")


class Wire(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every message here is."""


class Envelope(Wire, frozen=True, kw_only=True):
    """Every answer but that to the log-in: `status` is success, partial_success or error."""

    status: str = ""
    data: msgspec.Raw = NOTHING
    errors: msgspec.Raw = NOTHING


class Problem(Wire, frozen=True, kw_only=True):
    """One of `errors`: the camelCase members are the older ones."""

    error_code: str | None = None
    errorCode: str | None = None  # noqa: N815 - as the venue has it
    message: str | None = None
    correlation_id: str | None = None

    @property
    def code(self) -> str:
        return self.error_code or self.errorCode or ""


# -- orders -------------------------------------------------------------------------------------------------------------


class Order(Wire, frozen=True, kw_only=True):
    """An order of the book, a state of one in its history, or an update of the stream.  Quantities are units.

    Times are India's, without saying so.  `order_ref_id` names the GTT order that made it, where one did.
    """

    order_id: str
    status: str
    exchange: str = ""
    product: str = ""
    price: Decimal | None = None
    quantity: Decimal | None = None
    tag: str | None = None
    instrument_token: str | None = None
    instrument_key: str | None = None
    trading_symbol: str | None = None
    tradingsymbol: str | None = None
    order_type: str = ""
    validity: str = ""
    trigger_price: Decimal | None = None
    transaction_type: str = ""
    average_price: Decimal | None = None
    filled_quantity: Decimal | None = None
    status_message: str | None = None
    status_message_raw: str | None = None
    order_timestamp: str | None = None
    exchange_timestamp: str | None = None
    order_request_id: str | int | None = None
    order_ref_id: str | None = None


class Trade(Wire, frozen=True, kw_only=True):
    """An execution; `trade_id` is unique on its exchange and day alone."""

    order_id: str
    trade_id: str
    exchange: str = ""
    transaction_type: str = ""
    quantity: Decimal | None = None
    average_price: Decimal | None = None
    instrument_token: str | None = None
    trading_symbol: str | None = None
    tradingsymbol: str | None = None
    exchange_timestamp: str | None = None
    order_timestamp: str | None = None


class PlacedIds(Wire, frozen=True, kw_only=True):
    """`data` of the answer to place (v3), and to cancelling many."""

    order_ids: list[str]


class NamedId(Wire, frozen=True, kw_only=True):
    """`data` of the answer to modify and cancel."""

    order_id: str


class Line(Wire, frozen=True, kw_only=True):
    """What became of one order of several, by the number it was sent under."""

    correlation_id: str
    order_id: str


class GttRule(Wire, frozen=True, kw_only=True):
    """One part of a GTT order: ENTRY, TARGET or STOPLOSS.  `order_id` is the order that it has placed."""

    strategy: str
    status: str
    trigger_type: str = ""
    trigger_price: Decimal | None = None
    transaction_type: str = ""
    trailing_gap: Decimal | None = None
    order_id: str | None = None
    message: str | None = None


class Gtt(Wire, frozen=True, kw_only=True):
    """A GTT order that waits at the venue, listed or as the portfolio stream tells it.  `created_at` is epoch microseconds."""

    gtt_order_id: str
    rules: list[GttRule]
    exchange: str = ""
    product: str = ""
    quantity: Decimal | None = None
    instrument_token: str | None = None
    instrument_key: str | None = None
    trading_symbol: str | None = None
    created_at: int | None = None


class GttIds(Wire, frozen=True, kw_only=True):
    """`data` of the answer to a command about a GTT order."""

    gtt_order_ids: list[str]


class Update(Wire, frozen=True, kw_only=True):
    """What a message of the portfolio stream is about: order, gtt_order, position or holding.

    By some accounts it comes as `type` and `data`.
    """

    update_type: str = ""
    type: str = ""
    data: msgspec.Raw = NOTHING


# -- account ------------------------------------------------------------------------------------------------------------


class Profile(Wire, frozen=True, kw_only=True):
    user_id: str
    exchanges: list[str] = []
    products: list[str] = []
    order_types: list[str] = []
    is_active: bool | None = None


class Cash(Wire, frozen=True, kw_only=True):
    """What the day began with, in rupees, and what came and went since; nothing that an order or a position ties up."""

    opening_balance: Decimal
    added_today: Decimal | None = None
    withdrawn_today: Decimal | None = None  # the documents show it below zero
    unpaid_charges: Decimal | None = None


class MarginUsed(Wire, frozen=True, kw_only=True):
    total: Decimal | None = None


class CashToTrade(Wire, frozen=True, kw_only=True):
    total: Decimal
    cash: Cash
    margin_used: MarginUsed | None = None


class ToTrade(Wire, frozen=True, kw_only=True):
    """All that orders may use: cash, and margin from pledged shares."""

    total: Decimal
    cash_available_to_trade: CashToTrade


class Funds(Wire, frozen=True, kw_only=True):
    """Money of all segments."""

    available_to_trade: ToTrade


class Position(Wire, frozen=True, kw_only=True):
    """A position of the day; sold short is below zero.  Those that are flat stay for the day."""

    quantity: Decimal
    exchange: str = ""
    product: str = ""
    instrument_token: str | None = None
    trading_symbol: str | None = None
    tradingsymbol: str | None = None
    average_price: Decimal | None = None
    buy_price: Decimal | None = None
    sell_price: Decimal | None = None
    last_price: Decimal | None = None
    unrealised: Decimal | None = None
    day_buy_value: Decimal | None = None
    day_sell_value: Decimal | None = None


class Holding(Wire, frozen=True, kw_only=True):
    """Shares of earlier days.  What is sold of them today stands in the positions, below zero, until it is settled."""

    quantity: Decimal
    exchange: str = ""
    instrument_token: str | None = None
    trading_symbol: str | None = None
    tradingsymbol: str | None = None
    average_price: Decimal | None = None
    last_price: Decimal | None = None


class Charges(Wire, frozen=True, kw_only=True):
    total: Decimal | None = None


class ChargesData(Wire, frozen=True, kw_only=True):
    charges: Charges


class Margins(Wire, frozen=True, kw_only=True):
    required_margin: Decimal | None = None
    final_margin: Decimal | None = None


# -- instruments and markets --------------------------------------------------------------------------------------------


class Row(Wire, frozen=True, kw_only=True):
    """One instrument of the files; `tick_size` is in paise, `expiry` in epoch ms, `strike_price` in rupees."""

    instrument_key: str
    segment: str = ""
    instrument_type: str = ""
    trading_symbol: str = ""
    name: str | None = None
    lot_size: Decimal | None = None
    freeze_quantity: Decimal | None = None
    tick_size: Decimal | None = None
    security_type: str | None = None
    mtf_enabled: bool | None = None
    underlying_symbol: str | None = None
    strike_price: Decimal | None = None
    expiry: int | None = None


class Level(Wire, frozen=True, kw_only=True):
    quantity: Decimal | None = None
    price: Decimal | None = None


class Depth(Wire, frozen=True, kw_only=True):
    buy: list[Level] = []
    sell: list[Level] = []


class FullQuote(Wire, frozen=True, kw_only=True):
    """One entry of the quotes, which are keyed by another name than they are asked by."""

    instrument_token: str
    depth: Depth | None = None
    last_price: Decimal | None = None
    timestamp: str | None = None


class Candles(Wire, frozen=True, kw_only=True):
    """Time, open, high, low, close, volume, open interest; the newest first."""

    candles: list[tuple[str, Decimal, Decimal, Decimal, Decimal, Decimal, Decimal]] = []


class Timing(Wire, frozen=True, kw_only=True):
    """When an exchange trades on a day, in epoch ms."""

    exchange: str
    start_time: int
    end_time: int


# -- sessions -----------------------------------------------------------------------------------------------------------


class Redirect(Wire, frozen=True, kw_only=True):
    """Where a stream is to be opened, once."""

    authorized_redirect_uri: str | None = None
    authorizedRedirectUri: str | None = None  # noqa: N815 - as the venue has it


class Token(Wire, frozen=True, kw_only=True):
    """The answer to the log-in, which has no envelope."""

    access_token: str
    user_id: str = ""


# -- reading ------------------------------------------------------------------------------------------------------------

UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError, ArithmeticError)


def decode(data: bytes | msgspec.Raw, kind: type[T], *, what: str) -> T:
    """`data` as `kind`; raises `ApiError` (UNKNOWN), which names `what` and quotes nothing of the reply."""
    try:
        return _reader(kind)(data)
    except UNREADABLE as error:
        raise ApiError(f"{what} is not readable ({type(error).__name__})", broker=BROKER) from error


@cache
def _reader(kind: type[T]) -> Callable[[bytes | msgspec.Raw], T]:
    """Made once for each kind of message: making it costs more than a reading."""
    return msgspec.json.Decoder(kind).decode


def is_none(raw: bytes | msgspec.Raw) -> bool:
    """Whether a member is null, or not there at all."""
    return bytes(raw).strip() in (b"", b"null")
