"""Messages as the venue spells them.  Numbers are numbers; members that do not apply are left out.

https://documentation.tradier.com/brokerage-api/accounts/get-account-orders
https://documentation.tradier.com/brokerage-api/streaming/wss-account-websocket
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec

_UNSET = msgspec.UNSET
MaybeNumber = Decimal | msgspec.UnsetType
MaybeText = str | msgspec.UnsetType


class Order(msgspec.Struct, kw_only=True):
    """One order or one leg, as the lists and the reads of a single order show it (`class` is written `kind` here)."""

    id: int
    type: str
    symbol: str
    side: str
    quantity: Decimal
    status: str
    duration: str
    price: MaybeNumber = _UNSET
    stop_price: MaybeNumber = _UNSET
    avg_fill_price: Decimal
    exec_quantity: Decimal
    last_fill_price: Decimal
    last_fill_quantity: Decimal
    remaining_quantity: Decimal
    create_date: str
    transaction_date: str
    kind: str = msgspec.field(name="class")
    option_symbol: MaybeText = _UNSET
    num_legs: int | msgspec.UnsetType = _UNSET
    strategy: MaybeText = _UNSET
    leg: list[dict[str, object]] | msgspec.UnsetType = _UNSET
    reason_description: MaybeText = _UNSET
    tag: MaybeText = _UNSET


class OrderEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`event: order` of the account stream.  It names neither symbol nor side."""

    id: int
    event: str
    status: str
    type: str
    price: Decimal
    stop_price: Decimal
    avg_fill_price: Decimal
    exec_quantity: Decimal
    last_fill_quantity: Decimal
    remaining_quantity: Decimal
    transaction_date: str
    create_date: str
    account: str
    parent_id: int | msgspec.UnsetType = _UNSET
    tag: MaybeText = _UNSET


Names = Annotated[list[Annotated[str, msgspec.Meta(max_length=64)]], msgspec.Meta(max_length=5000)]


class MarketWish(msgspec.Struct, frozen=True, kw_only=True):
    """The frame a client of the market stream sends: the whole list of symbols, and what it wants of them."""

    symbols: Names
    sessionid: str
    filter: Names = []
    linebreak: bool = False
    valid_only: bool = msgspec.field(default=True, name="validOnly")
    advanced: bool = msgspec.field(default=False, name="advancedDetails")


class AccountWish(msgspec.Struct, frozen=True, kw_only=True):
    """The frame a client of the account stream sends."""

    sessionid: str
    events: Names = []
    excluded: Names = msgspec.field(default_factory=list[str], name="excludeAccounts")
