"""Our symbols as the venue's contracts, and back: shares and funds, listed options in OCC form, currency pairs.

A contract made here names what is wanted; its `con_id` comes from the venue's details.  Documents:
interactivebrokers.com/campus/ibkr-api-page/contracts (stocks, options, forex pairs).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from floorbroker.brokers.ibkr.errors import BROKER
from floorbroker.brokers.ibkr.wire import Contract, ContractDetails
from floorbroker.domain.errors import SymbolNotFound
from floorbroker.domain.instrument import Instrument, OptionContract, TickRule, asset_class_of
from floorbroker.domain.options import ListedOption, in_order
from floorbroker.domain.values import AssetClass

STOCK, OPTION, CASH = "STK", "OPT", "CASH"
SMART, IDEALPRO = "SMART", "IDEALPRO"
CURRENCY = "USD"
NEW_YORK = ZoneInfo("America/New_York")
_RIGHTS = {"C": "C", "CALL": "C", "P": "P", "PUT": "P"}
_STANDARD = "100"
_CODE_LENGTH = 3
_STRIKE_MAX = Decimal(100_000)
_STRIKE_STEP = Decimal("0.001")


def contract_for(symbol: str) -> Contract:
    """What to ask the venue for.  Raises `SymbolNotFound` for classes that this door does not trade.

    A share class is written with a space there: `BRK.B` is `BRK B`.  An option is one of 100 shares.
    """
    kind = asset_class_of(symbol)
    if kind is AssetClass.OPTION:
        return _option(symbol)
    if kind is AssetClass.FX:
        base, _, quote = symbol.partition("/")
        return Contract(symbol=base, sec_type=CASH, exchange=IDEALPRO, currency=quote)
    if kind is AssetClass.EQUITY and symbol and symbol.replace(".", "").isalnum():
        return Contract(symbol=symbol.replace(".", " "), sec_type=STOCK, exchange=SMART, currency=CURRENCY)
    raise SymbolNotFound(f"{symbol[:40]!r} is nothing that is traded here", broker=BROKER)


def symbol_of(contract: Contract) -> str | None:
    """Our spelling of a contract that the venue shows; None for kinds that we do not trade and for what does not add up.

    Shares and options are those in dollars: a share of another market has the same symbol and is another share.
    """
    if contract.sec_type in (STOCK, OPTION) and contract.currency not in ("", CURRENCY):
        return None
    if contract.sec_type == STOCK:
        return contract.symbol.replace(" ", ".") or None
    if contract.sec_type == CASH:
        is_pair = len(contract.symbol) == _CODE_LENGTH and len(contract.currency) == _CODE_LENGTH
        return f"{contract.symbol}/{contract.currency}" if is_pair else None
    return _occ(contract) if contract.sec_type == OPTION else None


def _option(symbol: str) -> Contract:
    listed = OptionContract.parse(symbol)
    if listed is None:
        raise SymbolNotFound(f"{symbol[:40]!r} is no option in OCC form", broker=BROKER)
    return Contract(
        symbol=listed.root,
        sec_type=OPTION,
        last_trade=f"{listed.expiry:%Y%m%d}",
        strike=listed.strike,
        right=listed.right,
        multiplier=_STANDARD,
        exchange=SMART,
        currency=CURRENCY,
        trading_class=listed.root,
    )


def _occ(contract: Contract) -> str | None:
    """By its terms; the local symbol says the same where it is there, and a contract whose two disagree is not named."""
    right, root = _RIGHTS.get(contract.right), contract.trading_class or contract.symbol
    is_strike = 0 < contract.strike < _STRIKE_MAX and contract.strike % _STRIKE_STEP == 0
    if right is None or not is_strike or contract.multiplier not in ("", _STANDARD):
        return None
    try:
        expiry = datetime.strptime(contract.last_trade, "%Y%m%d").date()  # noqa: DTZ007 - a day, no moment
    except ValueError:
        return None
    made = OptionContract(root=root, expiry=expiry, right=right, strike=contract.strike).symbol
    if OptionContract.parse(made) is None:
        return None
    local = OptionContract.parse(contract.local_symbol) if contract.local_symbol else None
    return None if local is not None and local.symbol != made else made


# -- chains -------------------------------------------------------------------------------------------------------------------


def options_on(share: Contract, day: date) -> Contract:
    """What to ask for every listed option on a share that expires on a day."""
    return Contract(
        symbol=share.symbol,
        sec_type=OPTION,
        last_trade=f"{day:%Y%m%d}",
        multiplier=_STANDARD,
        exchange=SMART,
        currency=CURRENCY,
    )


def day_of(text: str) -> date | None:
    """`20260320`; None for anything else."""
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a day, no moment
    except ValueError:
        return None


def listed_from(underlying: str, day: date, rows: Sequence[ContractDetails]) -> tuple[ListedOption, ...]:
    """The contracts of a chain; one whose terms have no OCC symbol of ours is left out."""
    symbols = {symbol_of(row.contract) for row in rows if row.contract.sec_type == OPTION} - {None}
    parsed = (OptionContract.parse(symbol) for symbol in symbols if symbol is not None)
    return in_order(
        ListedOption(contract=contract, underlying=underlying)
        for contract in parsed
        if contract is not None and contract.expiry == day
    )


# -- what the venue tells of a contract ---------------------------------------------------------------------------------------


def one_of(symbol: str, found: Sequence[ContractDetails]) -> ContractDetails:
    """The contract that a symbol means.  Raises `SymbolNotFound` for none, and for several: nobody guesses what is traded."""
    fitting = [details for details in found if symbol_of(details.contract) == symbol and details.contract.con_id > 0]
    if not fitting:
        raise SymbolNotFound(f"the venue does not know {symbol[:40]}", broker=BROKER)
    if len({details.contract.con_id for details in fitting}) > 1:
        raise SymbolNotFound(f"the venue knows several contracts by the name {symbol[:40]}", broker=BROKER)
    return fitting[0]


def rule_of(details: ContractDetails) -> int | None:
    """Which market rule says the price steps at the exchange that our orders go to; None where none is named."""
    exchanges, rules = details.valid_exchanges.split(","), details.market_rule_ids.split(",")
    wanted = details.contract.exchange
    numbers = dict(zip(exchanges, rules, strict=False))
    number = numbers.get(wanted, rules[0])
    return int(number) if number.isascii() and number.isdigit() and len(number) <= 9 else None


def instrument_from(
    symbol: str, details: ContractDetails, steps: Sequence[tuple[Decimal, Decimal]], *, as_of: datetime
) -> Instrument:
    """The venue's rules for a symbol.  Sizes are whole: the socket takes no fractions.  Raises `SymbolNotFound` for nonsense."""
    kind = asset_class_of(symbol)
    contract = details.contract
    listed = tuple(TickRule(from_price=edge, tick=tick) for edge, tick in sorted(steps) if tick > 0)
    if not listed:
        listed = (TickRule(from_price=Decimal(0), tick=details.min_tick),)
    if any(rule.tick <= 0 for rule in listed):
        raise SymbolNotFound(f"the venue tells no price step of {symbol[:40]}", broker=BROKER)
    first, *others = listed
    multiplier = contract.multiplier
    return Instrument(
        symbol=symbol,
        asset_class=kind,
        currency=contract.currency or CURRENCY,
        venue_id=str(contract.con_id),
        name=details.long_name[:100],
        ticks=(TickRule(from_price=Decimal(0), tick=first.tick), *others),
        min_qty=Decimal(1),
        multiplier=Decimal(multiplier) if multiplier.isascii() and multiplier.isdigit() else Decimal(1),
        calendar="FX" if kind is AssetClass.FX else "XNYS",
        shortable=kind is not AssetClass.OPTION,
        marginable=kind is not AssetClass.OPTION,
        as_of=as_of,
    )
