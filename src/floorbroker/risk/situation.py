"""Everything the controls look at, gathered before the one step that decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import FieldError
from floorbroker.domain.frozen import frozen
from floorbroker.domain.instrument import Instrument, usual_multiplier
from floorbroker.domain.options import OptionContract
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Account, MarginRequirement, Quote
from floorbroker.domain.values import LIMITED, ZERO, AssetClass, Environment, IntentId, OrderClass, Side
from floorbroker.risk import options
from floorbroker.risk.equity import Equity
from floorbroker.risk.limits import RiskLimits
from floorbroker.risk.watch import Standing
from floorbroker.risk.workload import Workload, part_of

Scale = Callable[[str], Decimal | None]
"""What units times price of a symbol are multiplied with to be an amount of the account; None where nobody said."""


@frozen
class Reference:
    """The price a wish is measured against, and how long ago we heard it (seconds)."""

    quote: Quote
    age_s: float

    def against(self, side: Side) -> Decimal | None:
        """What this side would pay or get now: the opposite touch, else the last price."""
        touch = self.quote.ask if side is Side.BUY else self.quote.bid
        return touch if touch is not None else self.quote.last


@frozen
class Exposure:
    """What the account holds and may still get.  Positions are signed units by symbol; marks are prices by symbol.

    `scale` is asked anew each time.  `reserved` is the buying power taken by intents the venue's own figure does not know of yet;
    None where some of it is in a currency of which nobody said what it is worth.
    """

    positions: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    marks: Mapping[str, Decimal] = field(default_factory=dict[str, Decimal])
    scale: Scale = usual_multiplier
    workload: Workload = field(default_factory=Workload)  # open, undecided and approved orders
    reserved: Decimal | None = ZERO

    def worst_case(self, symbol: str, side: Side) -> Decimal:
        """Signed units if every open and undecided order of `side` filled in full."""
        qty = self.positions.get(symbol, ZERO)
        load = self.workload.loads.get(symbol)
        return qty if load is None else qty + side.sign * load.at(side, self.marks.get(symbol))

    def free(self, symbol: str, side: Side) -> Decimal:
        """Units held that an order of `side` lowers and no open or undecided one takes already; a group's exits count once."""
        return max(self.left(symbol, side), ZERO)

    def left(self, symbol: str, side: Side) -> Decimal:
        """The same, below zero where more is taken than held."""
        left = self.positions.get(symbol, ZERO) * -side.sign
        load = self.workload.loads.get(symbol)
        if load is not None:
            left -= load.at(side, self.marks.get(symbol)) - load.spare[side]
        return left

    @property
    def open_total(self) -> int:
        """Open and undecided orders of all symbols."""
        return self.workload.total

    def open_count(self, symbol: str) -> int:
        """Those of one symbol."""
        load = self.workload.loads.get(symbol)
        return 0 if load is None else load.orders

    def value(self, symbol: str, qty: Decimal) -> Decimal | None:
        """Signed market value of `qty` units in account currency; None where nobody said what the symbol's is worth in it.

        An unknown price counts as zero and is caught by other controls.
        """
        price = self.marks.get(symbol)
        if not qty or not price:
            return ZERO
        scale = self.scale(symbol)
        return None if scale is None else qty * price * scale

    def symbols(self) -> set[str]:
        return {*self.positions, *self.workload.loads}


@frozen
class Trade:
    """What a wish trades in one symbol, on one side: units, or None where nobody can tell them.

    `after` is the position in signed units once everything open on this side and the wish filled, `worth` what one unit is worth
    in account currency, None where that is not known.  `reduces` is whether it can only lower the absolute position.
    """

    symbol: str
    side: Side
    units: Decimal | None
    after: Decimal | None
    worth: Decimal | None
    reduces: bool


