"""Contract ids: one number for each contract, the same in every run, so that clients may keep it.

Shares have the number of the documents or one drawn from their symbol.  An option's number holds its share, day, right and
strike, so that any option on a listed share can be named without asking for its chain first.

A share class is spelled with a space here (`BRK B`), and the class of its options without one (`BRKB`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from floorbroker.domain.instrument import Instrument, OptionContract
from floorbroker.domain.values import AssetClass
from floorbroker_sim.ibkr_web import info
from floorbroker_sim.market import Market

_FIRST, _SPAN = 1_000_000, 60_000_000
_DAY_ZERO = date(2024, 1, 1)
_ROOT, _DAY, _RIGHT = 26, 14, 13  # where the parts of an option's number begin, in bits
_STRIKE_STEP = Decimal("0.5")
_ROOTS_MAX = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A share or an option: `symbol` is canonical, `conid` the venue's number, `share` the symbol of what it is about."""

    conid: int
    symbol: str
    share: str
    instrument: Instrument
    option: OptionContract | None = None

    @property
    def sec_type(self) -> str:
        return "STK" if self.option is None else "OPT"

    @property
    def ticker(self) -> str:
        """The symbol people say: the share itself, or what an option is on."""
        return ticker_of(self.share)

    @property
    def trading_class(self) -> str:
        """The root of an option; of a share its ticker."""
        return self.ticker if self.option is None else self.option.root

    @property
    def exchange(self) -> str:
        """Where it is listed, in the long form of order lists."""
        if self.option is not None:
            return "SMART"
        return info.EXCHANGES.get(self.symbol, "NYSE" if self.symbol in info.NYSE else "NASDAQ.NMS")

    @property
    def description(self) -> str:
        """`AAPL`, or `AAPL   JAN2027 150 P [AAPL  270115P00150000 100]`."""
        if self.option is None:
            return self.ticker
        month, strike = f"{self.option.expiry:%b%Y}".upper(), f"{self.option.strike.normalize():f}"
        return f"{self.ticker:<6} {month} {strike} {self.option.right} [{self.symbol} 100]"


class Symbols:
    """Numbers of one market's contracts."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self.shares = sorted(_shares(market.instruments.values()), key=lambda symbol: ("." in symbol, symbol))
        self._by_class = {class_of(symbol): symbol for symbol in self.shares[:_ROOTS_MAX]}
        self._by_ticker = {ticker_of(symbol): symbol for symbol in self.shares}
        self._conids: dict[str, int] = {}
        self._by_conid: dict[int, str] = {}
        for symbol in self.shares:
            conid = info.CONIDS.get(symbol) or _drawn(symbol)
            while conid in self._by_conid:
                conid += 1
            self._conids[symbol], self._by_conid[conid] = conid, symbol

    def conid(self, symbol: str) -> int:
        """The number of a canonical symbol.  Raises `KeyError` for one that has none."""
        if symbol in self._conids:
            return self._conids[symbol]
        option = OptionContract.parse(symbol)
        if option is None:
            raise KeyError(symbol)
        share = self._by_class[option.root]
        days, strike = (option.expiry - _DAY_ZERO).days, option.strike / _STRIKE_STEP
        if not 0 <= days < 1 << (_ROOT - _DAY) or strike % 1 or not 0 < strike < 1 << _RIGHT:
            raise KeyError(symbol)
        root, right = self.shares.index(share) + 1, int(option.right == "P")
        return (root << _ROOT) | (days << _DAY) | (right << _RIGHT) | int(strike)

    def symbol(self, conid: int) -> str:
        """The canonical symbol of a number.  Raises `KeyError`."""
        if conid in self._by_conid:
            return self._by_conid[conid]
        root, rest = conid >> _ROOT, conid & ((1 << _ROOT) - 1)
        if not 1 <= root <= min(len(self.shares), _ROOTS_MAX):
            raise KeyError(conid)
        strike = (rest & ((1 << _RIGHT) - 1)) * _STRIKE_STEP
        if not strike:
            raise KeyError(conid)
        expiry = _DAY_ZERO + timedelta(days=rest >> _DAY)
        right = "P" if rest >> _RIGHT & 1 else "C"
        return OptionContract(root=class_of(self.shares[root - 1]), expiry=expiry, right=right, strike=strike).symbol

    def contract(self, symbol: str) -> Contract:
        """Raises `KeyError` for a symbol nobody listed."""
        instrument, option = self._market.instrument(symbol), OptionContract.parse(symbol)
        share = symbol if option is None else self._by_class[option.root]
        return Contract(conid=self.conid(symbol), symbol=symbol, share=share, instrument=instrument, option=option)

    def named(self, ticker: str) -> str | None:
        """The canonical symbol of a share as it is spelled here; None where nobody listed it."""
        return self._by_ticker.get(ticker)

    def by_conid(self, conid: int) -> Contract:
        """Raises `KeyError`."""
        return self.contract(self.symbol(conid))


def ticker_of(share: str) -> str:
    """`BRK B` of `BRK.B`."""
    return share.replace(".", " ")


def class_of(share: str) -> str:
    """What options on a share are called: `BRKB` of `BRK.B`."""
    return share.replace(".", "")


def _shares(instruments: Iterable[Instrument]) -> list[str]:
    return [i.symbol for i in instruments if i.asset_class is AssetClass.EQUITY and i.tradable]


def _drawn(symbol: str) -> int:
    number = int.from_bytes(hashlib.blake2b(symbol.encode(), digest_size=6).digest(), "big")
    return _FIRST + number % _SPAN
