"""What the desk answers about orders, accounts and markets, typed: numbers are exact, times are UTC.

Members that a newer desk adds are ignored.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """One JSON shape of the door."""


class Execution(Shape, frozen=True):
    """One execution: `quantity` units at `price`."""

    exec_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    time: datetime
    fee: Decimal | None = None
    fee_currency: str | None = None
    synthetic: bool = False


class Child(Shape, frozen=True):
    """One child of an order that was split over several brokers."""

    id: str
    part: int
    profile: str
    ord_status: str
    cum_qty: Decimal
    quantity: Decimal | None = None
    leaves_qty: Decimal | None = None
    avg_px: Decimal | None = None
    reject_reason: str | None = None


class Order(Shape, frozen=True):
    """A stored order.  `id` is the desk's, `order_id` the venue's.

    `ord_status` is `unknown` while nobody can tell what became of it; do not repeat such an order.  One that was split over
    several brokers has `children`, is their sum, and is at no profile (`*`); a child names it in `split_of`.
    """

    id: str
    cl_ord_id: str
    profile: str
    ord_status: str
    symbol: str
    side: str
    type: str
    time_in_force: str
    cum_qty: Decimal
    is_open: bool
    in_doubt: bool
    version: int
    created_at: datetime
    updated_at: datetime
    order_id: str | None = None
    quantity: Decimal | None = None
    notional: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    leaves_qty: Decimal | None = None
    avg_px: Decimal | None = None
    order_class: str = "simple"
    post_only: bool = False
    display_quantity: Decimal | None = None
    route: str = ""
    strategy: str = ""
    reason: str = ""
    client_tag: str = ""
    parent_id: str | None = None
    moved_from: str | None = None
    moved_to: str | None = None
    moving: bool = False
    split_of: str | None = None
    children: tuple[Child, ...] = ()
    reject_reason: str | None = None
    venue_text: str | None = None
    evidence: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    fills: tuple[Execution, ...] = ()


class Fill(Shape, frozen=True):
    """One execution with the order (`id`) and the profile it belongs to."""

    id: str
    profile: str
    exec_id: str
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    time: datetime
    strategy: str = ""
    fee: Decimal | None = None
    fee_currency: str | None = None


class HeldOption(Shape, frozen=True):
    """What a position in an option is about; `expires_today` by New York's day."""

    root: str
    expiry: date
    right: str
    strike: Decimal
    multiplier: Decimal
    expires_today: bool = False
    expired: bool = False


class ListedOption(Shape, frozen=True):
    """One contract of a chain; prices are a share, and one contract is about `multiplier` of them."""

    symbol: str
    right: str
    strike: Decimal
    multiplier: Decimal
    style: str | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    open_interest: Decimal | None = None
    time: datetime | None = None


class Chain(Shape, frozen=True):
    """Options of one expiration, by strike; `expirations` are all that may be asked for.

    `left_out` counts strikes that are listed and not told yet: ask again, and the next ones come.  `note` says what is missing.
    """

    underlying: str
    expiry: date
    expirations: tuple[date, ...]
    contracts: tuple[ListedOption, ...]
    left_out: int = 0
    note: str = ""


class Size(Shape, frozen=True):
    """How many contracts, and what they cost with multiplier and fees."""

    symbol: str
    profile: str
    contracts: int
    premium: Decimal
    multiplier: Decimal
    fee_each: Decimal
    total: Decimal
    currency: str
    why: str
    option_buying_power: Decimal | None = None


class Position(Shape, frozen=True):
    """One position; `quantity` is signed, short is negative; prices and amounts are in `currency`."""

    profile: str
    symbol: str
    quantity: Decimal
    avg_px: Decimal | None = None
    market_px: Decimal | None = None
    market_value: Decimal | None = None
    unrealized_pl: Decimal | None = None
    realized_pl: Decimal | None = None
    available: Decimal | None = None
    marked_by: str | None = None
    option: HeldOption | None = None
    currency: str | None = None


class Account(Shape, frozen=True):
    """An account as its venue describes it; amounts in `currency`."""

    account: str
    currency: str
    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    can_trade: bool
    option_buying_power: Decimal | None = None
    blocked_reason: str | None = None


class Missing(Shape, frozen=True):
    """A profile that is in nothing of a consolidated account, and why."""

    profile: str
    reason: str


