"""Contracts and their numbers (conid): what is known of them, instruments, option months, and combos.

Documents: IB REST API 2.20.0, /trsrv/stocks, /trsrv/secdef, /iserver/secdef and /iserver/contract/rules;
interactivebrokers.com/campus/ibkr-api-page/webapi-doc, combination orders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping.values import BROKER, conid_of, number
from floorbroker.domain.errors import ApiError, NotSupported, SymbolNotFound
from floorbroker.domain.instrument import Instrument, OptionContract, TickRule
from floorbroker.domain.orders import OrderLeg
from floorbroker.domain.values import ZERO, AssetClass, is_multiple

_KEPT_MAX = 20_000
_FRACTION_DIGITS_MAX = 9
_CENT = Decimal("0.01")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

SPREADS: Mapping[str, int] = MappingProxyType(
    {
        "USD": 28812380, "AUD": 61227077, "CAD": 61227082, "CHF": 61227087, "CNH": 136000441, "GBP": 58666491,
        "HKD": 61227072, "INR": 136000444, "JPY": 61227069, "KRW": 136000424, "MXN": 136000449, "SEK": 136000429,
        "SGD": 426116555,
    }
)  # fmt: skip
"""The contract that stands for a combo, by the currency of its legs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What an order about a symbol names."""

    symbol: str
    conid: int
    currency: str = "USD"


class Known:
    """Symbols and their contract numbers, both ways, and combos by their written form; oldest forgotten first."""

    def __init__(self) -> None:
        self._contracts: dict[str, Contract] = {}
        self._symbols: dict[int, str] = {}
        self._combos: dict[str, str] = {}

    def learn(self, contract: Contract) -> None:
        """A contract was looked up."""
        self._contracts[contract.symbol] = contract
        self._symbols[contract.conid] = contract.symbol
        _cut(self._contracts)
        _cut(self._symbols)

    def learn_combo(self, conidex: str, symbol: str) -> None:
        """A combo is on its way under a symbol of ours."""
        self._combos[conidex] = symbol
        _cut(self._combos)

    def contract(self, symbol: str) -> Contract | None:
        """The contract of a symbol, where it was looked up."""
        return self._contracts.get(symbol)

    def has(self, conid: int) -> bool:
        """Whether a contract's symbol is known."""
        return conid in self._symbols

    def symbol(self, conid: int | None, *, conidex: str | None = None, ticker: str | None, kind: str | None) -> str:
        """Our symbol; a share's ticker says it alone, and empty stands for what cannot be told yet."""
        if conidex and (combo := self._combos.get(conidex)) is not None:
            return combo
        if conid is not None and (found := self._symbols.get(conid)) is not None:
            return found
        return ticker if ticker and kind == "STK" else ""


def _cut(kept: dict[str, Contract] | dict[int, str] | dict[str, str]) -> None:
    while len(kept) > _KEPT_MAX:
        del kept[next(iter(kept))]  # pyright: ignore[reportArgumentType] - a key of its own


def share_in(found: Mapping[str, Sequence[wire.Stock] | None], symbol: str) -> Contract:
    """The US listing of a share.  Raises `SymbolNotFound` when there is none, or more than one company to choose from."""
    conids = [
        conid
        for company in found.get(symbol) or ()
        if company.assetClass in (None, "STK")
        for listing in company.contracts or ()
        if listing.isUS and (conid := conid_of(listing.conid)) is not None
    ]
    if not conids:
        raise SymbolNotFound(f"the venue lists no US share {symbol}", broker=BROKER)
    if len(set(conids)) > 1:
        raise SymbolNotFound(f"{symbol} is ambiguous: the venue lists {len(set(conids))} of that name", broker=BROKER)
    return Contract(symbol=symbol, conid=conids[0])


def root_in(found: Sequence[wire.Found], option: OptionContract) -> int:
    """The underlying whose options of that month are listed.  Raises `SymbolNotFound`."""
    month = month_of(option.expiry)
    for row in found:
        listed = any(
            section.secType == "OPT" and month in (section.months or "").split(";") for section in row.sections or ()
        )
        if row.symbol == option.root and listed and (conid := conid_of(row.conid)) is not None:
            return conid
    raise SymbolNotFound(f"the venue lists no options of {option.root} in {month}", broker=BROKER)


def month_of(day: date) -> str:
    """`JAN26`."""
    return f"{MONTHS[day.month - 1]}{day:%y}"


