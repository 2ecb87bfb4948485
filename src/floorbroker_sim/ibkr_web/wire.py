"""Bodies as clients send them.  Numbers may be text; unknown members are left alone, as the venue does."""

from __future__ import annotations

from decimal import Decimal

import msgspec


class Body(msgspec.Struct, kw_only=True, rename="camel"):
    """A request body; members are camelCase on the wire."""


class Ticket(Body):
    """One order as it is placed or modified.  `price` is the limit, or the stop of STP and TRAIL."""

    acct_id: str | None = None
    conid: int | None = None
    conidex: str | None = None
    sec_type: str | None = None
    client_id: str | None = msgspec.field(default=None, name="cOID")
    parent_id: str | None = None
    order_type: str | None = None
    side: str | None = None
    tif: str | None = None
    quantity: Decimal | None = None
    cash_qty: Decimal | None = None
    fx_qty: Decimal | None = None
    price: Decimal | None = None
    aux_price: Decimal | None = None
    trailing_amt: Decimal | None = None
    trailing_type: str | None = None
    outside_rth: bool = msgspec.field(default=False, name="outsideRTH")
    all_or_none: bool = False
    is_single_group: bool = False
    is_ccy_conv: bool = False
    is_close: bool = False
    use_adaptive: bool = False
    listing_exchange: str | None = None
    ticker: str | None = None
    referrer: str | None = None
    manual_order_time: int | None = None
    customer_account: str | None = None
    is_pro_customer: bool | None = None
    manual_indicator: bool | None = None
    ext_operator: str | None = None
    strategy: str | None = None
    strategy_parameters: dict[str, object] | None = None


class Tickets(Body):
    """The object around several tickets."""

    orders: list[Ticket]


class Answer(Body):
    """The answer to a question."""

    confirmed: bool


class PromptAnswer(Body):
    """The answer to a prompt."""

    order_id: int
    req_id: str
    text: str


class Suppress(Body):
    """Questions that shall not be asked any more in this session."""

    message_ids: list[str]


class Opening(Body):
    """How a brokerage session begins."""

    publish: bool = False
    compete: bool = False


class Account(Body):
    """An account to select."""

    acct_id: str


class Conid(Body):
    """A contract."""

    conid: int


class RulesOf(Body):
    """Whose trading rules are wanted."""

    conid: int
    is_buy: bool = True
    exchange: str | None = None
    modify_order: bool | None = None
    order_id: int | None = None


class Search(Body):
    """A search for contracts."""

    symbol: str | None = None
    sec_type: str | None = None
    name: bool | None = None
