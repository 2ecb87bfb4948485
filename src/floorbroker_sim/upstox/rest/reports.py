"""Previews of charges and margins, past trades page by page, and the profit and loss report.

https://upstox.com/developer/api-documentation/get-brokerage, margin and get-historical-trades
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker_sim.http import Reply
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.rest import charges, risk
from floorbroker_sim.upstox.rest.answers import Call, ok, page_of, shown
from floorbroker_sim.upstox.rest.checks import word
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.reading import amount, body_of, day_of, decimal_in, is_key, number_in, units
from floorbroker_sim.upstox.rest.records import Deal, Terms
from floorbroker_sim.upstox.wire import MarginItem, MarginWish

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

_REPORT_SEGMENTS = ("EQ", "FO", "COM", "CD")
_PAGE_MAX = 5000


def get_brokerage(state: State, call: Call) -> Reply:
    """What an order would cost."""
    query = call.query
    key = query.get("instrument_token", "")
    if not is_key(key):
        raise Refused("UDAPI1059", path="instrument_token", value=key)
    listed = state.listings.by_key.get(key)
    if listed is None:
        raise Refused("UDAPI100011", path="instrument_token", value=key)
    quantity = decimal_in(query, "quantity", missing="UDAPI1060")
    if not quantity or quantity != quantity.to_integral_value():
        raise Refused("UDAPI1064", path="quantity", value=query.get("quantity"))
    product = word(query.get("product"), info.OLD_PRODUCTS, missing="UDAPI1063", wrong="UDAPI1054", path="product")
    side = word(
        query.get("transaction_type"), info.SIDES, missing="UDAPI1062", wrong="UDAPI1057", path="transaction_type"
    )
    price = decimal_in(query, "price", missing="UDAPI1061")
    if not price:
        raise Refused("UDAPI1065", path="price", value=query.get("price"))
    found = charges.charges_of(listed, quantity=int(quantity), price=price, product=product, side=side)
    return ok({"charges": charges.charges_object(found)})


# --- Margins -----------------------------------------------------------------------------------------------------------


def post_margin(state: State, call: Call) -> Reply:
    """What orders would tie up, one by one and together."""
    wishes = body_of(call.request, MarginWish).instruments
    if not wishes:
        raise Refused("UDAPI1095", path="instruments")
    if len(wishes) > info.MAX_MARGIN_KEYS:
        raise Refused("UDAPI1102", value=len(wishes))
    if len({(one.instrument_key, one.product, one.transaction_type) for one in wishes}) < len(wishes):
        raise Refused("UDAPI1103", path="instruments")
    margins = [_margin(state, one) for one in wishes]
    total = sum((one.total for one in margins), ZERO)
    return ok(
        {"margins": [one.shown() for one in margins], "required_margin": shown(total), "final_margin": shown(total)}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Margin:
    """What one order would tie up, by kind."""

    span: Decimal = ZERO
    exposure: Decimal = ZERO
    equity: Decimal = ZERO
    premium: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.span + self.exposure + self.equity + self.premium

    def shown(self) -> dict[str, object]:
        return {
            "span_margin": shown(self.span), "exposure_margin": shown(self.exposure), "equity_margin": shown(self.equity),
            "net_buy_premium": shown(self.premium), "additional_margin": ZERO, "total_margin": shown(self.total),
            "tender_margin": ZERO,
        }  # fmt: skip


def _margin(state: State, wish: MarginItem) -> _Margin:
    listed, quantity = _margin_key(state, wish.instrument_key), units(wish.quantity, "quantity")
    if not quantity:
        raise Refused("UDAPI1096", path="quantity", value=wish.quantity)
    if quantity % listed.lot:
        raise Refused("UDAPI1097", path="quantity", value=quantity)
    product = word(wish.product, info.OLD_PRODUCTS, missing="UDAPI1100", wrong="UDAPI1054", path="product")
    side = word(wish.transaction_type, info.SIDES, missing="UDAPI1101", wrong="UDAPI1057", path="transaction_type")
    if wish.price is not None and (not wish.price.is_finite() or wish.price < 0):
        raise Refused("UDAPI1104", path="price", value=str(wish.price)[:40])
    terms = Terms(
        quantity=quantity, product=product, validity="DAY", order_type="LIMIT", side=side, price=amount(wish.price, "price")
    )  # fmt: skip
    if listed.is_option and side == "SELL":
        span, exposure = risk.written(state, listed, quantity)
        return _Margin(span=span, exposure=exposure)
    cost = quantity * risk.unit_margin(state, listed, terms)
    return _Margin(premium=cost) if listed.is_option else _Margin(equity=cost)


def _margin_key(state: State, key: str | None) -> Listed:
    if not key or not is_key(key):
        raise Refused("UDAPI1098", path="instrument_key", value=key)
    found = state.listings.by_key.get(key)
    if found is None:
        raise Refused("UDAPI1099", path="instrument_key", value=key)
    return found


# --- Past trades -------------------------------------------------------------------------------------------------------


def get_past_trades(state: State, call: Call) -> Reply:
    """Trades of days that are over and of today, the newest first."""
    query = call.query
    start, end = (day_of(query.get(name, ""), code="UDAPI1088", path=name) for name in ("start_date", "end_date"))
    segment = query.get("segment") or None
    if segment not in {None, "EQ", "FO", "COM", "CD", "MF"}:
        raise Refused("UDAPI1105", path="segment", value=segment)
    number = number_in(query, "page_number", low=1, high=10**6, code="UDAPI1106")
    size = number_in(query, "page_size", low=1, high=_PAGE_MAX, code="UDAPI1107")
    found = [one for one in reversed(state.deals) if start <= one.day <= end and segment in {None, _segment(one)}]
    rows = [_past_trade(one) for one in found[(number - 1) * size : number * size]]
    page = page_of(number, size, len(found))
    return ok(rows, metaData=page, meta_data=page)


def _segment(deal: Deal) -> str:
    return "FO" if deal.execution.order.listed.is_option else "EQ"


def _past_trade(deal: Deal) -> dict[str, object]:
    one = deal.execution
    listed = one.order.listed
    return {
        "exchange": listed.segment.partition("_")[0], "segment": _segment(deal),
        "option_type": listed.kind if listed.is_option else "",
        "quantity": one.quantity, "amount": shown(one.quantity * one.price), "trade_id": one.trade_id,
        "trade_date": deal.day.isoformat(), "transaction_type": one.order.terms.side, "scrip_name": listed.name,
        "strike_price": f"{listed.strike:f}" if listed.strike is not None else "0.0",
        "expiry": "" if listed.expiry is None else listed.expiry.isoformat(), "price": one.price, "isin": listed.isin or "",
        "symbol": listed.trading_symbol, "instrument_token": listed.key,
    }  # fmt: skip


# --- Profit and loss ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Round:
    """Units that were bought and sold, first in first out."""

    listed: Listed
    quantity: int
    bought: date
    paid: Decimal
    sold: date
    got: Decimal


def get_profit_meta(state: State, call: Call) -> Reply:
    return ok({"trades_count": len(_report(state, call)), "page_size_limit": _PAGE_MAX})


def get_profit(state: State, call: Call) -> Reply:
    rounds = _report(state, call)
    for name, code in (("page_number", "UDAPI1070"), ("page_size", "UDAPI1071")):
        if not call.query.get(name):
            raise Refused(code, path=name)
    number = number_in(call.query, "page_number", low=1, high=10**6, code="UDAPI1106")
    size = number_in(call.query, "page_size", low=1, high=_PAGE_MAX, code="UDAPI1107")
    rows = [_round(one) for one in rounds[(number - 1) * size : number * size]]
    return ok(rows, metadata={"page": {"page_number": number, "page_size": size}})


def _round(one: _Round) -> dict[str, object]:
    return {
        "quantity": ZERO + one.quantity, "isin": one.listed.isin or "", "scrip_name": one.listed.name,
        "trade_type": "OPT" if one.listed.is_option else "EQ", "buy_date": f"{one.bought:%d-%m-%Y}", "buy_average": one.paid,
        "sell_date": f"{one.sold:%d-%m-%Y}", "sell_average": one.got, "buy_amount": shown(one.paid * one.quantity),
        "sell_amount": shown(one.got * one.quantity),
    }  # fmt: skip


def get_profit_charges(state: State, call: Call) -> Reply:
    segment, (first, last) = _segment_in(call), _year(call)
    orders = {
        one.execution.order.id: one.execution.order
        for one in state.deals
        if first <= one.day <= last and _segment(one) == segment
    }
    found = [
        charges.charges_of(
            one.listed, quantity=one.filled, price=one.average, product=one.terms.product, side=one.terms.side
        )
        for one in orders.values()
    ]
    total = sum((one.total for one in found), ZERO)
    body = {
        "total": shown(total), "brokerage": shown(sum((one.brokerage for one in found), ZERO)),
        "taxes": {
            "gst": sum((one.gst for one in found), ZERO), "stt": sum((one.stt for one in found), ZERO),
            "stamp_duty": sum((one.stamp for one in found), ZERO),
        },
        "charges": {
            "transaction": sum((one.transaction for one in found), ZERO), "clearing": ZERO, "others": ZERO,
            "sebi_turnover": sum((one.sebi for one in found), ZERO), "demat_transaction": ZERO,
        },
    }  # fmt: skip
    return ok({"charges_breakdown": body})


def _report(state: State, call: Call) -> list[_Round]:
    segment, (first, last) = _segment_in(call), _year(call)
    wanted = [one for one in state.deals if _segment(one) == segment]
    return [one for one in _rounds(wanted) if first <= max(one.bought, one.sold) <= last]


def _rounds(deals: list[Deal]) -> Iterator[_Round]:
    waiting: dict[str, list[tuple[Deal, int]]] = {}
    for deal in deals:
        side, left = deal.execution.order.terms.side, deal.execution.quantity
        queue = waiting.setdefault(deal.execution.order.listed.key, [])
        while left and queue and queue[0][0].execution.order.terms.side != side:
            other, count = queue.pop(0)
            size = min(left, count)
            if count > size:
                queue.insert(0, (other, count - size))
            left -= size
            buy, sell = (deal, other) if side == "BUY" else (other, deal)
            yield _Round(
                listed=deal.execution.order.listed, quantity=size, bought=buy.day, paid=buy.execution.price, sold=sell.day,
                got=sell.execution.price,
            )  # fmt: skip
        if left:
            queue.append((deal, left))


def _segment_in(call: Call) -> str:
    return word(call.query.get("segment"), _REPORT_SEGMENTS, missing="UDAPI1066", wrong="UDAPI1067", path="segment")


def _year(call: Call) -> tuple[date, date]:
    """The days of a report: a financial year (`2526` is April 2025 to March 2026), or a part of one."""
    text = call.query.get("financial_year", "")
    if not text:
        raise Refused("UDAPI1068", path="financial_year")
    if re.fullmatch(r"\d{4}", text, re.ASCII) is None or (int(text[:2]) + 1) % 100 != int(text[2:]):
        raise Refused("UDAPI1069", path="financial_year", value=text)
    first, last = date(2000 + int(text[:2]), 4, 1), date(2001 + int(text[:2]), 3, 31)
    start, end = (_report_day(call, name) for name in ("from_date", "to_date"))
    if (start is not None and not first <= start <= last) or (end is not None and not first <= end <= last):
        raise Refused("UDAPI1073")
    return start or first, end or last


def _report_day(call: Call, name: str) -> date | None:
    text = call.query.get(name, "")
    if not text:
        return None
    found = re.fullmatch(r"(\d\d)-(\d\d)-(\d{4})", text, re.ASCII)
    if found is None:
        raise Refused("UDAPI1072", path=name, value=text)
    return day_of(f"{found[3]}-{found[2]}-{found[1]}", code="UDAPI1072", path=name)
