"""A folder of recorded data: which symbols and days it has, and each file as a series.

Layout: `equities/{daily,hour}/SYMBOL.zip`, `equities/minute/SYMBOL/DATE_{trade,quote}.zip`, `equities/factors/SYMBOL.csv`,
`options/UNDERLYING/DATE_trade_american.zip`, `fx/{minute/PAIR,daily}`, `crypto/coinbase/PAIR`; names in lower case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from floorbroker.domain.bars import BarSeries
from floorbroker.domain.instrument import OptionContract, asset_class_of
from floorbroker.domain.values import AssetClass
from floorbroker.tape.columns import (
    COINS,
    CURRENCIES,
    NEW_YORK,
    US_LISTED,
    Format,
    QuoteSeries,
    bars,
    lines_of,
    minute_clock,
    only_lines,
    quotes,
    stamp_clock,
)

MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400
_STRIKE_SCALE = Decimal(10_000)


class NotRecorded(LookupError):
    """The folder does not hold what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """From the day after the previous row up to `day`, raw prices times `price` (dividends) and `split` compare with today's."""

    day: date
    price: Decimal
    split: Decimal
    reference: Decimal


@dataclass(frozen=True, slots=True)
class _Home:
    folder: str  # of minute files, relative to the root
    form: Format


def _home(symbol: str) -> _Home:
    name = symbol.replace("/", "").lower()
    match asset_class_of(symbol):
        case AssetClass.FX:
            return _Home(f"fx/minute/{name}", CURRENCIES)
        case AssetClass.CRYPTO:
            return _Home(f"crypto/coinbase/{name}", COINS)
        case _:
            return _Home(f"equities/minute/{name}", US_LISTED)


class Tape:
    """Readers over one folder.  Every read raises `NotRecorded` when the file is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def symbols(self) -> list[str]:
        """Symbols with minute data, in our spelling."""
        shares = (path.name.upper() for path in self.folder.glob("equities/minute/*"))
        pairs = (
            path.name.upper() for kind in ("fx/minute", "crypto/coinbase") for path in self.folder.glob(f"{kind}/*")
        )
        return sorted([*shares, *(f"{pair[:-3]}/{pair[-3:]}" for pair in pairs)])

    def daily_symbols(self) -> list[str]:
        """Shares with daily bars."""
        return sorted(path.stem.upper() for path in self.folder.glob("equities/daily/*.zip"))

    def days(self, symbol: str) -> list[date]:
        """Days (of the market's own zone) with minute data for `symbol`."""
        found = self.folder.joinpath(_home(symbol).folder).glob("*_*.zip")
        return sorted({_day(path.name[:8]) for path in found})

    def minutes(self, symbol: str, day: date) -> BarSeries:
        """Minute trade bars of one day; minutes without a trade are left out."""
        home = _home(symbol)
        path = self._file(f"{home.folder}/{day:%Y%m%d}_trade.zip")
        clock = minute_clock(day, home.form.zone)
        return bars(symbol, only_lines(path), span_s=MINUTE_S, form=home.form, moment=clock)

    def quotes(self, symbol: str, day: date) -> QuoteSeries:
        """Minute quote bars of one day."""
        home = _home(symbol)
        path = self._file(f"{home.folder}/{day:%Y%m%d}_quote.zip")
        clock = minute_clock(day, home.form.zone)
        return quotes(symbol, only_lines(path), span_s=MINUTE_S, form=home.form, moment=clock)

    def has(self, symbol: str, day: date, kind: str) -> bool:
        """Whether there is a file of `kind` (`trade` or `quote`)."""
        return self.folder.joinpath(_home(symbol).folder, f"{day:%Y%m%d}_{kind}.zip").is_file()

    def daily(self, symbol: str) -> BarSeries:
        """Daily trade bars of a share; each starts at midnight in New York."""
        return self._stamped("equities/daily", symbol, DAY_S)

    def hourly(self, symbol: str) -> BarSeries:
        """Hourly trade bars of a share."""
        return self._stamped("equities/hour", symbol, HOUR_S)

    def _stamped(self, folder: str, symbol: str, span_s: int) -> BarSeries:
        path = self._file(f"{folder}/{symbol.lower()}.zip")
        return bars(symbol, only_lines(path), span_s=span_s, form=US_LISTED, moment=stamp_clock(NEW_YORK))

    def daily_quotes(self, symbol: str) -> QuoteSeries:
        """Daily quote bars of a currency pair; each starts at midnight UTC."""
        path = self._file(f"fx/daily/{symbol.replace('/', '').lower()}.zip")
        return quotes(symbol, only_lines(path), span_s=DAY_S, form=CURRENCIES, moment=stamp_clock(None))

    def factors(self, symbol: str) -> list[Factor]:
        """Split and dividend factors of a share, oldest first."""
        path = self._file(f"equities/factors/{symbol.lower()}.csv")
        rows = (line.split(",") for line in path.read_text("ascii").splitlines() if line)
        return [
            Factor(day=_day(day), price=Decimal(price), split=Decimal(split), reference=Decimal(reference))
            for day, price, split, reference in rows
        ]

    def options(self, underlying: str, day: date) -> dict[str, BarSeries]:
        """Minute trade bars of every option contract that traded, by OCC symbol."""
        path = self._file(f"options/{underlying.lower()}/{day:%Y%m%d}_trade_american.zip")
        clock = minute_clock(day, NEW_YORK)
        found: dict[str, BarSeries] = {}
        for name, lines in lines_of(path):
            symbol = contract_of(name).symbol
            found[symbol] = bars(symbol, lines, span_s=MINUTE_S, form=US_LISTED, moment=clock)
        return found

    def _file(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise NotRecorded(f"{name} is not recorded")
        return path


def load(folder: Path) -> Tape:
    """The tape in `folder`.  Raises `NotRecorded` when there is no such folder."""
    if not folder.is_dir():
        raise NotRecorded(f"{folder.name} is no folder")
    return Tape(folder)


def contract_of(name: str) -> OptionContract:
    """The contract a file is named for: `DATE_ROOT_minute_trade_american_RIGHT_STRIKE_EXPIRY.csv`, strike times 10,000."""
    parts = name.removesuffix(".csv").split("_")
    return OptionContract(
        root=parts[1].upper(),
        expiry=_day(parts[7]),
        right=parts[5][0].upper(),
        strike=Decimal(parts[6]) / _STRIKE_SCALE,
    )


def _day(text: str) -> date:
    return datetime(int(text[:4]), int(text[4:6]), int(text[6:8]), tzinfo=UTC).date()
