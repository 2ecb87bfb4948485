"""What the tests trade at a venue: symbols its rules know, and amounts its rules allow.

Whatever it is, it costs 200 here: 199.90 bid, 200.10 asked, in steps of 0.01, and ten units of it can be bought and sold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.values import AssetClass, TimeInForce


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One kind of thing at one venue.

    `symbol` is what orders are about, `other` one more; `streams` are those whose prices are listened to, `bars` has a past.
    `tif` is what an order has that says nothing (coins have no day).  `fee` is the most that a fill costs, as a share of it:
    some venues take it out of what was bought.  Not all of it can be sold short, or bought for an amount of money (`by_money`).
    `trailed` is how many of ten units a trailing stop sells, `off_tick` a price that the rules do not allow, and their step.
    `bettered` is what a waiting limit of 195.00 pays when 194.90 is asked: its own price, unless the venue gives the better one.
    `underlying` has options.  `commands` are method and path of each command,
    a shell pattern where the path names the account.
    """

    symbol: str = "AAPL"
    other: str = "MSFT"
    unknown: str = "NOSUCH"
    streams: tuple[str, ...] = ("AAPL", "BTC/USD")
    bars: str = "IBM"
    coin: str | None = "BTC/USD"
    underlying: str | None = "AAPL"
    tif: TimeInForce = TimeInForce.DAY
    currency: str = "USD"
    cash: Decimal = Decimal(100_000)
    fee: Decimal = Decimal(0)
    fraction: str = "0.123456789"
    trail: dict[str, Any] = field(default_factory=lambda: {"trail_amount": "5.00"})
    trailed: str = "9"
    off_tick: tuple[str, str] = ("50.005", "0.01")
    bettered: str = "195.00"
    market: str = "XNYS"
    can_short: bool = True
    by_money: bool = True
    commands: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {
            "submit": ("POST", "/v2/orders"),
            "replace": ("PATCH", "/v2/orders/"),
            "cancel": ("DELETE", "/v2/orders/"),
        }
    )

    @property
    def asset_class(self) -> AssetClass:
        return asset_class_of(self.symbol)

    def cost(self, value: Decimal) -> Decimal:
        """What cash falls by when something of that value is bought: nothing, where only its margin is set aside."""
        return Decimal(0) if self.asset_class in (AssetClass.PERPETUAL, AssetClass.FX) else value

    def paid(self, value: Decimal) -> Decimal:
        """The most that may be missing of `value` for fees."""
        return abs(value) * self.fee


SHARES = Goods()


def coins(symbol: str, other: str, *, currency: str, commands: dict[str, tuple[str, str]], **more: Any) -> Goods:
    """Coins against `currency`: no day, no short sale, fees."""
    return Goods(
        symbol=symbol, other=other, unknown=f"NOSUCH/{currency}", streams=(symbol, other), bars=symbol, coin=None,
        underlying=None, tif=TimeInForce.GTC, currency=currency, trail={"trail_percent": "2.5"},
        market="crypto", commands=commands, **{"fee": Decimal("0.003"), "can_short": False, "fraction": "0.123", **more},
    )  # fmt: skip
