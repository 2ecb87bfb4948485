"""Alpaca: US shares, options and coins over REST, WebSocket and server-sent events."""

from typing import TYPE_CHECKING

from floorbroker.brokers.alpaca.info import INFO, Options, Origins, hosts_for, options_from, origins_for
from floorbroker.brokers.late import late

if TYPE_CHECKING:
    from floorbroker.brokers.alpaca.adapter import AlpacaBroker, build
    from floorbroker.brokers.alpaca.auth import Credentials, sign
    from floorbroker.brokers.alpaca.limits import LIMITS, limits_for

__all__ = [
    "INFO",
    "LIMITS",
    "AlpacaBroker",
    "Credentials",
    "Options",
    "Origins",
    "build",
    "hosts_for",
    "limits_for",
    "options_from",
    "origins_for",
    "sign",
]

__getattr__ = late(
    __name__,
    adapter=(
        "AlpacaBroker",
        "build",
    ),
    auth=(
        "Credentials",
        "sign",
    ),
    limits=(
        "LIMITS",
        "limits_for",
    ),
)
