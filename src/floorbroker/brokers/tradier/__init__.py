"""Tradier: US shares and options over REST, order events by polling, market data by WebSocket."""

from typing import TYPE_CHECKING

from floorbroker.brokers.late import late
from floorbroker.brokers.tradier.info import INFO, Options, Origins, hosts_for, options_from, origins_for

if TYPE_CHECKING:
    from floorbroker.brokers.tradier.adapter import TradierBroker, build
    from floorbroker.brokers.tradier.auth import Credentials, sign
    from floorbroker.brokers.tradier.limits import limits_for, read_limits

__all__ = [
    "INFO",
    "Credentials",
    "Options",
    "Origins",
    "TradierBroker",
    "build",
    "hosts_for",
    "limits_for",
    "options_from",
    "origins_for",
    "read_limits",
    "sign",
]

__getattr__ = late(
    __name__,
    adapter=(
        "TradierBroker",
        "build",
    ),
    auth=(
        "Credentials",
        "sign",
    ),
    limits=(
        "limits_for",
        "read_limits",
    ),
)
