"""What trading costs: brokerage, taxes of the state, fees of the exchange; billed when the day is over.

Rates as the broker and the exchanges publish them.  https://upstox.com/brokerage-charges/
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.records import Order

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

_FLAT = Decimal(20)
_SHARE = Decimal("0.001")
_GST = Decimal("0.18")
_SEBI = Decimal("0.000001")
_IPFT = Decimal("0.000001")
_DP = Decimal("18.5")
# Rates by kind of trade: tax on buys, tax on sells, stamp duty on buys, fee of NSE, fee of BSE.
_DELIVERY = ("0.001", "0.001", "0.00015", "0.0000297", "0.0000375")
_INTRADAY = ("0", "0.00025", "0.00003", "0.0000297", "0.0000375")
_OPTION = ("0", "0.001", "0.00003", "0.0003503", "0.000325")


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """The charges of one order or one trade, in rupees."""

    brokerage: Decimal
    stt: Decimal
    stamp: Decimal
    transaction: Decimal
    sebi: Decimal
    ipft: Decimal
    depository: Decimal

    @property
    def gst(self) -> Decimal:
        return round((self.brokerage + self.transaction + self.sebi) * _GST, 2)

    @property
    def total(self) -> Decimal:
        return self.brokerage + self.stt + self.stamp + self.transaction + self.sebi + self.ipft + self.gst


def charges_of(listed: Listed, *, quantity: int, price: Decimal, product: str, side: str) -> Charges:
    """What trading `quantity` units at `price` costs."""
    worth = quantity * price
    rates = _OPTION if listed.is_option else _INTRADAY if product == "I" else _DELIVERY
    on_buy, on_sell, stamp, nse, bse = (Decimal(rate) for rate in rates)
    is_buy = side == "BUY"
    return Charges(
        brokerage=_FLAT if listed.is_option else min(_FLAT, round(worth * _SHARE, 2)),
        stt=round(worth * (on_buy if is_buy else on_sell), 2), stamp=round(worth * stamp, 2) if is_buy else ZERO,
        transaction=round(worth * (nse if listed.segment.startswith("NSE") else bse), 2), sebi=round(worth * _SEBI, 2),
        ipft=round(worth * _IPFT, 2) if listed.segment.startswith("NSE") else ZERO,
        depository=_DP if product == "D" and not is_buy and not listed.is_option else ZERO,
    )  # fmt: skip


def charges_object(found: Charges) -> dict[str, object]:
    """As the brokerage page shows them, under both spellings."""
    other = {
        "transaction": found.transaction, "clearing": ZERO, "ipft": found.ipft, "sebi_turnover": found.sebi,
    }  # fmt: skip
    plan = {"name": "NO_PLAN", "min_expense": found.depository}
    return {
        "total": found.total, "brokerage": found.brokerage,
        "taxes": {"gst": found.gst, "stt": found.stt, "stamp_duty": found.stamp},
        "otherTaxes": other, "other_taxes": other, "dpPlan": plan, "dp_plan": plan,
    }  # fmt: skip


def unpaid(state: State) -> Decimal:
    """The charges of today's trades, which are billed when the day is over."""
    return state.unpaid


def charge(state: State, order: Order, *, before: Decimal) -> None:
    """Put what an order costs to the bill, in place of what it cost `before`: brokerage is paid once for an order."""
    state.unpaid += of_order(order) - before


def of_order(order: Order) -> Decimal:
    """What an order has cost so far."""
    if not order.filled:
        return ZERO
    found = charges_of(
        order.listed, quantity=order.filled, price=order.average, product=order.terms.product, side=order.terms.side
    )
    return found.total