@frozen
class Situation:
    """One wish and the world around it."""

    wish: NewOrder
    limits: RiskLimits
    info: BrokerInfo
    environment: Environment
    instrument: Instrument
    exposure: Exposure
    now: datetime
    account: Account | None = None
    rate: Decimal | None = Decimal(1)  # of the instrument's currency in the account's; None where nobody said
    reference: Reference | None = None
    leg_prices: Mapping[str, Reference] = field(default_factory=dict[str, Reference])  # of a multi-leg wish, by symbol
    blocked: str = ""  # why the latch is closed, empty when open
    locked: str = ""  # why the vault lends nothing, empty when it does or none is needed
    not_ready: str = ""  # why the profile is not READY, empty when it is
    not_armed: str = ""
    is_pardoned: bool = False  # a kill's own order, which closes what is held
    messages_s: int = 0
    messages_min: int = 0
    twin_age_s: float | None = None  # age of the newest order with the same symbol, side, quantity and price
    principal: str = ""  # who wishes, through which door, and what a person typed to confirm it
    via: str = ""
    confirm: str = ""
    messages_symbol_min: int = 0
    middle: Decimal | None = None  # the mean of the prices of the last minute or so
    met: tuple[Decimal, IntentId] | None = None  # the best order of our own that the wish would trade with
    off: str = ""  # why the wish's strategy is switched off, empty when it is not
    orders_day: int = 0  # decided since midnight UTC, this wish and an order it replaces left out
    notional_day: Decimal | None = ZERO  # what such an order traded included; None where some of it cannot be told
    equity: Equity | None = None
    shared: tuple[Standing, ...] = ()  # the other scopes that have limits, widest first
    objections: tuple[FieldError, ...] = ()  # of the venue's documents and rules against a new order, as known here
    margin: MarginRequirement | None = None  # what the venue itself says that the wish would tie up, where it was asked
    # What nearly every control asks, worked out once.
    price: Decimal | None = field(
        init=False
    )  # what measures the wish: its limit, its trigger, or what the market asks now
    units: Decimal | None = field(init=False)  # units asked for; a notional wish is measured at `price`
    quoted: Decimal | None = field(init=False)  # size in the instrument's currency
    notional: Decimal | None = field(init=False)  # size in account currency
    held: Decimal = field(init=False)  # signed units of the symbol
    cost: Decimal | None = field(init=False)  # buying power it would take, in account currency
    after: Decimal = field(init=False)  # signed units once everything open on this side and this wish filled
    bounded: bool = field(init=False)  # whether it is known what the wish can lose at worst
    reduces: bool = field(
        init=False
    )  # whether it can only lower the absolute position, open orders of its side counted
    trades: tuple[Trade, ...] = field(init=False)  # what it trades: in one symbol, or leg by leg

    def __post_init__(self) -> None:
        wish, exposure = self.wish, self.exposure
        price = _price(wish, self.reference) if wish.price is not None or not wish.legs else _price_of_legs(self)
        units = _units(wish, price, self.instrument.multiplier)
        worst = exposure.worst_case(wish.symbol, wish.side)
        quoted = _notional(wish, price, self.instrument.multiplier)
        notional = _in_account(quoted, self.rate)
        held = exposure.positions.get(wish.symbol, ZERO)
        after = worst + wish.side.sign * (units or ZERO)
        is_option = self.instrument.asset_class is AssetClass.OPTION
        cost, bounded = _cost(wish, notional, units, held), True
        if is_option:
            cost, bounded = _option_cost(self, cost, notional=notional, units=units, after=after)
        for name, value in (
            ("price", price),
            ("units", units),
            ("quoted", quoted),
            ("notional", notional),
            ("held", held),
            ("cost", cost),
            ("after", after),
            ("bounded", bounded),
        ):
            object.__setattr__(self, name, value)
        trades = self._trades()
        object.__setattr__(self, "trades", trades)
        object.__setattr__(self, "reduces", bool(trades) and all(trade.reduces for trade in trades))

    @property
    def amount(self) -> Decimal | None:
        """Size in units times price: what multiplier and rate of exchange make an amount of the account."""
        return None if self.quoted is None else self.quoted / self.instrument.multiplier

    @property
    def unit(self) -> Decimal | None:
        """What one unit is worth at `price`, in account currency."""
        return None if self.price is None else _in_account(self.price * self.instrument.multiplier, self.rate)

    @property
    def currency(self) -> str:
        """What amounts are in."""
        return self.instrument.currency if self.account is None else self.account.currency

    def _reduces(self, symbol: str, side: Side, units: Decimal | None) -> bool:
        return units is not None and 0 < self.exposure.free(symbol, side) >= units

    def _trades(self) -> tuple[Trade, ...]:
        wish, units = self.wish, self.units
        if wish.legs:
            return tuple(self._leg(*leg) for leg in part_of(wish).legs)
        return (
            Trade(
                symbol=wish.symbol,
                side=wish.side,
                units=units,
                after=None if units is None else self.after,
                worth=self.unit,
                reduces=self._reduces(wish.symbol, wish.side, units),
            ),
        )

    def _leg(self, symbol: str, side: Side, units: Decimal) -> Trade:
        exposure = self.exposure
        return Trade(
            symbol=symbol,
            side=side,
            units=units,
            after=exposure.worst_case(symbol, side) + side.sign * units,
            worth=exposure.value(symbol, Decimal(1)) if symbol in exposure.marks else None,
            reduces=self._reduces(symbol, side, units),
        )


