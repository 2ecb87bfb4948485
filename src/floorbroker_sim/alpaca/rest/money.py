"""Money and units: what an account is worth, what its open orders hold, what the next order would take.

Reg T as the venue explains it: buying power is twice the equity less the initial margin, options and coins are paid in full,
a market buy counts at its collar, a short sale at the larger of its limit and 1.03 times the ask.
https://docs.alpaca.markets/docs/margin-and-short-selling
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from floorbroker.domain.instrument import Instrument, OptionContract
from floorbroker.domain.orders import NewOrder, OrderLeg
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, AssetClass, OrderType, Side
from floorbroker_sim.alpaca import info
from floorbroker_sim.alpaca.rest.openbook import OpenBook
from floorbroker_sim.alpaca.rest.records import Record

HALF = Decimal("0.5")
MAINTENANCE = Decimal("0.3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One position with its present worth; `value` is signed, in dollars."""

    instrument: Instrument
    qty: Decimal
    avg_px: Decimal
    mark: Decimal

    @property
    def value(self) -> Decimal:
        return self.qty * self.mark * self.instrument.multiplier

    @property
    def cost(self) -> Decimal:
        return self.qty * self.avg_px * self.instrument.multiplier

    @property
    def is_marginable(self) -> bool:
        return self.instrument.asset_class is AssetClass.EQUITY


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An account in dollars.  `reserved` counts every open order, `reserved_in_full` those for options and coins."""

    cash: Decimal
    long_value: Decimal
    short_value: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    reserved: Decimal
    reserved_in_full: Decimal
    multiplier: Decimal = info.MULTIPLIER

    @property
    def equity(self) -> Decimal:
        return self.cash + self.long_value + self.short_value

    @property
    def buying_power(self) -> Decimal:
        """For shares."""
        free = self.multiplier * (self.equity - self.initial_margin - self.reserved_in_full)
        return max(free - (self.reserved - self.reserved_in_full), ZERO)

    @property
    def cash_power(self) -> Decimal:
        """For options and coins, which margin does not buy."""
        return max(min(self.cash - self.reserved, self.buying_power / self.multiplier), ZERO)


def standing(cash: Decimal, holdings: Iterable[Holding], book: OpenBook, multiplier: Decimal) -> Standing:
    """The account's standing from its positions at market and its open orders."""
    long = short = initial = maintenance = ZERO
    for holding in holdings:
        value = holding.value
        long, short = long + max(value, ZERO), short + min(value, ZERO)
        initial += abs(value) * (HALF if holding.is_marginable else 1)
        maintenance += abs(value) * (MAINTENANCE if holding.is_marginable else 1)
    return Standing(
        cash=cash, long_value=long, short_value=short, initial_margin=initial, maintenance_margin=maintenance,
        reserved=book.reserved, reserved_in_full=book.in_full, multiplier=multiplier,
    )  # fmt: skip


def intent(side: Side, qty: Decimal) -> str:
    """What an order of `side` does to a position of signed `qty`."""
    if side is Side.BUY:
        return "buy_to_close" if qty < 0 else "buy_to_open"
    return "sell_to_close" if qty > 0 else "sell_to_open"


def is_exit(side: Side, qty: Decimal) -> bool:
    return qty * side.sign < 0


def held(orders: Iterable[Record]) -> tuple[Decimal, list[str]]:
    """Units that these open exits of one symbol and side keep from another, and their ids; a family counts once."""
    groups: dict[str, Decimal] = {}
    related: list[str] = []
    for record in orders:
        if record.status == "held" or record.reserve_px or record.is_mleg_head:
            continue
        groups[record.group] = max(groups.get(record.group, ZERO), record.leaves)
        related.append(record.id)
    return sum(groups.values(), ZERO), related


def unit_cost(order: NewOrder, quote: Quote | None, instrument: Instrument) -> Decimal:
    """Money one unit of an opening order ties up, multiplier included."""
    ask = (quote.ask if quote is not None else None) or ZERO
    if order.side is Side.SELL:
        price = max(order.price or ZERO, ask * info.SHORT_FACTOR)
    elif order.order_type in (OrderType.LIMIT, OrderType.STOP_LIMIT) and order.price is not None:
        price = order.price
    else:
        base = order.stop_px if order.stop_px is not None else ask
        price = base * (info.COLLAR if base >= info.COLLAR_LOW_BELOW else info.COLLAR_LOW)
    return price * instrument.multiplier


def short_option_cost(contract: OptionContract, price: Decimal) -> Decimal:
    """Cash that secures one short put."""
    return max(contract.strike - price, ZERO) * 100


def worst_loss(legs: Sequence[OrderLeg]) -> Decimal | None:
    """The most one unit of a strategy can be worth against us at expiry, a share; None when there is no limit.

    The payoff is straight between strikes, so the strikes, zero and the slope beyond the last strike tell all.
    """
    contracts = [(leg.side.sign * leg.ratio_qty, OptionContract.parse(leg.symbol)) for leg in legs]
    known = [(ratio, contract) for ratio, contract in contracts if contract is not None]
    if sum((ratio for ratio, contract in known if contract.right == "C"), ZERO) < 0:
        return None
    points = [ZERO, *(contract.strike for _, contract in known)]
    return -min(sum((r * _inner(c, spot) for r, c in known), ZERO) for spot in points)


def _inner(contract: OptionContract, spot: Decimal) -> Decimal:
    difference = spot - contract.strike if contract.right == "C" else contract.strike - spot
    return max(difference, ZERO)


def net_price(legs: Sequence[OrderLeg], quotes: Sequence[Quote | None]) -> Decimal:
    """What one unit of a strategy costs at the touch, a share; negative is a credit."""
    total = ZERO
    for leg, quote in zip(legs, quotes, strict=True):
        touch = None if quote is None else quote.ask if leg.side is Side.BUY else quote.bid
        total += leg.side.sign * leg.ratio_qty * (touch or ZERO)
    return total
