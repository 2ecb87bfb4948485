"""Our symbols as the venue's contracts, and back: shares and funds, listed options in OCC form, currency pairs.

A contract made here names what is wanted; its `con_id` comes from the venue's details.  Documents:
interactivebrokers.com/campus/ibkr-api-page/contracts (stocks, options, forex pairs).
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.ibkr.errors import BROKER
from floorbroker.brokers.ibkr.wire import Contract
from floorbroker.domain.errors import SymbolNotFound
from floorbroker.domain.instrument import OptionContract, asset_class_of
from floorbroker.domain.values import AssetClass

STOCK, OPTION, CASH = "STK", "OPT", "CASH"
SMART, IDEALPRO = "SMART", "IDEALPRO"
CURRENCY = "USD"
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
    """Our spelling of a contract that the venue shows; None for kinds that we do not trade and for what does not add up."""
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
    if right is None or not is_strike:
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
