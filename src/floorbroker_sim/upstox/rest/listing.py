"""What is listed: shares of both exchanges, an index, and the options of the next weeks; by instrument key.

https://upstox.com/developer/api-documentation/instruments
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from floorbroker.domain.instrument import Instrument, OptionContract, TickRule
from floorbroker.domain.values import AssetClass
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.info import IST
from floorbroker_sim.upstox.rest.hours import INDIA, local_day

_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)
_FIRST = date(2020, 1, 1)
_TICKS = ((250, "0.01"), (1000, "0.05"), (5000, "0.10"), (10_000, "0.50"), (20_000, "1"))  # below these prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One instrument.  `symbol` is canonical; `tick` in rupees, `lot` and `freeze` in units.

    Of an option, `underlying` is the canonical symbol of what it is about.
    """

    key: str
    symbol: str
    trading_symbol: str
    name: str
    segment: str
    kind: str
    token: str
    tick: Decimal
    lot: int = 1
    freeze: int = 100_000
    isin: str | None = None
    expiry: date | None = None
    strike: Decimal | None = None
    root: str = ""
    underlying: str = ""
    underlying_key: str = ""
    weekly: bool = False

    def __hash__(self) -> int:
        """Its key names it: to hash every member of some thousand contracts takes longer than to list them."""
        return hash(self.key)

    @property
    def exchange(self) -> str:
        """As orders and positions name it: derivatives have an exchange of their own."""
        return {"NSE_FO": "NFO", "BSE_FO": "BFO"}.get(self.segment, self.segment.partition("_")[0])

    @property
    def is_option(self) -> bool:
        return self.expiry is not None

    @property
    def book_symbol(self) -> str:
        """As orders and positions spell it."""
        return f"{self.trading_symbol}-EQ" if self.segment == "NSE_EQ" else self.trading_symbol

    @property
    def quote_name(self) -> str:
        """What quotes are filed under."""
        return f"{self.segment}:{self.trading_symbol.replace(' ', '')}"

    @property
    def ends_at(self) -> datetime | None:
        """When an option expires: at the close of its last day."""
        return None if self.expiry is None else datetime.combine(self.expiry, time(15, 30), IST)

    def instrument(self) -> Instrument:
        """For the market and the matching engine; contracts are counted in units of what they are about."""
        return _instrument(self)


@lru_cache(maxsize=1 << 14)
def _instrument(listed: Listed) -> Instrument:
    return Instrument(
        symbol=listed.symbol, asset_class=AssetClass.OPTION if listed.is_option else AssetClass.EQUITY, currency="INR",
        venue_id=listed.key, name=listed.name, ticks=(TickRule(from_price=Decimal(0), tick=listed.tick),),
        lot=Decimal(listed.lot), calendar="XNSE", tradable=listed.kind != "INDEX", shortable=True, marginable=True,
    )  # fmt: skip


def tick_of(price: Decimal) -> Decimal:
    """The price step of a share that costs about `price` rupees."""
    return next((Decimal(tick) for below, tick in _TICKS if price < below), Decimal(5))


def shares() -> Iterator[Listed]:
    """Every share on every exchange it is listed at, and the indices."""
    for number, one in enumerate(info.SHARES):
        for exchange in one.exchanges:
            yield Listed(
                key=f"{exchange}_EQ|{one.isin}", symbol=f"{one.symbol}.{exchange}", trading_symbol=one.symbol, name=one.name,
                segment=f"{exchange}_EQ", kind="EQ" if exchange == "NSE" else "A", isin=one.isin, freeze=one.freeze,
                token=one.number if exchange == "NSE" else str(500_000 + number), tick=tick_of(Decimal(one.anchor)),
            )  # fmt: skip
    for number, one in enumerate(info.INDICES):
        yield Listed(
            key=one.key, symbol=f"{one.symbol}.NSE", trading_symbol=one.symbol, name=one.name, segment="NSE_INDEX",
            kind="INDEX", token=str(26_000 + number), tick=info.TICK,
        )  # fmt: skip


def recorded(symbol: str, number: int) -> Listed:
    """A share of a recorded folder, under a key of ours."""
    return Listed(
        key=f"NSE_EQ|INX{number:08d}0", symbol=f"{symbol}.NSE", trading_symbol=symbol, name=symbol, segment="NSE_EQ",
        kind="EQ", isin=f"INX{number:08d}0", token=str(number), tick=Decimal("0.01"),
    )  # fmt: skip


def expiries(chain: info.Chain, today: date) -> list[date]:
    """The days on which contracts end, soonest first; a holiday moves one to the trading day before."""
    first = today + timedelta(days=(info.EXPIRY_WEEKDAY - today.weekday()) % 7)
    weeks = [first + n * _WEEK for n in range(5 * (info.MONTHS + 1))]
    months = [day for day in weeks if (day + _WEEK).month != day.month][: info.MONTHS]
    wanted = {*months, *(weeks[: info.WEEKS] if chain.weekly else [])}
    return sorted({moved for day in wanted if (moved := INDIA.on_or_before(day)) >= today})


def contracts(number: int, today: date, spot: Decimal) -> tuple[Listed, ...]:
    """The options of one chain: strikes about `spot` (rupees)."""
    return _contracts(number, today, int(spot / info.CHAINS[number].step))


@lru_cache(maxsize=256)
def _contracts(number: int, today: date, middle: int) -> tuple[Listed, ...]:
    chain, around = info.CHAINS[number], range(-info.STRIKES_EACH_SIDE, info.STRIKES_EACH_SIDE + 1)
    of = next(one for one in shares() if one.symbol == f"{chain.underlying}.NSE")
    return tuple(
        _option(number, of, (expiry, middle + step), right)
        for expiry in expiries(chain, today)
        for step in around
        for right in ("CE", "PE")
    )


def _option(number: int, of: Listed, place: tuple[date, int], right: str) -> Listed:
    """`place` is the expiry, and the strike in steps."""
    chain, (expiry, step) = info.CHAINS[number], place
    strike = Decimal(step * chain.step)
    contract = OptionContract(root=chain.root, expiry=expiry, right=right[0], strike=strike)
    token = str(((number * 10_000 + (expiry - _FIRST).days) * 2000 + step) * 2 + (right == "PE"))
    return Listed(
        key=f"NSE_FO|{token}", symbol=contract.symbol, name=chain.underlying, segment="NSE_FO", kind=right, token=token,
        trading_symbol=f"{chain.underlying} {strike:f} {right} {expiry:%d %b %y}".upper(), tick=info.TICK, lot=chain.lot,
        freeze=chain.freeze, expiry=expiry, strike=strike, root=chain.root, underlying=of.symbol, underlying_key=of.key,
        weekly=chain.weekly and (expiry + _WEEK).month == expiry.month,
    )  # fmt: skip


class Listings:
    """Every instrument that was ever listed, by key and by canonical symbol."""

    def __init__(self) -> None:
        self.by_key: dict[str, Listed] = {}
        self.by_symbol: dict[str, Listed] = {}

    def add(self, listed: Listed) -> None:
        self.by_key.setdefault(listed.key, listed)
        self.by_symbol.setdefault(listed.symbol, listed)

    def alive(self, at: datetime) -> list[Listed]:
        """What can be traded today."""
        today = local_day(at)
        return [one for one in self.by_key.values() if one.expiry is None or one.expiry >= today]
