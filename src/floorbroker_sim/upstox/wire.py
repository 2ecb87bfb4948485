"""What clients send, exactly as the venue spells it; whatever is missing is None and is named by the handler.

https://upstox.com/developer/api-documentation/v3/place-order and its neighbours
"""

from __future__ import annotations

from decimal import Decimal

import msgspec


class PlaceWish(msgspec.Struct, kw_only=True):
    """An order, v2 or v3, alone or one of several."""

    quantity: int | None = None
    product: str | None = None
    validity: str | None = None
    price: Decimal | None = None
    tag: str | None = None
    slice: bool | None = None
    instrument_token: str | None = None
    order_type: str | None = None
    transaction_type: str | None = None
    disclosed_quantity: int | None = None
    trigger_price: Decimal | None = None
    is_amo: bool | None = None
    correlation_id: str | None = None
    market_protection: Decimal | None = None


class ModifyWish(msgspec.Struct, kw_only=True):
    """Other terms for an order."""

    quantity: int | None = None
    validity: str | None = None
    price: Decimal | None = None
    order_id: str | None = None
    order_type: str | None = None
    disclosed_quantity: int | None = None
    trigger_price: Decimal | None = None
    market_protection: Decimal | None = None


class RuleWish(msgspec.Struct, kw_only=True):
    """One leg of a GTT order."""

    strategy: str | None = None
    trigger_type: str | None = None
    trigger_price: Decimal | None = None
    trailing_gap: Decimal | None = None
    market_protection: Decimal | None = None


class GttWish(msgspec.Struct, kw_only=True):
    """A GTT order, or other terms for one."""

    type: str | None = None
    quantity: int | None = None
    product: str | None = None
    rules: list[RuleWish] | None = None
    instrument_token: str | None = None
    transaction_type: str | None = None
    gtt_order_id: str | None = None


class GttName(msgspec.Struct, kw_only=True):
    gtt_order_id: str | None = None


class ConvertWish(msgspec.Struct, kw_only=True):
    """A position that changes its product."""

    instrument_token: str | None = None
    new_product: str | None = None
    old_product: str | None = None
    transaction_type: str | None = None
    quantity: int | None = None


class MarginItem(msgspec.Struct, kw_only=True):
    instrument_key: str | None = None
    quantity: int | None = None
    product: str | None = None
    transaction_type: str | None = None
    price: Decimal | None = None


class MarginWish(msgspec.Struct, kw_only=True):
    """What orders together would tie up."""

    instruments: list[MarginItem] | None = None


class SegmentWish(msgspec.Struct, kw_only=True):
    """One segment switched off or on."""

    segment: str | None = None
    action: str | None = None


class AddressWish(msgspec.Struct, kw_only=True):
    """The addresses orders may come from."""

    primary_ip: str | None = None
    secondary_ip: str | None = None


class SecretWish(msgspec.Struct, kw_only=True):
    client_secret: str | None = None


class FeedData(msgspec.Struct, kw_only=True, rename="camel"):
    """Which instruments, and how much of them."""

    instrument_keys: list[str] = []
    mode: str | None = None


class FeedWish(msgspec.Struct, kw_only=True):
    """A message on the market-data feed."""

    guid: str = ""
    method: str = ""
    data: FeedData = msgspec.field(default_factory=FeedData)
