"""Streams without a socket: the private one, market data, and order commands over the WebSocket API."""

from __future__ import annotations

from floorbroker.brokers.binance.stream.replay import replay_session, snapshot_from

__all__ = ["replay_session", "snapshot_from"]
