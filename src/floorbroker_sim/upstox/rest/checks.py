"""What is wrong with an order before anybody risks money: the codes of the place and modify pages."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.reading import amount, units
from floorbroker_sim.upstox.rest.records import Order, Terms
from floorbroker_sim.upstox.wire import ModifyWish, PlaceWish

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State


def listed_of(state: State, key: str | None) -> Listed:
    """What an order is about.  Raises `Refused` for a key nobody trades."""
    if not key:
        raise Refused("UDAPI1026", path="instrument_token")
    if key.startswith("MCX_"):
        raise Refused("UDAPI1161", path="instrument_token", value=key)
    found = state.listings.by_key.get(key)
    ends = None if found is None else found.ends_at
    if found is None or found.kind == "INDEX" or (ends is not None and ends <= state.clock.now()):
        raise Refused("UDAPI100011", path="instrument_token", value=key)
    return found


def terms_of(state: State, wish: PlaceWish, *, products: tuple[str, ...]) -> Terms:
    """The terms of a new order.  Raises `Refused` with the first code that fits."""
    kind = word(wish.order_type, info.ORDER_TYPES, missing="UDAPI1004", wrong="UDAPI1056", path="order_type")
    side = word(wish.transaction_type, info.SIDES, missing="UDAPI1005", wrong="UDAPI1057", path="transaction_type")
    product = word(wish.product, products, missing="UDAPI1006", wrong="UDAPI1054", path="product")
    validity = word(wish.validity, info.VALIDITIES, missing="UDAPI1007", wrong="UDAPI1055", path="validity")
    if product in {"CO", "OCO"}:
        raise Refused("UDAPI1054", text=f"The product {product} is no longer offered", path="product", value=product)
    terms = Terms(
        quantity=_quantity(wish.quantity), product=product, validity=validity, order_type=kind, side=side,
        price=amount(wish.price, "price"), trigger=amount(wish.trigger_price, "trigger_price"), tag=_tag(wish.tag),
        disclosed=units(wish.disclosed_quantity, "disclosed_quantity"), protection=protection(wish.market_protection),
        slice=bool(wish.slice), is_amo=bool(wish.is_amo),
    )  # fmt: skip
    return checked(state, terms, price_told=wish.price is not None)


def word(value: str | None, allowed: tuple[str, ...], *, missing: str, wrong: str, path: str) -> str:
    """One word out of a list."""
    if not value:
        raise Refused(missing, path=path)
    if value not in allowed:
        raise Refused(wrong, path=path, value=value)
    return value


def _quantity(value: int | None) -> int:
    quantity = units(value, "quantity")
    if not quantity:
        raise Refused("UDAPI1052", path="quantity", value=value)
    return quantity


def _tag(value: str | None) -> str | None:
    if value is not None and len(value) > info.MAX_TAG:
        raise Refused("UDAPI1119", path="tag", value=value)
    return value or None


def protection(value: Decimal | None) -> Decimal:
    """-1 lets the venue choose, 0 is none, 1 to 25 are percent."""
    if value is None or value == 0:
        return ZERO
    if (
        not value.is_finite()
        or value != value.to_integral_value()
        or not (value == -1 or 1 <= value <= info.PROTECTION_MAX)
    ):
        raise Refused("UDAPI100036", path="market_protection", value=str(value)[:40])
    return value


def checked(state: State, terms: Terms, *, price_told: bool = True) -> Terms:
    """What has to fit together.  A market order has no price, whatever was sent."""
    match terms.order_type:
        case "MARKET":
            if not state.rules.market_orders:
                raise Refused("UDAPI1158", path="order_type", value=terms.order_type)
            terms = replace(terms, price=ZERO, trigger=ZERO)
        case "LIMIT":
            if not terms.price:
                raise Refused("UDAPI1043" if price_told else "UDAPI1008", path="price", value=terms.price)
            terms = replace(terms, trigger=ZERO)
        case "SL":
            _stop_limit(terms)
        case _:
            if not terms.trigger:
                raise Refused("UDAPI1036", path="trigger_price", value=terms.trigger)
            terms = replace(terms, price=ZERO)
    shown = terms.disclosed
    if shown and (shown > terms.quantity or shown * info.DISCLOSED_SHARE < terms.quantity):
        raise Refused("UDAPI1039", path="disclosed_quantity", value=shown)
    return terms


def _stop_limit(terms: Terms) -> None:
    if not terms.price or not terms.trigger:
        raise Refused("UDAPI1031", path="price" if not terms.price else "trigger_price")
    if terms.sign > 0 and terms.trigger > terms.price:
        raise Refused("UDAPI1037", path="trigger_price", value=terms.trigger)
    if terms.sign < 0 and terms.trigger < terms.price:
        raise Refused("UDAPI1038", path="trigger_price", value=terms.trigger)


def changed_terms(state: State, order: Order, wish: ModifyWish) -> Terms:
    """The terms an order would have; a quantity of nothing leaves it as it is."""
    kind = word(wish.order_type, info.ORDER_TYPES, missing="UDAPI1004", wrong="UDAPI1056", path="order_type")
    validity = word(wish.validity, info.VALIDITIES, missing="UDAPI1007", wrong="UDAPI1055", path="validity")
    terms = replace(
        order.terms, order_type=kind, validity=validity, price=amount(wish.price, "price"),
        trigger=amount(wish.trigger_price, "trigger_price"),
        quantity=units(wish.quantity, "quantity") or order.terms.quantity,
        disclosed=units(wish.disclosed_quantity, "disclosed_quantity"),
        protection=protection(wish.market_protection),
    )  # fmt: skip
    return checked(state, terms, price_told=wish.price is not None)
