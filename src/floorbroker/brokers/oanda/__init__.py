"""OANDA v20: currencies and metals over REST, transactions and prices by streams of lines."""

from typing import TYPE_CHECKING

from floorbroker.brokers.late import late
from floorbroker.brokers.oanda.info import INFO, Options, Origins, hosts_for, options_from, origins_for

if TYPE_CHECKING:
    from floorbroker.brokers.oanda.adapter import OandaBroker, build
    from floorbroker.brokers.oanda.auth import Credentials, sign
    from floorbroker.brokers.oanda.limits import LIMITS

__all__ = [
    "INFO",
    "LIMITS",
    "Credentials",
    "OandaBroker",
    "Options",
    "Origins",
    "build",
    "hosts_for",
    "options_from",
    "origins_for",
    "sign",
]

__getattr__ = late(
    __name__,
    adapter=(
        "OandaBroker",
        "build",
    ),
    auth=(
        "Credentials",
        "sign",
    ),
    limits=("LIMITS",),
)
