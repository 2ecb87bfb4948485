"""Binance spot: coins over REST, the WebSocket API and market streams."""

from typing import TYPE_CHECKING

from floorbroker.brokers.binance.info import INFO, Options, Origins, hosts_for, options_from, origins_for
from floorbroker.brokers.late import late

if TYPE_CHECKING:
    from floorbroker.brokers.binance.adapter import BinanceBroker, build
    from floorbroker.brokers.binance.auth import Credentials, sign
    from floorbroker.brokers.binance.limits import LIMITS
    from floorbroker.brokers.binance.stream import replay_session, snapshot_from

__all__ = [
    "INFO",
    "LIMITS",
    "BinanceBroker",
    "Credentials",
    "Options",
    "Origins",
    "build",
    "hosts_for",
    "options_from",
    "origins_for",
    "replay_session",
    "sign",
    "snapshot_from",
]

__getattr__ = late(
    __name__,
    adapter=(
        "BinanceBroker",
        "build",
    ),
    auth=(
        "Credentials",
        "sign",
    ),
    limits=("LIMITS",),
    stream=(
        "replay_session",
        "snapshot_from",
    ),
)
