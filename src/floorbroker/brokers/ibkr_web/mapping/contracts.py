"""Contracts and their numbers (conid): what is known of them, instruments, option months.

Documents: IB REST API 2.20.0, /trsrv/stocks, /trsrv/secdef, /iserver/secdef, /iserver/contract/{conid}/info and
/iserver/contract/rules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping.values import BROKER, conid_of, number
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.domain.instrument import Instrument, OptionContract, TickRule
from floorbroker.domain.values import ZERO, AssetClass, is_multiple

_KEPT_MAX = 20_000
_FRACTION_DIGITS_MAX = 9
_CENT = Decimal("0.01")
SHARES_EACH = Decimal(100)
CURRENCY = "USD"
_INDEX_LETTERS = "WP"
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What an order about a symbol names."""

    symbol: str
    conid: int


class Known:
    """Contracts that symbols were looked up as, and the symbols of contracts that others brought up; oldest forgotten first.

    Only a look-up says which contract a symbol names.  What a row or a position calls itself is no look-up: a share of another
    country has the ticker of one here, and options of another class have its root.
    """

    def __init__(self) -> None:
        self._contracts: dict[str, Contract] = {}
        self._symbols: dict[int, str] = {}

    def learn(self, contract: Contract) -> None:
        """A symbol was looked up."""
        self._contracts[contract.symbol] = contract
        self._symbols[contract.conid] = contract.symbol
        _cut(self._contracts)
        _cut(self._symbols)

    def name(self, conid: int, symbol: str | None) -> None:
        """A contract was defined; one that we do not trade (None) goes by its number."""
        self._symbols.setdefault(conid, symbol or f"conid {conid}")
        _cut(self._symbols)

    def contract(self, symbol: str) -> Contract | None:
        """The contract of a symbol, where it was looked up."""
        return self._contracts.get(symbol)

    def has(self, conid: int) -> bool:
        """Whether a contract was looked up or defined."""
        return conid in self._symbols

    def symbol(self, conid: int | None) -> str:
        """What we call a contract; empty for one that nobody defined yet."""
        return "" if conid is None else self._symbols.get(conid, "")


def _cut(kept: dict[str, Contract] | dict[int, str]) -> None:
    while len(kept) > _KEPT_MAX:
        del kept[next(iter(kept))]  # pyright: ignore[reportArgumentType] - a key of its own


def ticker_of(symbol: str) -> str:
    """A share class is written with a space there: `BRK.B` is `BRK B`."""
    return symbol.replace(".", " ")


def underlyings_of(root: str) -> tuple[str, ...]:
    """The tickers whose options may be of a class, the likeliest first: which one it is only the venue tells.

    A class is called as what it is about, that of a share class without the space (`BRKB`), and weekly or afternoon-settled ones
    on an index have a letter behind it (`SPXW`, `NDXP`).  One with a digit is adjusted, and nobody knows what it delivers.
    """
    body, letter = root[:-1], root[-1:]
    if not body or not letter.isalpha():
        return (root,)
    return (root, *([body] if letter in _INDEX_LETTERS else []), f"{body} {letter}")


def share_in(found: Mapping[str, Sequence[wire.Stock] | None], symbol: str) -> Contract:
    """The US listing of a share.  Raises `SymbolNotFound` when there is none, or more than one company to choose from."""
    conids = [
        conid
        for company in found.get(ticker_of(symbol)) or ()
        if company.assetClass in (None, "STK")
        for listing in company.contracts or ()
        if listing.isUS and (conid := conid_of(listing.conid)) is not None
    ]
    if not conids:
        raise SymbolNotFound(f"the venue lists no US share {symbol}", broker=BROKER)
    if len(set(conids)) > 1:
        raise SymbolNotFound(f"{symbol} is ambiguous: the venue lists {len(set(conids))} of that name", broker=BROKER)
    return Contract(symbol=symbol, conid=conids[0])


def underlying_in(found: Sequence[wire.Found], ticker: str, month: str) -> int:
    """The underlying of that ticker whose options of that month are listed.  Raises `SymbolNotFound`."""
    for row in found:
        listed = any(
            section.secType == "OPT" and month in (section.months or "").split(";") for section in row.sections or ()
        )
        if row.symbol == ticker and listed and (conid := conid_of(row.conid)) is not None:
            return conid
    raise SymbolNotFound(f"the venue lists no options of {ticker} in {month}", broker=BROKER)


def month_of(day: date) -> str:
    """`JAN26`."""
    return f"{MONTHS[day.month - 1]}{day:%y}"


def assert_strike(strikes: wire.Strikes, option: OptionContract) -> None:
    """Raises `SymbolNotFound` when the month has no such strike, `ApiError` for one that is no usable number."""
    listed = (strikes.call if option.right == "C" else strikes.put) or []
    if option.strike not in [number(one, what="a strike") for one in listed]:
        raise SymbolNotFound(f"the venue lists no strike of {option.symbol}", broker=BROKER)


def option_in(rows: Sequence[wire.OptionInfo], option: OptionContract) -> Contract:
    """The one contract of that class, expiry, right and strike, in dollars.  Raises `SymbolNotFound`.

    One underlying may have several classes (monthly and weekly ones, those of an adjusted share), and our symbol names one: a row
    that does not tell its class is none of it.
    """
    wanted = f"{option.expiry:%Y%m%d}"
    fitting = [
        row
        for row in rows
        if row.maturityDate == wanted and row.right == option.right and number(row.strike) == option.strike
        if row.tradingClass == option.root and row.currency in (None, CURRENCY)
    ]
    conids = {conid for row in fitting if (conid := conid_of(row.conid)) is not None}
    if len(conids) != 1:
        raise SymbolNotFound(f"the venue has {len(conids)} contracts {option.symbol}", broker=BROKER)
    return Contract(symbol=option.symbol, conid=conids.pop())


def is_option(definition: wire.Definition) -> bool:
    """Whether a contract's class has to be asked for as well, before it has a symbol."""
    return definition.assetClass == "OPT" and definition.currency == CURRENCY


def symbol_in(definition: wire.Definition, *, trading_class: str | None = None) -> str | None:
    """Our symbol of a defined contract: a US share, or an option of a class on its underlying, which is its root, both in
    dollars.  None for all else.
    """
    if definition.currency != CURRENCY or definition.isUS is False or not definition.ticker:
        return None
    if definition.assetClass == "STK":
        return definition.ticker.replace(" ", ".")
    if definition.assetClass != "OPT" or definition.putOrCall not in ("C", "P"):
        return None
    root = trading_class or ""
    if definition.ticker not in underlyings_of(root) or number(definition.multiplier) not in (None, SHARES_EACH):
        return None
    strike = number(definition.strike, what="a strike")
    try:
        expiry = datetime.strptime(definition.expiry or "", "%Y%m%d").date()  # noqa: DTZ007 - a day, in no zone
    except ValueError as error:
        raise ApiError("an expiry in the reply is not readable", broker=BROKER) from error
    if (
        strike is None
        or strike <= 0
        or len(root) > 6
        or not root.isalnum()
        or not is_multiple(strike, Decimal("0.001"))
    ):
        return None
    return OptionContract(root=root, expiry=expiry, right=definition.putOrCall, strike=strike).symbol


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
        currency=definition.currency or CURRENCY,
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
