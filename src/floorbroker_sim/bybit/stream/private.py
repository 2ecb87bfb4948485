"""The private socket: sign in, subscribe, and hear of orders, executions, positions and the wallet.  It starts silent.

https://bybit-exchange.github.io/docs/v5/websocket/private/order
"""

from __future__ import annotations

from floorbroker_sim.bybit import auth, info, wire
from floorbroker_sim.bybit.errors import Refused
from floorbroker_sim.bybit.mapping import ms, ms_text
from floorbroker_sim.bybit.rest.state import State
from floorbroker_sim.bybit.stream.sockets import Message, Socket, args_of, topics_of

_WHOLE = frozenset({"order", "execution", "position", "execution.fast"})
_PARTS = frozenset(f"{topic}.{category}" for topic in _WHOLE for category in info.CATEGORIES)
_OTHER = frozenset({"wallet", "greeks", "dcp.future", "dcp.spot", "dcp.option"})
TOPICS = _WHOLE | _PARTS | _OTHER


class PrivateSocket(Socket):
    """One client of the private stream."""

    def __init__(self, state: State, *, active_s: int | None = None) -> None:
        super().__init__(state, active_s=active_s)
        self._knows_him = False
        self._topics: dict[str, None] = {}

    def opened(self) -> None:
        super().opened()
        self.state.listeners.private.append(self._on_told)

    def closed(self) -> None:
        super().closed()
        self.state.listeners.private.remove(self._on_told)

    def bad_message(self) -> None:
        self._answer({}, "", failure="error:bad request")

    def asked(self, message: Message) -> None:
        match message.get("op"):
            case "ping":
                pong = {"op": "pong", "args": [ms_text(self.state.clock.now())], "conn_id": self.conn_id}
                self.send(({"req_id": message["req_id"]} if "req_id" in message else {}) | pong)
            case "auth":
                self._sign_in(message)
            case "subscribe":
                self._subscribe(message)
            case "unsubscribe":
                for topic in topics_of(message) or []:
                    self._topics.pop(topic, None)
                self._answer(message, "unsubscribe")
            case op:
                self._answer(message, str(op or ""), failure=f"error:unknown op,op:{op}")

    def _sign_in(self, message: Message) -> None:
        try:
            auth.check_socket(args_of(message), self.state.keys, now_ms=ms(self.state.clock.now()))
        except Refused as refused:
            self._answer(message, "auth", failure=refused.message)
            return
        self._knows_him = True
        self._answer(message, "auth")

    def _subscribe(self, message: Message) -> None:
        topics = topics_of(message)
        if not self._knows_him:
            self._answer(message, "subscribe", failure="Request not authorized")
        elif topics is None or not TOPICS.issuperset(topics):
            named = next((topic for topic in topics or () if topic not in TOPICS), "")
            self._answer(message, "subscribe", failure=f"error:handler not found,topic:{named}")
        elif any(topic in topics and f"{topic}.{part}" in topics for topic in _WHOLE for part in info.CATEGORIES):
            self._answer(message, "subscribe", failure="error:topic conflict,all-in-one and categorised")
        else:
            self._topics |= dict.fromkeys(topics)
            self._answer(message, "subscribe")

    def _answer(self, message: Message, op: str, *, failure: str | None = None) -> None:
        answer: dict[str, object] = {
            "success": failure is None,
            "ret_msg": failure or "",
            "op": op,
            "conn_id": self.conn_id,
        }
        self.send(({"req_id": message["req_id"]} if "req_id" in message else {}) | answer)

    def _on_told(self, topic: str, category: str, objects: list[object]) -> None:
        for name in (topic, f"{topic}.{category}"):
            if name in self._topics:
                self._push(name, objects)
        if topic == "execution":
            for name in ("execution.fast", f"execution.fast.{category}"):
                if name in self._topics:
                    self._push(name, [_fast(told) for told in objects if isinstance(told, wire.ExecutionUpdate)])

    def _push(self, topic: str, objects: list[object]) -> None:
        now = ms(self.state.clock.now())
        self.send(
            {"id": f"{self.conn_id}-{self.state.next_frame()}", "topic": topic, "creationTime": now, "data": objects}
        )


def _fast(told: wire.ExecutionUpdate) -> wire.FastExecution:
    """Makers are told without their order's name."""
    return wire.FastExecution(
        category=told.category, symbol=told.symbol, exec_id=told.exec_id, exec_price=told.exec_price,
        exec_qty=told.exec_qty, order_id=told.order_id, is_maker=told.is_maker,
        order_link_id="" if told.is_maker else told.order_link_id, side=told.side, exec_time=told.exec_time, seq=told.seq,
    )  # fmt: skip
