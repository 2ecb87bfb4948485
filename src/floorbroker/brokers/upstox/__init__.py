"""Upstox: Indian shares on NSE and BSE over REST, order events and market data by WebSocket, a log-in each day."""

from typing import TYPE_CHECKING

from floorbroker.brokers.late import late
from floorbroker.brokers.upstox.info import INFO, Options, Origins, hosts_for, options_from, origins_for

if TYPE_CHECKING:
    from floorbroker.brokers.upstox.adapter import UpstoxBroker, build, build_log_in
    from floorbroker.brokers.upstox.auth import Credentials, sign
    from floorbroker.brokers.upstox.limits import limits_for, read_limits

__all__ = [
    "INFO",
    "Credentials",
    "Options",
    "Origins",
    "UpstoxBroker",
    "build",
    "build_log_in",
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
        "UpstoxBroker",
        "build",
        "build_log_in",
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
