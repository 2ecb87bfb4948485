"""Weights as orders over several brokers.  Pure and exact: nothing is sent from here.

What is held counts wherever it lies.  What is too much is sold where that costs least, never more than an account holds.  What is
too little is bought where that costs least, with the money that is there now: what sales will bring is spent the next time.
Quantities are whole lots, rounded down; whatever cannot be placed is named with the reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal

import msgspec

from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.values import text_of
from floorbroker.research.accounts import ZERO, Account

_BPS = Decimal(10_000)
_CENT, _FINE = Decimal("0.01"), Decimal("0.0001")
_SHOWN = Decimal("0.01")


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """`reserve` is the part of the whole that stays cash, `leverage` how much of its equity an account may hold in positions,
    `least` the smallest difference worth an order; limit prices are `collar_bps` away from the price.
    """

    reserve: Decimal = Decimal("0.02")
    leverage: Decimal = Decimal(1)
    least: Decimal = Decimal(100)
    collar_bps: Decimal = Decimal(50)
    sells_others: bool = False


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """One proposed order: a limit order for the day."""

    profile: str
    symbol: str
    side: str
    quantity: str
    limit_price: str
    value: str
    fee: str


class Rest(msgspec.Struct, frozen=True, kw_only=True):
    """What stays as it is, and why."""

    symbol: str
    quantity: str
    reason: str


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol before and after, as parts of the whole."""

    symbol: str
    target: str
    before: str
    after: str


class Purse(msgspec.Struct, frozen=True, kw_only=True):
    """The money of one account: what may be spent, what these orders would spend at worst, and what they bring."""

    room: str
    spent: str
    brought: str
    fees: str


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What would be ordered.  `digest` is that of the orders: submitting names it, so that nothing else is sent."""

    total: str
    orders: list[Order]
    rest: list[Rest]
    lines: list[Line]
    purses: dict[str, Purse]
    digest: str


class _Desk:
    """The state of one proposal."""

    def __init__(self, accounts: Mapping[str, Account], prices: Mapping[str, Decimal], rules: Rules) -> None:
        self.accounts = accounts
        self.prices = prices
        self.rules = rules
        self.orders: list[Order] = []
        self.rest: list[Rest] = []
        self.after = {name: dict(one.positions) for name, one in accounts.items()}
        self.room = {name: self._room(one) for name, one in accounts.items()}
        self.spent, self.brought, self.fees = (dict.fromkeys(accounts, ZERO) for _ in range(3))

    def _room(self, account: Account) -> Decimal:
        """What may be spent there: by the venue's word, and by the leverage that is allowed."""
        held = sum((abs(qty) * self.prices[one] for one, qty in account.positions.items() if one in self.prices), ZERO)
        allowed = account.equity * self.rules.leverage - held
        return max(ZERO, min(account.buying_power, allowed) - account.equity * self.rules.reserve)

    def held(self, symbol: str) -> Decimal:
        return sum((one.get(symbol, ZERO) for one in self.after.values()), ZERO)

    def sell(self, symbol: str, quantity: Decimal) -> Decimal:
        """Where it costs least first; returns what could not be sold."""
        price = self._limit(symbol, "sell")
        places = [name for name, one in self.after.items() if one.get(symbol, ZERO) > 0]
        for name in sorted(places, key=lambda one: (self._cost(one, quantity, price), one)):
            account, have = self.accounts[name], self.after[name][symbol]
            wanted = min(have, quantity)
            lots = have if wanted == have else account.whole_lots(symbol, wanted)
            if lots and lots * price >= account.least_value:
                self._place(name, symbol, "sell", lots, price)
                quantity -= lots
        return quantity

    def buy(self, symbol: str, quantity: Decimal) -> tuple[Decimal, str]:
        """The same for buying; returns what could not be bought, and why."""
        price, why = self._limit(symbol, "buy"), "no account lists it"
        places = [name for name, one in self.accounts.items() if one.lists(symbol)]
        for name in sorted(
            places, key=lambda one: (self._cost(one, quantity, price), not self.after[one].get(symbol), one)
        ):
            account = self.accounts[name]
            lots = self._affordable(name, symbol, quantity, price)
            if not lots or lots * price < max(account.least_value, self.rules.least):
                why = (
                    "less than a lot, or than the smallest order"
                    if self._rich(name, symbol, price)
                    else "no money left"
                )
                continue
            self._place(name, symbol, "buy", lots, price)
            quantity -= lots
            why = "less than a lot" if quantity < account.lot_of(symbol) else "no money left"
        return quantity, why

    def _rich(self, name: str, symbol: str, price: Decimal) -> bool:
        account = self.accounts[name]
        lot = account.lot_of(symbol)
        return self.room[name] >= lot * price + account.fee(lot, price)

    def _affordable(self, name: str, symbol: str, quantity: Decimal, price: Decimal) -> Decimal:
        account, room = self.accounts[name], self.room[name]
        unit = price * (1 + account.fee_bps / _BPS) + account.fee_per_unit
        lots = account.whole_lots(symbol, min(quantity, room / unit))
        while lots > 0 and lots * price + account.fee(lots, price) > room:
            lots -= account.lot_of(symbol)
        return max(lots, ZERO)

    def _cost(self, name: str, quantity: Decimal, price: Decimal) -> Decimal:
        return self.accounts[name].fee(quantity, price)

    def _place(self, name: str, symbol: str, side: str, quantity: Decimal, price: Decimal) -> None:
        fee = self.accounts[name].fee(quantity, price)
        sign = 1 if side == "buy" else -1
        self.after[name][symbol] = self.after[name].get(symbol, ZERO) + sign * quantity
        self.fees[name] += fee
        if side == "buy":
            self.room[name] -= quantity * price + fee
            self.spent[name] += quantity * price + fee
        else:
            self.brought[name] += quantity * price - fee
        self.orders.append(
            Order(
                profile=name, symbol=symbol, side=side, quantity=text_of(quantity), limit_price=text_of(price),
                value=_money(quantity * price), fee=_money(fee),
            )
        )  # fmt: skip

    def _limit(self, symbol: str, side: str) -> Decimal:
        """The price with its collar, on a whole cent (below one: a hundredth), never further than the collar."""
        price = self.prices[symbol]
        step = _CENT if price >= 1 else _FINE
        away = price * self.rules.collar_bps / _BPS
        wanted = price + away if side == "buy" else price - away
        return wanted.quantize(step, rounding=ROUND_DOWN if side == "buy" else ROUND_UP)


