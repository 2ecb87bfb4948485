"""The stream of transactions: one a line, and every five seconds a heartbeat that names the last one.

    -> GET /v3/accounts/{a}/transactions/stream
    <- {"type":"LIMIT_ORDER","id":"11",...}
    <- {"type":"HEARTBEAT","lastTransactionID":"11","time":"..."}

There is no replay: what happened before a connection is read from the log.  Numbers rise by one, so a number that is left out,
or a heartbeat that names one we have not seen, is a lost event: the stream is opened anew, and what follows every opening reads
the log.
Document: developer.oanda.com/rest-live-v20/transaction-ep.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping.reports import Heard, Reader
from floorbroker.brokers.oanda.mapping.values import number_of
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.transport.actions import Action, Emit, Reconnect
from floorbroker.transport.private import OrderEvent, Up

PATH = "/v3/accounts/{account}/transactions/stream"
HEARTBEAT = "HEARTBEAT"
SILENCE_S = 10.0

Actions = Sequence[Action[OrderEvent]]


class TransactionSession:
    """`Session` of the stream; the reader is the account's."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._heard_s: float | None = None
        self._last: int | None = None

    def on_open(self, now_s: float) -> Actions:
        """The venue has answered with 200: what happens from now on is told."""
        self._heard_s, self._last = now_s, None
        return [Emit(Up())]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self._heard_s = now_s
        try:
            return self._on_entry(wire.decode(frame, wire.Transaction, what="a line of the stream"), at)
        except ApiError:
            return self._on_heartbeat(frame)

    def on_tick(self, now_s: float) -> Actions:
        if self._heard_s is not None and now_s - self._heard_s > SILENCE_S:
            return [Reconnect("the stream of transactions is silent")]
        return []

    def _on_entry(self, entry: wire.Transaction, at: datetime) -> Actions:
        number = number_of(entry.id)
        if self._last is not None and number > self._last + 1:
            return [Reconnect(f"transaction {self._last + 1} did not come")]
        self._last = max(number, self._last or 0)
        try:
            reports = self._reader.read(entry, Heard(source=Source.STREAM, at=at))
        except ApiError as error:
            # It may have been about an order: the comparison after the reconnect finds out.
            return [Reconnect(error.detail)]
        return [Emit(report) for report in reports]

    def _on_heartbeat(self, frame: bytes) -> Actions:
        try:
            beat = wire.decode(frame, wire.Heartbeat, what="a line of the stream")
            if beat.type != HEARTBEAT:
                return [Reconnect("a line of the stream is neither a transaction nor a heartbeat")]
            last = number_of(beat.last_transaction_id)
        except ApiError as error:
            return [Reconnect(error.detail)]
        if self._last is not None and last > self._last:
            return [Reconnect(f"transaction {last} did not come")]
        self._last = last
        return []
