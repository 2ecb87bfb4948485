"""The names that other programs gave to credentials: the one place where names of venues' variables occur.

They were taken from the venues' own client libraries and from the examples of public trading programs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from floorbroker.domain.values import Environment, Word


class Means(Word):
    """What an old name stands for."""

    KEY = "BROKER_API_KEY"
    SECRET = "BROKER_SECRET_KEY"  # noqa: S105 - the name of a field
    ACCOUNT = "BROKER_ACCOUNT_NUMBER"
    USER = "BROKER_USERNAME"
    PASSWORD = "BROKER_PASSWORD"  # noqa: S105 - the name of a field
    URL = "BROKER_URL"
    HOST = "BROKER_HOST"
    PORT = "port"
    CLIENT = "client_id"
    PAPER = "environment, by yes or no"
    PLACE = "environment, by a word"
    ENABLED = "enabled"
    FEED = "option stock_feed"
    LATER = "a token of one day, which the desk fetches itself"
    GATEWAY = "the login of the gateway's own container"
    DATA = "where market data is, which follows from the environment"


_P, _L = Environment.PAPER, Environment.LIVE
Names = dict[Means, tuple[str, ...]]

# Venue -> what is meant -> old names.  A name that itself says paper or live stands in `_PLACED`.
_TABLE: Mapping[str, Names] = MappingProxyType(
    {
        "ALPACA": {
            Means.KEY: (
                "APCA_API_KEY_ID", "ALPACA_API_KEY", "ALPACA_API_KEY_ID", "ALPACA_KEY", "ALPACA_KEY_ID", "APCA_API_KEY",
            ),
            Means.SECRET: (
                "APCA_API_SECRET_KEY", "ALPACA_SECRET_KEY", "ALPACA_API_SECRET", "ALPACA_API_SECRET_KEY", "ALPACA_SECRET",
                "APCA_API_SECRET",
            ),
            Means.URL: ("APCA_API_BASE_URL", "ALPACA_BASE_URL", "ALPACA_API_BASE_URL", "ALPACA_ENDPOINT", "ALPACA_API_URL"),
            Means.PAPER: ("ALPACA_PAPER", "ALPACA_IS_PAPER", "ALPACA_PAPER_TRADE", "ALPACA_PAPER_TRADING", "ALPACA_USE_PAPER"),
            Means.PLACE: ("ALPACA_ENV", "ALPACA_ENVIRONMENT", "ALPACA_MODE", "ALPACA_TRADING_MODE"),
            Means.ENABLED: ("ALPACA_ENABLED",),
            Means.FEED: ("ALPACA_DATA_FEED", "APCA_DATA_FEED", "ALPACA_FEED"),
            Means.DATA: ("APCA_API_DATA_URL", "APCA_DATA_BASE_URL", "ALPACA_DATA_URL", "ALPACA_STREAM_URL"),
            Means.LATER: ("ALPACA_OAUTH_TOKEN", "APCA_API_OAUTH_TOKEN"),
        },
        "TRADIER": {
            Means.KEY: (
                "TRADIER_ACCESS_TOKEN", "TRADIER_API_KEY", "TRADIER_TOKEN", "TRADIER_API_TOKEN", "TRADIER_KEY",
            ),
            Means.ACCOUNT: ("TRADIER_ACCOUNT_NUMBER", "TRADIER_ACCOUNT_ID", "TRADIER_ACCOUNT"),
            Means.URL: ("TRADIER_BASE_URL", "TRADIER_API_URL", "TRADIER_ENDPOINT"),
            Means.PAPER: ("TRADIER_IS_PAPER", "TRADIER_PAPER", "TRADIER_SANDBOX", "TRADIER_USE_SANDBOX"),
            Means.PLACE: ("TRADIER_ENV", "TRADIER_ENVIRONMENT"),
            Means.ENABLED: ("TRADIER_ENABLED",),
        },
        "IBKR": {
            Means.HOST: ("IB_HOST", "IBKR_HOST", "TWS_HOST", "IB_GATEWAY_HOST", "INTERACTIVE_BROKERS_IP",
                         "INTERACTIVE_BROKERS_HOST"),
            Means.PORT: ("IB_PORT", "IBKR_PORT", "TWS_PORT", "IB_GATEWAY_PORT", "INTERACTIVE_BROKERS_PORT"),
            Means.CLIENT: ("IB_CLIENT_ID", "IBKR_CLIENT_ID", "TWS_CLIENT_ID", "INTERACTIVE_BROKERS_CLIENT_ID"),
            Means.ACCOUNT: ("IB_ACCOUNT", "IB_ACCOUNT_ID", "IBKR_ACCOUNT", "IBKR_ACCOUNT_ID", "IB_SUBACCOUNT"),
            Means.PAPER: ("IB_PAPER", "IBKR_PAPER", "IBKR_IS_PAPER", "IB_IS_PAPER"),
            Means.PLACE: ("IB_TRADING_MODE", "IBKR_TRADING_MODE", "IB_MODE", "IBKR_ENV"),
            Means.ENABLED: ("IB_ENABLED", "IBKR_ENABLED"),
            Means.GATEWAY: ("TWS_USERID", "TWS_PASSWORD", "IB_USERNAME", "IB_PASSWORD", "IBKR_USERNAME", "IBKR_PASSWORD"),
        },
        "IBKR_WEB": {
            Means.URL: ("IBKR_API_URL", "IBKR_BASE_URL", "IB_CP_URL", "IBEAM_GATEWAY_BASE_URL", "IBKR_GATEWAY_URL"),
            Means.GATEWAY: ("IBEAM_ACCOUNT", "IBEAM_PASSWORD", "IBEAM_KEY"),
        },
        "UPSTOX": {
            Means.KEY: ("UPSTOX_API_KEY", "UPSTOX_CLIENT_ID"),
            Means.SECRET: ("UPSTOX_API_SECRET", "UPSTOX_SECRET_KEY", "UPSTOX_CLIENT_SECRET"),
            Means.USER: ("UPSTOX_MOBILE_NUMBER", "UPSTOX_USER_ID", "UPSTOX_USERNAME"),
            Means.URL: ("UPSTOX_BASE_URL",),
            Means.PLACE: ("UPSTOX_ENV", "UPSTOX_ENVIRONMENT"),
            Means.PAPER: ("UPSTOX_SANDBOX",),
            Means.ENABLED: ("UPSTOX_ENABLED",),
            Means.LATER: ("UPSTOX_ACCESS_TOKEN",),
        },
        "BINANCE": {
            Means.KEY: ("BINANCE_API_KEY", "BINANCE_KEY", "BINANCE_APIKEY"),
            Means.SECRET: ("BINANCE_API_SECRET", "BINANCE_SECRET_KEY", "BINANCE_SECRET", "BINANCE_APISECRET"),
            Means.URL: ("BINANCE_BASE_URL", "BINANCE_API_URL"),
            Means.PAPER: ("BINANCE_TESTNET", "BINANCE_USE_TESTNET", "BINANCE_IS_TESTNET", "BINANCE_SANDBOX"),
            Means.PLACE: ("BINANCE_ENV", "BINANCE_ENVIRONMENT"),
            Means.ENABLED: ("BINANCE_ENABLED",),
        },
        "KRAKEN": {
            Means.KEY: ("KRAKEN_API_KEY", "KRAKEN_KEY", "KRAKEN_PUBLIC_KEY"),
            Means.SECRET: (
                "KRAKEN_API_SECRET", "KRAKEN_SECRET_KEY", "KRAKEN_SECRET", "KRAKEN_PRIVATE_KEY", "KRAKEN_API_PRIVATE_KEY",
            ),
            Means.URL: ("KRAKEN_BASE_URL", "KRAKEN_API_URL"),
            Means.PLACE: ("KRAKEN_ENV", "KRAKEN_ENVIRONMENT"),
            Means.ENABLED: ("KRAKEN_ENABLED",),
        },
        "BYBIT": {
            Means.KEY: ("BYBIT_API_KEY", "BYBIT_KEY"),
            Means.SECRET: ("BYBIT_API_SECRET", "BYBIT_SECRET_KEY", "BYBIT_SECRET"),
            Means.URL: ("BYBIT_BASE_URL", "BYBIT_API_URL"),
            Means.PAPER: ("BYBIT_TESTNET", "BYBIT_DEMO", "BYBIT_USE_TESTNET"),
            Means.PLACE: ("BYBIT_ENV", "BYBIT_ENVIRONMENT"),
            Means.ENABLED: ("BYBIT_ENABLED",),
        },
        "OANDA": {
            Means.KEY: ("OANDA_ACCESS_TOKEN", "OANDA_API_KEY", "OANDA_API_TOKEN", "OANDA_TOKEN"),
            Means.ACCOUNT: ("OANDA_ACCOUNT_ID", "OANDA_ACCOUNT", "OANDA_ACCOUNT_NUMBER"),
            Means.URL: ("OANDA_BASE_URL", "OANDA_API_URL", "OANDA_API_BASE"),
            Means.PLACE: ("OANDA_ENVIRONMENT", "OANDA_ENV"),
            Means.PAPER: ("OANDA_PRACTICE", "OANDA_DEMO"),
            Means.ENABLED: ("OANDA_ENABLED",),
        },
        "POLYGON": {
            Means.KEY: ("POLYGON_API_KEY", "POLYGON_KEY", "POLYGON_IO_API_KEY", "MASSIVE_API_KEY"),
            Means.ENABLED: ("POLYGON_ENABLED",),
        },
    }
)  # fmt: skip

# Names that say themselves which environment they are of.
_PLACED: Mapping[str, tuple[str, Means, Environment]] = MappingProxyType(
    {
        "ALPACA_PAPER_API_KEY": ("ALPACA", Means.KEY, _P),
        "ALPACA_PAPER_KEY": ("ALPACA", Means.KEY, _P),
        "ALPACA_API_KEY_PAPER": ("ALPACA", Means.KEY, _P),
        "ALPACA_PAPER_SECRET_KEY": ("ALPACA", Means.SECRET, _P),
        "ALPACA_PAPER_API_SECRET": ("ALPACA", Means.SECRET, _P),
        "ALPACA_PAPER_SECRET": ("ALPACA", Means.SECRET, _P),
        "ALPACA_SECRET_KEY_PAPER": ("ALPACA", Means.SECRET, _P),
        "ALPACA_LIVE_API_KEY": ("ALPACA", Means.KEY, _L),
        "ALPACA_LIVE_KEY": ("ALPACA", Means.KEY, _L),
        "ALPACA_API_KEY_LIVE": ("ALPACA", Means.KEY, _L),
        "ALPACA_LIVE_SECRET_KEY": ("ALPACA", Means.SECRET, _L),
        "ALPACA_LIVE_API_SECRET": ("ALPACA", Means.SECRET, _L),
        "ALPACA_LIVE_SECRET": ("ALPACA", Means.SECRET, _L),
        "ALPACA_SECRET_KEY_LIVE": ("ALPACA", Means.SECRET, _L),
        "TRADIER_SANDBOX_TOKEN": ("TRADIER", Means.KEY, _P),
        "TRADIER_SANDBOX_API_KEY": ("TRADIER", Means.KEY, _P),
        "TRADIER_SANDBOX_ACCOUNT_ID": ("TRADIER", Means.ACCOUNT, _P),
        "BINANCE_TESTNET_API_KEY": ("BINANCE", Means.KEY, _P),
        "BINANCE_TESTNET_API_SECRET": ("BINANCE", Means.SECRET, _P),
        "BINANCE_TESTNET_SECRET_KEY": ("BINANCE", Means.SECRET, _P),
        "BYBIT_TESTNET_API_KEY": ("BYBIT", Means.KEY, _P),
        "BYBIT_TESTNET_API_SECRET": ("BYBIT", Means.SECRET, _P),
        "BYBIT_DEMO_API_KEY": ("BYBIT", Means.KEY, _P),
        "BYBIT_DEMO_API_SECRET": ("BYBIT", Means.SECRET, _P),
    }
)

# Names that belong to whatever venue the file names in one of `CHOICE`.
CHOICE = (
    "BROKER_CODE",
    "BROKER",
    "BROKER_NAME",
    "BROKER_TYPE",
    "TRADING_BROKER",
    "DEFAULT_BROKER",
    "PREFERRED_BROKER",
    "EXCHANGE",
)
_GENERIC: Names = {
    Means.KEY: ("API_KEY", "API_KEY_ID", "KEY_ID", "ACCESS_TOKEN", "API_TOKEN", "BROKER_API_KEY"),
    Means.SECRET: ("API_SECRET", "SECRET_KEY", "API_SECRET_KEY", "BROKER_API_SECRET", "BROKER_SECRET_KEY"),
    Means.ACCOUNT: ("ACCOUNT_ID", "ACCOUNT_NUMBER", "BROKER_ACCOUNT_ID", "BROKER_ACCOUNT_NUMBER"),
    Means.USER: ("BROKER_USERNAME", "BROKER_USER"),
    Means.PASSWORD: ("BROKER_PASSWORD",),
    Means.URL: ("BASE_URL", "API_BASE_URL", "API_URL", "BROKER_BASE_URL", "BROKER_URL"),
    Means.HOST: ("BROKER_HOST",),
    Means.PORT: ("BROKER_PORT",),
    Means.PAPER: ("PAPER", "PAPER_TRADING", "IS_PAPER", "USE_PAPER", "PAPER_TRADE", "TESTNET", "SANDBOX"),
    Means.PLACE: ("TRADING_MODE", "TRADING_ENV", "BROKER_ENV", "BROKER_ENVIRONMENT", "ACCOUNT_TYPE"),
}  # fmt: skip

_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "INTERACTIVEBROKERS": "IBKR", "IB": "IBKR", "TWS": "IBKR", "INTERACTIVEBROKERSREST": "IBKR_WEB", "IBKRWEB": "IBKR_WEB",
        "MASSIVE": "POLYGON", "BINANCEUS": "BINANCE", **{code.replace("_", ""): code for code in _TABLE},
    }
)  # fmt: skip
PLACES: Mapping[str, Environment] = MappingProxyType(
    {
        **dict.fromkeys(("paper", "practice", "sandbox", "demo", "testnet", "test", "fxpractice", "papertrading"), _P),
        **dict.fromkeys(("live", "real", "production", "prod", "mainnet", "trade", "fxtrade"), _L),
    }
)
YES = frozenset({"1", "true", "yes", "on", "y", "t"})
NO = frozenset({"0", "false", "no", "off", "n", "f"})
# Origins of venues whose adapter cannot be asked.
HOSTS: Mapping[str, Environment] = MappingProxyType(
    {
        "paper-api.alpaca.markets": _P, "api.alpaca.markets": _L, "sandbox.tradier.com": _P, "api.tradier.com": _L,
        "testnet.binance.vision": _P, "api.binance.com": _L, "api-testnet.bybit.com": _P, "api-demo.bybit.com": _P,
        "api.bybit.com": _L, "api-fxpractice.oanda.com": _P, "api-fxtrade.oanda.com": _L, "api.kraken.com": _L,
    }
)  # fmt: skip
PORTS: Mapping[str, Environment] = MappingProxyType({"7497": _P, "4002": _P, "7496": _L, "4001": _L})
# Who a name seems to belong to when the table does not know it: it is better named than passed over.
_FAMILY = re.compile(r"(?:[A-Z0-9]+_)*(?:" + "|".join(("APCA", "MASSIVE", "IB", "TWS", *_TABLE)) + r")_[A-Z0-9_]+")


def venue_of(word: str) -> str | None:
    """The broker that a word means, however it is spelled: `Interactive Brokers`, `ib`, `alpaca`."""
    return _SPELLINGS.get(re.sub(r"[^A-Z0-9]", "", word.upper()))


def meaning_of(name: str, chosen: str | None) -> tuple[str, Means, Environment | None] | str:
    """Venue, meaning and environment of a name; else why it is passed over.  `chosen` is the venue of generic names."""
    if name in _PLACED:
        return _PLACED[name]
    for venue, names in _TABLE.items():
        for means, spellings in names.items():
            if name in spellings:
                return venue, means, None
    for means, spellings in _GENERIC.items():
        if name in spellings:
            return (chosen, means, None) if chosen else "it does not say of which venue; name it: BROKER=..."
    if _FAMILY.fullmatch(name):
        return "a name that is not known: if it is a credential, give it with floorbroker broker add"
    return "not a credential of a venue"


def known_names() -> frozenset[str]:
    """Every old name that is understood."""
    tables = (names for table in (*_TABLE.values(), _GENERIC) for names in table.values())
    return frozenset({*_PLACED, *CHOICE, *(name for names in tables for name in names)})