def propose(
    weights: Mapping[str, Decimal], accounts: Mapping[str, Account], prices: Mapping[str, Decimal], rules: Rules
) -> Proposal:
    """Raises `InvalidRequest` for symbols without a price, weights that are no weights, and accounts without money."""
    _check(weights, accounts, prices)
    desk = _Desk(accounts, prices, rules)
    total = sum((one.equity for one in accounts.values()), ZERO)
    others = sorted({one for account in accounts.values() for one in account.positions if one not in weights})
    kept = ZERO
    for symbol in others:
        quantity = desk.held(symbol)
        if rules.sells_others and symbol in prices and quantity > 0:
            continue
        kept += abs(quantity) * prices.get(symbol, ZERO)
        why = "it is not in the portfolio and stays" if symbol in prices else "it has no price here and stays"
        desk.rest.append(Rest(symbol=symbol, quantity=text_of(quantity), reason=why))
    base = max(ZERO, total * (1 - rules.reserve) - kept)
    wanted = {symbol: weight * base / prices[symbol] for symbol, weight in weights.items()}
    if rules.sells_others:
        wanted |= {one: ZERO for one in others if one in prices and desk.held(one) > 0}
    before = {symbol: desk.held(symbol) for symbol in wanted}
    _trade(desk, wanted, before)
    lines = [
        Line(
            symbol=symbol, target=_part(quantity * prices[symbol], total),
            before=_part(before[symbol] * prices[symbol], total), after=_part(desk.held(symbol) * prices[symbol], total),
        )
        for symbol, quantity in sorted(wanted.items())
    ]  # fmt: skip
    purses = {
        name: Purse(
            room=_money(desk.room[name] + desk.spent[name]), spent=_money(desk.spent[name]),
            brought=_money(desk.brought[name]), fees=_money(desk.fees[name]),
        )
        for name in accounts
    }  # fmt: skip
    return Proposal(
        total=_money(total), orders=desk.orders, rest=desk.rest, lines=lines, purses=purses, digest=digest_of(desk.orders)
    )  # fmt: skip


def _trade(desk: _Desk, wanted: Mapping[str, Decimal], before: Mapping[str, Decimal]) -> None:
    """Sales first, then the largest purchases."""
    gaps = {symbol: quantity - before[symbol] for symbol, quantity in wanted.items()}
    order = sorted(gaps, key=lambda one: (-abs(gaps[one]) * desk.prices[one], one))
    for symbol in order:
        gap = gaps[symbol]
        if before[symbol] < 0:
            desk.rest.append(
                Rest(symbol=symbol, quantity=text_of(before[symbol]), reason="it is held short and stays")
            )  # fmt: skip
        elif abs(gap) * desk.prices[symbol] < desk.rules.least:
            if gap:
                desk.rest.append(Rest(symbol=symbol, quantity=_units(gap), reason="too small a difference"))
        elif gap < 0:
            left = desk.sell(symbol, -gap)
            if left > 0:
                desk.rest.append(Rest(symbol=symbol, quantity=_units(-left), reason="less than a lot"))
    for symbol in order:
        gap = gaps[symbol]
        if before[symbol] >= 0 and gap > 0 and gap * desk.prices[symbol] >= desk.rules.least:
            left, why = desk.buy(symbol, gap)
            if left > 0:
                desk.rest.append(Rest(symbol=symbol, quantity=_units(left), reason=why))


def digest_of(orders: list[Order]) -> str:
    """SHA-256 of what would be sent."""
    said = "\n".join(f"{one.profile} {one.symbol} {one.side} {one.quantity} {one.limit_price}" for one in orders)
    return hashlib.sha256(said.encode()).hexdigest()


def _check(
    weights: Mapping[str, Decimal], accounts: Mapping[str, Account], prices: Mapping[str, Decimal]
) -> None:  # fmt: skip
    if not accounts:
        raise InvalidRequest("there is no account to allocate to")
    if any(one < 0 for one in weights.values()) or sum(weights.values(), ZERO) > 1:
        raise InvalidRequest("weights are not below zero and not above one together")
    if missing := sorted(one for one in weights if prices.get(one, ZERO) <= 0):
        raise InvalidRequest(f"no price is known of {', '.join(missing)}")
    if sum((one.equity for one in accounts.values()), ZERO) <= 0:
        raise InvalidRequest("the accounts are worth nothing together")


def _units(quantity: Decimal) -> str:
    return text_of(quantity.quantize(Decimal("0.000001"), rounding=ROUND_HALF_EVEN))


def _money(value: Decimal) -> str:
    return f"{value.quantize(_SHOWN, rounding=ROUND_HALF_EVEN):f}"


def _part(value: Decimal, total: Decimal) -> str:
    return f"{(value / total).quantize(Decimal('0.000001'), rounding=ROUND_HALF_EVEN):f}"
