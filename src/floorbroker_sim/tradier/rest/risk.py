"""The account in dollars, and what the risk system says about an order that was taken.

Regulation T as brokers apply it: half of the value of shares, long or short; options are paid in full; an uncovered short
option asks for a fifth of the underlying less what it is out of the money, a tenth at least, on top of its premium; option
positions on one underlying together never ask for more than they can lose.  A cash account has no credit and sells nothing short.
https://docs.tradier.com/docs/error-responses lists the words.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO
from floorbroker_sim.tradier import errors, info
from floorbroker_sim.tradier.mapping import inside, net_limit, units
from floorbroker_sim.tradier.rest import combos
from floorbroker_sim.tradier.rest.hours import today
from floorbroker_sim.tradier.rest.records import Record

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State

HALF = Decimal("0.5")
_FIFTH, _TENTH = Decimal("0.2"), Decimal("0.1")
_HUNDRED = info.MULTIPLIER


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An account in dollars; short values are negative."""

    cash: Decimal
    stock_long: Decimal = ZERO
    stock_short: Decimal = ZERO
    option_long: Decimal = ZERO
    option_short: Decimal = ZERO
    cost: Decimal = ZERO  # what the open positions cost, signed
    stock_requirement: Decimal = ZERO
    option_requirement: Decimal = ZERO
    reserved: Decimal = ZERO

    @property
    def market_value(self) -> Decimal:
        return self.stock_long + self.stock_short + self.option_long + self.option_short

    @property
    def total_equity(self) -> Decimal:
        return self.cash + self.market_value

    @property
    def free(self) -> Decimal:
        """Equity that nothing claims: the buying power for options, which credit does not buy."""
        held = self.stock_requirement + self.option_requirement + self.reserved
        return max(self.cash + self.stock_long + self.stock_short - held, ZERO)

    def power(self, kind: str, *, options: bool) -> Decimal:
        """Buying power of an account of `kind` for options or for shares."""
        if kind == "cash":
            return max(self.cash - self.reserved, ZERO)
        return self.free if options else self.free * info.LEVERAGE[kind]


def standing(state: State) -> Standing:
    """The account at market prices, with what its open orders hold."""
    values = {"stock_long": ZERO, "stock_short": ZERO, "option_long": ZERO, "option_short": ZERO}
    cost, stock_requirement = ZERO, ZERO
    for held in state.ledger.positions():
        instrument = state.market.instrument(held.symbol)
        value = held.qty * state.mark(held.symbol) * instrument.multiplier
        is_option = OptionContract.parse(held.symbol) is not None
        values[f"{'option' if is_option else 'stock'}_{'long' if held.qty > 0 else 'short'}"] += value
        stock_requirement += ZERO if is_option else abs(value) * HALF
        cost += held.cost
    return Standing(
        cash=state.ledger.cash, **values, cost=cost, stock_requirement=stock_requirement,
        option_requirement=option_requirement(state), reserved=reserved(state),
    )  # fmt: skip


def reserved(state: State) -> Decimal:
    """What open orders tie up, of margin's money where margin buys."""
    leverage = info.LEVERAGE[state.account_type]
    total = ZERO
    for record in state.open.values():
        if record.reserve and not record.is_strategy_leg:
            total += record.reserved / (leverage if record.kind == "equity" else 1)
    return total


def option_requirement(state: State) -> Decimal:
    """What the option positions ask for, underlying by underlying."""
    by_root: dict[str, list[tuple[Decimal, OptionContract]]] = {}
    for held in state.ledger.positions():
        contract = OptionContract.parse(held.symbol)
        if contract is not None:
            by_root.setdefault(contract.root, []).append((held.qty, contract))
    return sum((_requirement(state, root, legs) for root, legs in by_root.items()), ZERO)


def _requirement(state: State, root: str, legs: list[tuple[Decimal, OptionContract]]) -> Decimal:
    covered = max(state.ledger.qty(root), ZERO)
    with_shares = [
        *legs,
        (covered / _HUNDRED, OptionContract(root=root, expiry=legs[0][1].expiry, right="C", strike=ZERO)),
    ]
    naked = sum((-qty * uncovered(state, contract) for qty, contract in legs if qty < 0), ZERO)
    loss = worst_loss(with_shares) if covered else worst_loss(legs)
    if loss is None or not naked:
        return naked
    return min(naked, max(loss, ZERO) * _HUNDRED)


def uncovered(state: State, contract: OptionContract) -> Decimal:
    """Margin of one short contract, premium included, in dollars."""
    spot = state.mark(contract.root)
    distance = contract.strike - spot if contract.right == "C" else spot - contract.strike
    margin = max(spot * _FIFTH - max(distance, ZERO), spot * _TENTH)
    return (margin + state.mark(contract.symbol)) * _HUNDRED


def worst_loss(legs: Iterable[tuple[Decimal, OptionContract]]) -> Decimal | None:
    """The most these contracts can be worth against us at expiry, a share; None when there is no limit.

    The payoff is straight between strikes, so the strikes, zero and the slope beyond the last strike tell all.
    """
    known = list(legs)
    if sum((qty for qty, contract in known if contract.right == "C"), ZERO) < 0:
        return None
    points = [ZERO, *(contract.strike for _, contract in known)]
    return -min(sum((qty * _inner(contract, spot) for qty, contract in known), ZERO) for spot in points)


def _inner(contract: OptionContract, spot: Decimal) -> Decimal:
    return max(spot - contract.strike if contract.right == "C" else contract.strike - spot, ZERO)


# --- The verdict ------------------------------------------------------------------------------------------------------


