"""Kraken: coins on its spot market, over REST and WebSocket v2."""

from typing import TYPE_CHECKING

from floorbroker.brokers.kraken.info import INFO, Options, Origins, hosts_for, options_from, origins_for
from floorbroker.brokers.late import late

if TYPE_CHECKING:
    from floorbroker.brokers.kraken.adapter import KrakenBroker, build
    from floorbroker.brokers.kraken.auth import Credentials, Nonces, sign
    from floorbroker.brokers.kraken.limits import limits_for

__all__ = [
    "INFO",
    "Credentials",
    "KrakenBroker",
    "Nonces",
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
        "KrakenBroker",
        "build",
    ),
    auth=(
        "Credentials",
        "Nonces",
        "sign",
    ),
    limits=("limits_for",),
)
