"""The list of targets: one line each."""

from __future__ import annotations

from tests.fuzz.target import Target
from tests.fuzz.targets import (
    alpaca_data,
    alpaca_events,
    alpaca_replies,
    alpaca_updates,
    audit,
    binance,
    books,
    bybit,
    control_door,
    http_reply,
    ibkr,
    ibkr_web,
    journal,
    kraken,
    market_data,
    oanda,
    rest_body,
    settings,
    tradier,
    upstox,
    vault,
)

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        alpaca_replies.TARGET,
        alpaca_updates.TARGET,
        alpaca_data.TARGET,
        alpaca_events.TARGET,
        http_reply.TARGET,
        rest_body.TARGET,
        journal.TARGET,
        control_door.TARGET,
        settings.TARGET,
        audit.TARGET,
        vault.TARGET,
        *binance.TARGETS,
        *bybit.TARGETS,
        *kraken.TARGETS,
        *tradier.TARGETS,
        *oanda.TARGETS,
        *upstox.TARGETS,
        *ibkr.TARGETS,
        *ibkr_web.TARGETS,
        *market_data.TARGETS,
        books.TARGET,
    )
}