class NetPosition(Shape, frozen=True):
    """One instrument over all profiles; `quantity` is signed, values are in its own `currency`."""

    symbol: str
    currency: str
    quantity: Decimal
    market_value: Decimal | None = None
    unrealized_pl: Decimal | None = None


class Consolidated(Shape, frozen=True):
    """All profiles as one account, in `currency`.  Unless `complete`, it is not the whole."""

    currency: str
    time: datetime
    complete: bool
    left_out: list[str]
    equity: Decimal
    cash: Decimal
    buying_power: Decimal
    gross_exposure: Decimal
    net_exposure: Decimal
    day_pl: Decimal | None = None
    positions: list[NetPosition] = []
    missing: list[Missing] = []


class Quote(Shape, frozen=True):
    """Best bid and ask; a side that is not there is None."""

    symbol: str
    time: datetime
    source: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    bid_size: Decimal = Decimal(0)
    ask_size: Decimal = Decimal(0)
    last: Decimal | None = None


class Level(Shape, frozen=True):
    """One price of a book, and the size at it."""

    price: Decimal
    size: Decimal


class Book(Shape, frozen=True):
    """An order book, best level first; what needs a side that is not there is None.  `state` is fresh or says why not."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    state: str
    spread: Decimal | None = None
    mid: Decimal | None = None
    microprice: Decimal | None = None
    imbalance: Decimal | None = None
    sequence: int | None = None
    time: datetime | None = None


class Bar(Shape, frozen=True):
    """One bar; `start` is inclusive."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class Bars(Shape, frozen=True):
    """Bars of `span_s` seconds, oldest first."""

    symbol: str
    span_s: int
    items: tuple[Bar, ...]


class Hours(Shape, frozen=True):
    """One day of one market; times are None on a closed day."""

    market: str
    day: str
    is_open_day: bool
    open: datetime | None = None
    close: datetime | None = None
    is_open_now: bool | None = None


class Verdict(Shape, frozen=True):
    """One pre-trade control's answer."""

    control: str
    ok: bool
    detail: str
    limit: str | None = None
    value: str | None = None


class Preview(Shape, frozen=True):
    """What a submit would meet right now; nothing is reserved and nothing is sent."""

    ok: bool
    profile: str
    verdicts: tuple[Verdict, ...]
    objections: tuple[dict[str, str], ...] = ()


class Balance(Shape, frozen=True):
    """Money in one currency."""

    currency: str
    total: Decimal
    available: Decimal


class Worth(Shape, frozen=True):
    """Equity at a moment."""

    time: datetime
    equity: Decimal


class EquityCurve(Shape, frozen=True):
    """Equity over time, of the profiles that are named."""

    profiles: tuple[str, ...]
    items: tuple[Worth, ...]
    currency: str | None = None


class Objection(Shape, frozen=True):
    """What is wrong with a member of an order."""

    pointer: str
    code: str
    detail: str


class Validation(Shape, frozen=True):
    """Whether the words of an order make sense; `digest` is what an idempotency key is tied to."""

    ok: bool
    digest: str
    violations: tuple[Objection, ...] = ()


class Fact(Shape, frozen=True):
    """One fact about an order, as the journal has it."""

    seq: int
    epoch: int
    committed_at: datetime
    kind: str
    source: str
    at: datetime
    venue_time: datetime | None = None
    data: dict[str, Any] = {}


class Question(Shape, frozen=True):
    """One source that was asked about an order in doubt."""

    at: datetime
    source: str
    complete: bool
    found: bool
    trouble: str = ""


class LikelyOrder(Shape, frozen=True):
    """An order at the venue that may be ours."""

    order_id: str
    symbol: str
    side: str
    time: datetime
    quantity: Decimal | None = None
    limit_price: Decimal | None = None


class Offer(Shape, frozen=True):
    """An act about a doubt, and whether it is allowed now."""

    action: str
    allowed: bool
    detail: str = ""


class Deed(Shape, frozen=True):
    """An act that somebody took."""

    seq: int
    at: datetime
    action: str
    by: str
    reason: str
    outcome: str


class Resolution(Shape, frozen=True):
    """What is known of an order in doubt, and what may be done."""

    order: Order
    standing: str
    bound_s: float
    bound_enforced: bool
    negatives: int
    needed: int
    horizon: datetime | None = None
    questions: tuple[Question, ...] = ()
    candidates: tuple[LikelyOrder, ...] = ()
    actions: tuple[Offer, ...] = ()
    taken: tuple[Deed, ...] = ()