def assert_strike(strikes: wire.Strikes, option: OptionContract) -> None:
    """Raises `SymbolNotFound` when the month has no such strike."""
    listed = (strikes.call if option.right == "C" else strikes.put) or []
    if option.strike not in listed:
        raise SymbolNotFound(f"the venue lists no strike of {option.symbol}", broker=BROKER)


def option_in(rows: Sequence[wire.OptionInfo], option: OptionContract) -> Contract:
    """The one contract of that expiry, right and strike.  Raises `SymbolNotFound`; several classes are ambiguous."""
    wanted = f"{option.expiry:%Y%m%d}"
    fitting = [
        row
        for row in rows
        if row.maturityDate == wanted and row.right == option.right and number(row.strike) == option.strike
    ]
    own = [row for row in fitting if row.tradingClass == option.root] or fitting
    conids = {conid for row in own if (conid := conid_of(row.conid)) is not None}
    if len(conids) != 1:
        raise SymbolNotFound(f"the venue has {len(conids)} contracts {option.symbol}", broker=BROKER)
    return Contract(symbol=option.symbol, conid=conids.pop(), currency=own[0].currency or "USD")


def symbol_in(definition: wire.Definition) -> str | None:
    """Our symbol of a defined contract; None for what we do not trade."""
    if definition.assetClass == "STK":
        return definition.ticker
    if definition.assetClass != "OPT" or not definition.ticker or definition.putOrCall not in ("C", "P"):
        return None
    strike = number(definition.strike, what="a strike")
    try:
        expiry = datetime.strptime(definition.expiry or "", "%Y%m%d").date()  # noqa: DTZ007 - a day, in no zone
    except ValueError as error:
        raise ApiError("an expiry in the reply is not readable", broker=BROKER) from error
    if strike is None or strike <= 0 or len(definition.ticker) > 6 or not is_multiple(strike, Decimal("0.001")):
        return None
    return OptionContract(root=definition.ticker, expiry=expiry, right=definition.putOrCall, strike=strike).symbol


def instrument_from(
    symbol: str, definition: wire.Definition, rules: wire.Rules, *, account: str | None, as_of: datetime
) -> Instrument:
    """An instrument out of its definition and the account's trading rules."""
    is_option = definition.assetClass == "OPT"
    if definition.assetClass not in ("STK", "OPT"):
        raise SymbolNotFound(f"{symbol} is no share and no option", broker=BROKER)
    allowed = rules.canTradeAcctIds
    multiplier = number(definition.multiplier, what="the multiplier")
    return Instrument(
        symbol=symbol,
        asset_class=AssetClass.OPTION if is_option else AssetClass.EQUITY,
        currency=definition.currency or "USD",
        venue_id=str(conid_of(definition.conid)),
        name=(definition.name or "")[:128],
        ticks=_ticks(definition.incrementRules or rules.incrementRules or []),
        fraction=None if is_option else _fraction(rules),
        multiplier=multiplier if is_option and multiplier else Decimal(100 if is_option else 1),
        tradable=allowed is None or account is None or account in allowed,
        shortable=not is_option,
        marginable=not is_option,
        as_of=as_of,
    )


def _ticks(rules: Sequence[wire.IncrementRule]) -> tuple[TickRule, ...]:
    found = sorted(
        (
            TickRule(from_price=number(rule.lowerEdge) or ZERO, tick=tick)
            for rule in rules
            if (tick := number(rule.increment)) is not None and tick > 0
        ),
        key=lambda rule: rule.from_price,
    )
    if not found or found[0].from_price > 0:
        return (TickRule(from_price=ZERO, tick=found[0].tick if found else _CENT), *found)
    return tuple(found)


def _fraction(rules: wire.Rules) -> Decimal | None:
    digits = rules.fraqInt
    if not rules.fraqTypes or digits is None or not 0 < digits <= _FRACTION_DIGITS_MAX:
        return None
    return Decimal(1).scaleb(-digits)


def combo_conidex(legs: Sequence[tuple[OrderLeg, Contract]]) -> str:
    """`28812380;;;leg/ratio,leg/-ratio`: a leg that is sold has a negative ratio.  Raises `NotSupported`."""
    currencies = {contract.currency for _, contract in legs}
    spread = SPREADS.get(next(iter(currencies))) if len(currencies) == 1 else None
    if spread is None:
        raise NotSupported("the venue has no combos of these currencies")
    parts = [f"{contract.conid}/{int(leg.ratio_qty) * leg.side.sign}" for leg, contract in legs]
    return f"{spread};;;{','.join(parts)}"
