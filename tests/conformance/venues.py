"""Every broker's venue in this process, by the name its tests go by.  A new simulator is an entry in `SIMULATED`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal

from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.capability import BrokerInfo
from tests.conformance.desk import Venue
from tests.conformance.embedded import paper
from tests.conformance.goods import SHARES, Goods, coins
from tests.conformance.simulated import Simulated

CASH, NOTHING = Decimal(100_000), Decimal(0)
COINLESS = {"USDT": CASH, **dict.fromkeys(("BTC", "ETH", "SOL", "XRP", "DOGE"), NOTHING)}
AT_BYBIT = {
    "submit": ("POST", "/v5/order/create"),
    "replace": ("POST", "/v5/order/amend"),
    "cancel": ("POST", "/v5/order/cancel"),
}

AT_IBKR = "DU8283239"  # the account that its simulator draws from the seed of these tests


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One venue under test, which may be one of two things that a broker trades."""

    info: BrokerInfo
    goods: Goods
    open: Callable[[], AbstractAsyncContextManager[Venue]]


SIMULATED: dict[str, Simulated] = {
    "ALPACA": Simulated(word="alpaca", code="ALPACA", goods=SHARES),
    "BINANCE": Simulated(
        word="binance",
        code="BINANCE",
        goods=coins(
            "SOL/USDT",
            "ETH/USDT",
            currency="USDT",
            fee=NOTHING,
            commands={
                "submit": ("POST", "/api/v3/order"),
                "replace": ("POST", "/api/v3/order/cancelReplace"),
                "cancel": ("DELETE", "/api/v3/order"),
            },
        ),
        settings={"balances": {"USDT": CASH}, "commission": NOTHING},
    ),
    "BYBIT": Simulated(
        word="bybit",
        code="BYBIT",
        goods=coins("SOL/USDT", "ETH/USDT", currency="USDT", commands=AT_BYBIT),
        settings={"balances": COINLESS},
    ),
    "BYBIT linear": Simulated(
        word="bybit",
        code="BYBIT",
        goods=coins(
            "SOL/USDT:USDT",
            "ETH/USDT:USDT",
            currency="USDT",
            commands=AT_BYBIT,
            can_short=True,
            fraction="0.1",
            by_money=False,
        ),
        settings={"balances": COINLESS},
    ),
    "KRAKEN": Simulated(
        word="kraken",
        code="KRAKEN",
        goods=coins(
            "SOL/USD",
            "ETH/USD",
            currency="USD",
            commands={
                "submit": ("POST", "/0/private/AddOrder"),
                "replace": ("POST", "/0/private/AmendOrder"),
                "cancel": ("POST", "/0/private/CancelOrder"),
            },
        ),
        settings={"balances": {"USD": CASH}},
        hurry=5,
        options={"tier": "pro"},  # the others may ask so seldom that a test would wait for minutes
    ),
    "OANDA": Simulated(
        word="oanda",
        code="OANDA",
        goods=Goods(
            symbol="XAU/USD",
            other="EUR/USD",
            unknown="NOSUCH/USD",
            streams=("XAU/USD", "EUR/USD"),
            bars="EUR/USD",
            coin=None,
            underlying=None,
            by_money=False,
            trailed="10",  # a trade is trailed as a whole
            off_tick=("50.0005", "0.001"),
            bettered="194.90",  # the dealer's price, when it is the better one
            market="FX",
            commands={
                "submit": ("POST", "/v3/accounts/*/orders"),
                "replace": ("PUT", "/v3/accounts/*/orders/*"),
                "cancel": ("PUT", "/v3/accounts/*/orders/*/cancel"),
            },
        ),
    ),
    "IBKR_WEB": Simulated(
        word="ibkr-web",
        code="IBKR_WEB",
        goods=Goods(
            streams=("AAPL",),
            coin=None,
            by_money=False,
            fraction="0.1234",
            fee=Decimal("0.002"),  # a commission of one dollar at least
            commands={
                "submit": ("POST", f"/v1/api/iserver/account/{AT_IBKR}/orders"),
                "replace": ("POST", f"/v1/api/iserver/account/{AT_IBKR}/order/"),
                "cancel": ("DELETE", f"/v1/api/iserver/account/{AT_IBKR}/order/"),
            },
        ),
        options={"list_every_s": "0.05"},  # the venue's own five seconds would be most of a test
        hurry=5,
        needs_session=True,
    ),
    "UPSTOX": Simulated(
        word="upstox",
        code="UPSTOX",
        goods=Goods(
            symbol="NHPC.NSE",
            other="YESBANK.NSE",
            unknown="NOSUCH.NSE",
            streams=("NHPC.NSE", "YESBANK.NSE"),
            bars="NHPC.NSE",
            coin=None,
            underlying=None,
            currency="INR",
            market="XNSE",
            fee=Decimal("0.003"),  # taxes and fees, which are set aside at once
            can_short=False,  # a short sale is of another product there, which is the profile's
            by_money=False,
            commands={
                "submit": ("POST", "/v3/order/place"),
                "replace": ("PUT", "/v3/order/modify"),
                "cancel": ("DELETE", "/v3/order/cancel"),
            },
        ),
    ),
    "TRADIER": Simulated(
        word="tradier",
        code="TRADIER",
        is_polled=True,
        hurry=5,
        goods=Goods(
            streams=("AAPL",),
            coin=None,
            can_short=False,  # a short sale is a word of its own there, which no order says by itself
            by_money=False,
            commands={
                "submit": ("POST", "/v1/accounts/*/orders"),
                "replace": ("PUT", "/v1/accounts/*/orders/*"),
                "cancel": ("DELETE", "/v1/accounts/*/orders/*"),
            },
        ),
    ),
}
# A venue that is no HTTP at all: what is asked of HTTP alone passes it by.
SOCKETS: dict[str, Simulated] = {
    "IBKR": Simulated(
        word="ibkr",
        code="IBKR",
        goods=Goods(
            streams=("AAPL",),
            coin=None,
            by_money=False,
            fee=Decimal("0.002"),  # a commission, beside the price
            commands={
                "submit": ("TWS", "/placeOrder"),
                "replace": ("TWS", "/placeOrder"),
                "cancel": ("TWS", "/cancelOrder"),
            },
        ),
        settings={"cash": CASH},
    ),
}
VENUES: dict[str, Entry] = {
    **{name: Entry(info=kind.info, goods=kind.goods, open=kind.open) for name, kind in (SIMULATED | SOCKETS).items()},
    "PAPER": Entry(info=BROKERS["PAPER"], goods=SHARES, open=paper),
}
