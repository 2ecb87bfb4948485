"""The private stream: executions of our orders, and movements of the account.

    -> {"method":"subscribe","params":{"channel":"executions","token":"...","snap_orders":true,...},"req_id":1}
    <- {"method":"subscribe","result":{"channel":"executions",...},"success":true}      now the stream is up
    <- {"channel":"executions","type":"snapshot","data":[...],"sequence":1}
    <- {"channel":"executions","type":"update","data":[...],"sequence":2}

Each channel counts its messages; one that is missing cannot be had again, so the connection begins anew, with a new token, and
who hears `Up` compares with orders and fills.  With `dead_man_s` the session winds the venue's timer while it is up: when we
fall silent, the venue cancels every order of the account.
Documents: docs.kraken.com/exchange/api-reference/spot-websocket-v2 (executions, balances, cancel_after).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.errors import row_of
from floorbroker.brokers.kraken.mapping.account import Traded
from floorbroker.brokers.kraken.mapping.executions import Ledger, execution_report
from floorbroker.brokers.kraken.mapping.identity import KrakenIdentity
from floorbroker.brokers.kraken.mapping.symbols import asset_of
from floorbroker.brokers.kraken.mapping.values import number, text, word
from floorbroker.brokers.kraken.stream.pulse import ANSWER_S, Pulse, request
from floorbroker.domain.errors import ApiError, AuthenticationFailed
from floorbroker.domain.ports import Log
from floorbroker.domain.secret import Secret
from floorbroker.transport.actions import Action, Emit, Reconnect, Send
from floorbroker.transport.private import Denied, OrderEvent, Up

Actions = Sequence[Action[OrderEvent]]

EXECUTIONS, BALANCES = "executions", "balances"
DEAD_MAN = "cancel_all_orders_after"
_MAINTENANCE_MARGIN_S = 60  # beyond the timer's own length
_EXECUTIONS_ID, _BALANCES_ID, _DEAD_MAN_ID = 1, 2, 3
_WINDINGS = 4  # of the timer within its own time
_WINDING_MAX_S = 15.0
_ONLINE = "online"
_OUTGOING = frozenset({"withdrawal", "transfer"})


class OrderSession:
    """`Session` of the private socket.  `use` hands it the token of the next connection; `system` is the venue's last word."""

    def __init__(
        self,
        traded: Traded | None = None,
        *,
        log: Log,
        dead_man_s: int = 0,
        shuts_in_s: Callable[[float], bool] = lambda _: False,
    ) -> None:
        """`traded` hears of trades, which tell where the position of a coin is.

        `shuts_in_s` says whether planned maintenance is on, or begins within so many seconds: the timer is stopped in time.
        """
        self._traded = traded
        self._log = log
        self._dead_man_s = dead_man_s
        self._shuts = shuts_in_s
        self._is_armed = dead_man_s > 0  # as far as is known: a life before this one may have wound it
        self._identity = KrakenIdentity()
        self._ledger = Ledger()
        self._token = Secret("")
        self._pulse = Pulse()
        self._sequences: dict[str, int] = {}
        self._asked_s: float | None = None
        self._wound_s: float | None = None
        self._winding_s: float | None = None
        self._is_stopping = False
        self._is_up = False
        self.system = _ONLINE

    def use(self, token: Secret) -> None:
        """The token of the connection about to be opened."""
        self._token = token

    def on_open(self, now_s: float) -> Actions:
        self._is_up = False
        self._sequences.clear()
        self._asked_s, self._wound_s, self._winding_s = now_s, None, None
        self._pulse.hear(now_s)
        executions = {"channel": EXECUTIONS, "snap_orders": True, "snap_trades": True, "order_status": True}
        balances = {"channel": BALANCES, "snapshot": True}
        return [
            Send(request("subscribe", executions | {"token": self._token.reveal()}, _EXECUTIONS_ID)),
            Send(request("subscribe", balances | {"token": self._token.reveal()}, _BALANCES_ID)),
        ]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self._pulse.hear(now_s)
        try:
            message = wire.decode(frame, wire.Frame, what="a stream message")
            if message.method is not None:
                return self._on_method(message, now_s)
            return self._on_channel(message, at)
        except ApiError as error:
            # It may have been about an order: the comparison after the reconnect finds out.
            return [Reconnect(error.detail)]

    def on_tick(self, now_s: float) -> Actions:
        if self._asked_s is not None and now_s - self._asked_s > ANSWER_S:
            return [Reconnect("the venue does not answer on the stream")]
        if self._winding_s is not None and now_s - self._winding_s > ANSWER_S:
            return [Reconnect("the venue does not wind its timer")]
        return [*self._wind(now_s), *self._pulse.watch(now_s)]

    # -- answers ----------------------------------------------------------------------------------------------------------

    def _on_method(self, message: wire.Frame, now_s: float) -> Actions:
        if message.method == DEAD_MAN:
            return self._on_wound(message)
        if message.method != "subscribe":
            return []
        if message.success is False:
            return self._on_refusal(message)
        told = wire.decode(message.result or b"{}", wire.Subscribed, what="an answer")
        if told.channel != EXECUTIONS or self._is_up:
            return []
        self._is_up, self._asked_s = True, None
        return [Emit(Up()), *self._wind(now_s)]

    def _on_refusal(self, message: wire.Frame) -> Actions:
        said = (message.error or "")[:200]
        if said.startswith("Already subscribed"):
            return []
        if message.req_id == _BALANCES_ID:
            self._log.warning("stream.balances_refused", text=said)
            return []
        row = row_of(said)
        if row is not None and row.error is AuthenticationFailed:
            return [Emit(Denied(f"the venue does not accept the key on the stream: {said}"))]
        return [Reconnect(f"the stream says {said}")]  # a token that is too old: the next connection has a new one

    def _wind(self, now_s: float) -> Actions:
        """The timer begins anew, well before its time is over."""
        every_s = min(self._dead_man_s / _WINDINGS, _WINDING_MAX_S)
        is_due = self._wound_s is None or now_s - self._wound_s >= every_s
        if not self._dead_man_s or not self._is_up or not is_due:
            return []
        if self._shuts(self._dead_man_s + _MAINTENANCE_MARGIN_S):
            return self._stop(now_s)
        self._is_armed = True
        return self._set(self._dead_man_s, now_s)

    def _stop(self, now_s: float) -> Actions:
        """Before planned maintenance: the venue's silence is not ours, and must not cancel anything."""
        if not self._is_armed:
            return []
        self._log.info("dead_man.stopped", reason="planned maintenance")
        return self._set(0, now_s)

    def _set(self, timeout_s: int, now_s: float) -> Actions:
        self._wound_s = now_s
        self._winding_s = now_s if self._winding_s is None else self._winding_s
        self._is_stopping = timeout_s == 0
        params = {"timeout": timeout_s, "token": self._token.reveal()}
        return [Send(request(DEAD_MAN, params, _DEAD_MAN_ID))]

    def _on_wound(self, message: wire.Frame) -> Actions:
        """Without the timer nothing is sent: a refusal takes the stream down, and the profile with it."""
        self._winding_s = None
        if message.success is False:
            return [Reconnect(f"the venue does not wind its timer: {(message.error or '')[:200]}")]
        self._is_armed = self._is_armed and not self._is_stopping
        return []

    # -- data -------------------------------------------------------------------------------------------------------------

    def _on_channel(self, message: wire.Frame, at: datetime) -> Actions:
        if message.channel == "status":
            self._on_status(wire.decode(message.data, list[wire.Status], what="the status"))
        if message.channel not in (EXECUTIONS, BALANCES):
            return []
        if message.sequence is not None and (odd := self._count(message.channel, message.sequence)) is not None:
            return odd
        is_snapshot = message.type == "snapshot"
        if message.channel == BALANCES:
            self._on_balances(
                wire.decode(message.data, list[wire.BalanceItem], what="a balance"), is_snapshot=is_snapshot
            )
            return []
        events = wire.decode(message.data, list[wire.Execution], what="an execution")
        return [action for event in events for action in self._told(event, at, is_snapshot=is_snapshot)]

    def _on_status(self, told: list[wire.Status]) -> None:
        """In maintenance, and while only cancels are taken, orders are refused: whoever looks at the profile sees why."""
        for status in told:
            if status.system != self.system:
                self._log.warning("system.status", system=word(status.system), before=self.system)
            self.system = word(status.system)

    def _count(self, channel: str, sequence: int) -> Actions | None:
        """None for the message that comes next; nothing for one that came before; a new connection after a gap."""
        last = self._sequences.get(channel)
        if last is not None and sequence <= last:
            return []
        if last is not None and sequence != last + 1:
            return [Reconnect(f"the stream lost messages of {channel}")]
        self._sequences[channel] = sequence
        return None

    def _told(self, event: wire.Execution, at: datetime, *, is_snapshot: bool) -> Actions:
        """Past trades in a snapshot are told of where they are of an order that is open, or of ours."""
        if is_snapshot and event.exec_type == "trade":
            if not self._ledger.knows(event.order_id) and self._identity.decode(event.cl_ord_id or "") is None:
                return []
            report = execution_report(self._ledger.past(event), at)
        else:
            report = execution_report(self._ledger.whole(event), at)
        if self._traded is not None:
            self._traded.hear([report])
        return [Emit(report)]

    def _on_balances(self, items: list[wire.BalanceItem], *, is_snapshot: bool) -> None:
        """What leaves the account without a trade is told to people."""
        for item in items:
            if is_snapshot or item.type not in _OUTGOING:
                continue
            amount = number(item.amount, what="an amount")
            self._log.warning(
                "account.moved",
                what=word(item.type),
                asset=asset_of(item.asset).name[:32],
                amount="" if amount is None else text(amount),
            )