def _in_account(amount: Decimal | None, rate: Decimal | None) -> Decimal | None:
    """Without a rate one for one: `currency` refuses what opens anything then, and no limit is held against what is left."""
    return amount if amount is None or rate is None or rate == 1 else amount * rate


def _price(wish: NewOrder, reference: Reference | None) -> Decimal | None:
    if wish.price is not None and wish.order_type in LIMITED:
        return abs(wish.price)
    if wish.stop_px is not None:
        return wish.stop_px
    return reference.against(wish.side) if reference else None


def _price_of_legs(s: Situation) -> Decimal | None:
    """Of a multi-leg order at the market what its legs come to together, either way; None where one of them has no price."""
    marks = s.exposure.marks
    return abs(net_of(s.wish, marks)) if all(leg.symbol in marks for leg in s.wish.legs) else None


def _units(wish: NewOrder, price: Decimal | None, multiplier: Decimal) -> Decimal | None:
    if wish.order_qty is not None:
        return wish.order_qty
    return None if not price or wish.notional is None else wish.notional / price / multiplier


def _notional(wish: NewOrder, price: Decimal | None, multiplier: Decimal) -> Decimal | None:
    if wish.notional is not None:
        return wish.notional
    return None if price is None or wish.order_qty is None else wish.order_qty * price * multiplier


def _cost(wish: NewOrder, notional: Decimal | None, units: Decimal | None, held: Decimal) -> Decimal | None:
    """What reduces a position takes no buying power."""
    if not held or notional is None or not units:
        return notional
    opening = max(units - max(held * -wish.side.sign, ZERO), ZERO)
    return notional * opening / units


def _option_cost(
    s: Situation, long: Decimal | None, *, notional: Decimal | None, units: Decimal | None, after: Decimal
) -> tuple[Decimal | None, bool]:
    """What an order of options ties up, and whether that is all it can lose.  `long` is the cost of it as a purchase.

    What the venue itself told of margin goes before any reckoning of ours.
    """
    wish, told = s.wish, s.margin
    if told is not None:
        return max(told.initial, ZERO) + max(told.fees, ZERO), True
    if wish.order_class is OrderClass.MULTILEG:
        return _strategy_cost(s)
    contract = OptionContract.parse(wish.symbol)
    if wish.side is Side.BUY:
        return long, True
    opened = min(max(-after, ZERO), units or ZERO)
    if opened == 0 or units is None or notional is None:
        return long, True
    if contract is None:
        return None, False  # a symbol that tells no strike: the venue has to say what it ties up
    left = ((symbol, s.exposure.worst_case(symbol, Side.SELL)) for symbol in s.exposure.symbols())
    shares = options.free_shares(contract.root, left, s.instrument.multiplier)
    cost = options.tied_up(contract, opened=opened, shares=shares, multiplier=s.instrument.multiplier)
    return cost, cost is not None


def _strategy_cost(s: Situation) -> tuple[Decimal | None, bool]:
    """The net price and the most that the legs can owe at expiry; at the market the net price is that of the marks."""
    each = tied_by_legs(s.wish, s.wish.price, s.exposure.marks)
    return (None, False) if each is None else (each * (s.wish.order_qty or ZERO) * s.instrument.multiplier, True)


def tied_by_legs(wish: NewOrder, price: Decimal | None, marks: Mapping[str, Decimal]) -> Decimal | None:
    """What one unit of a multi-leg wish ties up, a share, at a net price or that of the marks; None where nothing bounds it."""
    loss = options.strategy_loss(wish.legs)
    return None if loss is None else max((net_of(wish, marks) if price is None else price) + loss, ZERO)


def net_of(wish: NewOrder, marks: Mapping[str, Decimal]) -> Decimal:
    """What the legs of a wish cost at the last prices, a share; none counts as nothing, and the venue has the last word."""
    return sum((leg.side.sign * leg.ratio_qty * marks.get(leg.symbol, ZERO) for leg in wish.legs), ZERO)