def refusal(state: State, record: Record) -> str | None:
    """Why the order is rejected, in the words of `reason_description`; None when it may work.  Sets what it reserves."""
    singles = record.legs or [record]
    code = _by_terms(state, record) or next((c for leg in singles if (c := _by_position(state, leg)) is not None), None)
    if code is not None:
        return errors.reason(code)
    cost = strategy_cost(state, record) if record.is_strategy else unit_cost(state, record) * record.leaves
    power = standing(state).power(state.account_type, options=record.kind != "equity")
    if cost > power:
        return errors.BUYING_POWER
    record.reserve = cost / record.quantity
    return None


def _by_terms(state: State, record: Record) -> str | None:
    if record.duration == "gtc" and record.type == "market":
        return "MarketOrderIsGtc"
    if record.duration == "gtc" and record.side == "sell_short":
        return "ShortOrderIsGtc"
    if any(_is_over(state, leg) for leg in record.legs or [record]):
        return "SecurityUndefined"
    if state.account_type == "cash" and record.is_strategy:
        return "SpreadTradingDeniedForAccount"
    quote = state.market.quote(inside(record.traded)) if record.stop is not None else None
    if quote is not None and record.stop is not None:
        if record.sign > 0 and quote.ask is not None and record.stop < quote.ask:
            return "BuyStopOrderStopPriceLessAsk"
        if record.sign < 0 and quote.bid is not None and record.stop > quote.bid:
            return "SellStopOrderStopPriceGreaterBid"
    return None


def _is_over(state: State, leg: Record) -> bool:
    contract = OptionContract.parse(leg.traded)
    return contract is not None and contract.expiry < today(state)


def _by_position(state: State, leg: Record) -> str | None:
    """Whether the side fits the position, and its size."""
    held = state.position(leg.traded)
    suffix = "Option" if leg.option_symbol else ""
    match leg.side:
        case "buy" | "buy_to_open" if held < 0:
            return f"UnexpectedBuyOrder{suffix}"
        case "sell_short" | "sell_to_open" if held > 0:
            return f"UnexpectedSellShortOrder{suffix}"
        case "buy_to_cover" | "buy_to_close" if held >= 0:
            return f"UnexpectedBuyToCoverOrder{suffix}"
        case "sell" | "sell_to_close" if held <= 0:
            return f"UnexpectedSellOrder{suffix}"
        case "sell_short" if state.account_type == "cash":
            return "ShortStockTradingDeniedForAccount"
        case "sell_to_open" if state.account_type == "cash" and not _is_covered(state, leg):
            return "ShortOptionTradingDeniedForAccount"
        case _:
            pass
    if leg.is_closing and leg.leaves > abs(held) - promised(state, leg):
        return "LongPositionCrossZero" if held > 0 else "ShortPositionCrossZero"
    return None


def _is_covered(state: State, leg: Record) -> bool:
    contract = OptionContract.parse(leg.traded)
    return contract is not None and (contract.right == "P" or state.position(leg.symbol) >= leg.quantity * _HUNDRED)


def promised(state: State, leg: Record) -> Decimal:
    """Units that other open orders will close; the halves of one pair count once."""
    groups: dict[int, Decimal] = {}
    for other in state.open.values():
        if other is leg or other.legs or not other.is_closing or other.status == "held" or other.traded != leg.traded:
            continue
        if leg.parent is not None and other.parent is leg.parent:
            continue
        group = other.id if other.parent is None else other.parent.id
        groups[group] = max(groups.get(group, ZERO), other.leaves)
    return sum(groups.values(), ZERO)


def unit_cost(state: State, record: Record) -> Decimal:
    """Money one share or contract of an opening order ties up, in dollars; zero for what closes."""
    if record.is_closing:
        return ZERO
    quote = state.market.quote(inside(record.traded))
    contract = OptionContract.parse(record.traded)
    price = record.price or record.stop or _touch(quote, record.sign)
    if contract is None:
        return price
    if record.side == "buy_to_open":
        return price * _HUNDRED
    if state.account_type == "cash":
        return ZERO if contract.right == "C" else contract.strike * _HUNDRED
    covered = contract.right == "C" and state.position(contract.root) >= record.quantity * _HUNDRED
    return ZERO if covered else uncovered(state, contract)


def _touch(quote: Quote | None, sign: int) -> Decimal:
    touch = None if quote is None else quote.ask if sign > 0 else quote.bid
    return touch or ZERO


def strategy_cost(state: State, record: Record) -> Decimal:
    """What legs that trade together tie up: the net price, the shares' margin, and the most the options can lose."""
    count, limit = units(record), net_limit(record)
    net = limit if limit is not None else combos.net_price(state, record) or ZERO
    options = [
        (leg.sign * leg.quantity, c) for leg in record.legs if (c := OptionContract.parse(leg.traded)) is not None
    ]
    if all(leg.is_closing for leg in record.legs):
        return ZERO
    shares = sum((leg.sign * leg.quantity for leg in record.legs if not leg.option_symbol), ZERO)
    if shares:
        expiry = options[0][1].expiry
        options.append((shares / _HUNDRED, OptionContract(root=record.symbol, expiry=expiry, right="C", strike=ZERO)))
    loss = worst_loss(options)
    if loss is None:
        naked = [leg for leg in record.legs if leg.side == "sell_to_open"]
        return sum((leg.quantity * unit_cost(state, leg) for leg in naked), ZERO)
    return max(max(loss, ZERO) + net * count, ZERO) * _HUNDRED


def strategy_price(state: State, record: Record) -> Decimal:
    """What legs that trade together cost at their price, or at the market's: signed dollars."""
    limit = net_limit(record)
    net = limit if limit is not None else combos.net_price(state, record) or ZERO
    return round(net * units(record) * _HUNDRED, 2)
