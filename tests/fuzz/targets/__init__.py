"""The list of targets: one line each."""

from __future__ import annotations

from tests.fuzz.target import Target
from tests.fuzz.targets import (
    alpaca_data,
    alpaca_events,
    alpaca_replies,
    alpaca_updates,
    audit,
    binance_data,
    binance_events,
    binance_orders,
    binance_replies,
    bybit,
    control_door,
    http_reply,
    journal,
    kraken,
    rest_body,
    settings,
    vault,
)

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        alpaca_replies.TARGET,
        alpaca_updates.TARGET,
        alpaca_data.TARGET,
        alpaca_events.TARGET,
        binance_replies.TARGET,
        binance_events.TARGET,
        binance_data.TARGET,
        http_reply.TARGET,
        rest_body.TARGET,
        journal.TARGET,
        control_door.TARGET,
        settings.TARGET,
        audit.TARGET,
        vault.TARGET,
        binance_orders.TARGET,
        *bybit.TARGETS,
        *kraken.TARGETS,
    )
}
