"""Margin of an account, all in dollars: what positions and orders tie up, and what an order would."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from floorbroker.domain.instrument import Instrument, OptionContract
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, AssetClass, Price, Quantity, Side, round_step
from floorbroker_sim.ibkr_web import info

_CENT = Decimal("0.01")


class Commission:
    """What an execution costs: by the share or by the contract, with a minimum."""

    def fee(self, *, symbol: str, side: Side, qty: Quantity, price: Price, maker: bool) -> Decimal:
        """US dollars."""
        if OptionContract.parse(symbol) is not None:
            return round_step(max(info.CONTRACT_FEE * qty, info.FEE_MINIMUM), _CENT)
        most = abs(price) * qty * info.SHARE_FEE_MAX_PERCENT / 100
        return round_step(min(max(info.SHARE_FEE * qty, info.FEE_MINIMUM), most), _CENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A position at market.  `qty` is signed; prices are per unit, `value` and `cost` in dollars."""

    instrument: Instrument
    qty: Decimal
    avg_px: Decimal
    mark: Decimal
    realized: Decimal = ZERO

    @property
    def value(self) -> Decimal:
        return self.qty * self.mark * self.instrument.multiplier

    @property
    def cost(self) -> Decimal:
        return self.qty * self.avg_px * self.instrument.multiplier

    @property
    def gain(self) -> Decimal:
        return self.value - self.cost

    @property
    def is_option(self) -> bool:
        return self.instrument.asset_class is AssetClass.OPTION

    @property
    def initial(self) -> Decimal:
        """Margin: bought options are paid in full, written ones secured by their strike."""
        if not self.is_option:
            return abs(self.value) * info.INITIAL_MARGIN
        return self.value if self.qty > 0 else -self.qty * written(self.instrument.symbol)

    @property
    def maintenance(self) -> Decimal:
        return self.initial if self.is_option else abs(self.value) * info.MAINTENANCE_MARGIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An account in dollars."""

    cash: Decimal
    share_value: Decimal
    option_value: Decimal
    gross: Decimal
    initial: Decimal
    maintenance: Decimal
    reserved: Decimal
    unrealized: Decimal
    realized: Decimal

    @property
    def equity(self) -> Decimal:
        """Net liquidation value."""
        return self.cash + self.share_value + self.option_value

    @property
    def available(self) -> Decimal:
        return self.equity - self.initial - self.reserved

    @property
    def excess(self) -> Decimal:
        return self.equity - self.maintenance

    @property
    def buying_power(self) -> Decimal:
        return max(self.available / info.INITIAL_MARGIN, ZERO)


def standing(cash: Decimal, holdings: list[Holding], *, reserved: Decimal, realized: Decimal) -> Standing:
    """The account's standing from its positions at market and its open orders."""
    shares = _sum(h.value for h in holdings if not h.is_option)
    options = _sum(h.value for h in holdings if h.is_option)
    return Standing(
        cash=cash,
        share_value=shares,
        option_value=options,
        gross=_sum(abs(h.value) for h in holdings),
        initial=_sum(h.initial for h in holdings),
        maintenance=_sum(h.maintenance for h in holdings),
        reserved=reserved,
        unrealized=_sum(h.gain for h in holdings),
        realized=realized,
    )


def _sum(values: Iterable[Decimal]) -> Decimal:
    return sum(values, ZERO)


def written(symbol: str) -> Decimal:
    """What one written option ties up: its strike, a hundred times."""
    contract = OptionContract.parse(symbol)
    assert contract is not None
    return contract.strike * 100


def opening(order: NewOrder, held: Decimal) -> Decimal:
    """Which part of the order opens or enlarges a position; the rest closes."""
    wanted = order.order_qty or ZERO
    against = max(-held * order.side.sign, ZERO)
    return max(wanted - against, ZERO)


def unit_margin(order: NewOrder, instrument: Instrument, price: Decimal) -> Decimal:
    """Margin of one unit that opens a position at `price`."""
    if instrument.asset_class is not AssetClass.OPTION:
        return price * info.INITIAL_MARGIN
    return price * instrument.multiplier if order.side is Side.BUY else written(order.symbol)


def legs_margin(order: NewOrder, net: Decimal) -> Decimal:
    """Margin of one unit of a combination: the most it can lose, or all its written strikes where that has no end."""
    contracts = [(leg.side.sign * leg.ratio_qty, OptionContract.parse(leg.symbol)) for leg in order.legs]
    known = [(ratio, contract) for ratio, contract in contracts if contract is not None]
    if len(known) < len(contracts) or _sum(ratio for ratio, c in known if c.right == "C") < 0:
        return max(net, ZERO) * 100 + _sum(-ratio * c.strike * 100 for ratio, c in known if ratio < 0)
    points = [ZERO, *(contract.strike for _, contract in known)]
    worst = -min(_sum(ratio * _inner(c, spot) for ratio, c in known) for spot in points)
    return max(worst + net, ZERO) * 100


def _inner(contract: OptionContract, spot: Decimal) -> Decimal:
    difference = spot - contract.strike if contract.right == "C" else contract.strike - spot
    return max(difference, ZERO)
