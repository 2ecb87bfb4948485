"""Bybit v5: spot pairs and linear perpetuals of one unified trading account, over REST and WebSocket."""

from typing import TYPE_CHECKING

from floorbroker.brokers.bybit.info import INFO, Options, Origins, hosts_for, options_from, origins_for
from floorbroker.brokers.late import late

if TYPE_CHECKING:
    from floorbroker.brokers.bybit.adapter import BybitBroker, build
    from floorbroker.brokers.bybit.auth import Credentials, sign
    from floorbroker.brokers.bybit.limits import LIMITS, limits_for
    from floorbroker.brokers.bybit.mapping.account import PositionSide
    from floorbroker.brokers.bybit.mapping.stops import PositionStops

__all__ = [
    "INFO",
    "LIMITS",
    "BybitBroker",
    "Credentials",
    "Options",
    "Origins",
    "PositionSide",
    "PositionStops",
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
        "BybitBroker",
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
    mapping__account=("PositionSide",),
    mapping__stops=("PositionStops",),
)
