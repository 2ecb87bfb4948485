"""The trade socket: sign in once, then create, amend and cancel, singly or in batches.

https://bybit-exchange.github.io/docs/v5/websocket/trade/guideline
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec

from floorbroker_sim.bybit import auth, errors, info
from floorbroker_sim.bybit.errors import Refused
from floorbroker_sim.bybit.limits import Counter
from floorbroker_sim.bybit.mapping import ms, ms_text
from floorbroker_sim.bybit.rest import commands
from floorbroker_sim.bybit.rest.state import State
from floorbroker_sim.bybit.stream.sockets import Message, Socket, args_of, decoded
from floorbroker_sim.faults import Fault
from floorbroker_sim.http import Command

PATH_OF: Mapping[str, str] = {
    f"order.{word}": f"/v5/order/{word}"
    for word in ("create", "amend", "cancel", "create-batch", "amend-batch", "cancel-batch")
}
_BAD_OP, _AGAIN, _SAME_REQUEST = 10404, 20001, 20006


class TradeSocket(Socket):
    """One client that sends orders.  The session is signed, the orders are not; each carries its time."""

    def __init__(self, state: State, counter: Counter, *, active_s: int | None = None) -> None:
        super().__init__(state, active_s=active_s)
        self._counter = counter
        self._knows_him = False
        self._req_ids: set[str] = set()

    def bad_message(self) -> None:
        self._answer({}, "", errors.PARAMETER, "params error: bad request")

    def command(self, data: bytes | str) -> Command | None:
        """An order command, for the request log and fault plans: `/order.create` and the client's id."""
        message = decoded(data)
        op = "" if message is None else str(message.get("op") or "")
        if message is None or op not in PATH_OF:
            return None
        item = next(iter(args_of(message)), None)
        link_id = cast("Message", item).get("orderLinkId") if isinstance(item, dict) else None
        return Command(f"/{op}", link_id if isinstance(link_id, str) else None)

    def refuse(self, fault: Fault, data: bytes | str) -> None:
        """A scripted fault in the words of this socket."""
        message = decoded(data) or {}
        refused = errors.socket_fault(fault)
        self._answer(message, str(message.get("op") or ""), refused.code, refused.message)

    def asked(self, message: Message) -> None:
        op = str(message.get("op") or "")
        if op == "ping":
            pong = {"retCode": 0, "retMsg": "OK", "op": "pong", "data": [ms_text(self.state.clock.now())]}
            self.send(_echo(message) | pong | {"connId": self.conn_id})
        elif op == "auth":
            self._sign_in(message)
        elif op not in PATH_OF:
            self._answer(message, op, _BAD_OP, f"op type is not found, op:{op}")
        else:
            self._command(message, op)

    def _sign_in(self, message: Message) -> None:
        code, text = 0, "OK"
        try:
            self._check_key(message)
        except Refused as refused:
            code, text = refused.code, refused.message
        self.send(_echo(message) | {"retCode": code, "retMsg": text, "op": "auth", "connId": self.conn_id})

    def _check_key(self, message: Message) -> None:
        if self._knows_him:
            raise Refused(_AGAIN, "Repeat auth")
        auth.check_socket(args_of(message), self.state.keys, now_ms=ms(self.state.clock.now()))
        self._knows_him = True

    def _command(self, message: Message, op: str) -> None:
        try:
            body = self._checked(message)
        except Refused as refused:
            self._answer(message, op, refused.code, refused.message)
            return
        done = commands.run(self.state, self._counter, PATH_OF[op], body)
        self._answer(
            message, op, done.code, done.message, result=done.result, extra=done.extra, limits=done.headers
        )  # fmt: skip

    def _checked(self, message: Message) -> bytes:
        """The one item of `args`.  Raises `Refused`."""
        if not self._knows_him:
            raise Refused(errors.AUTH_FAILED, "User authentication failed.")
        if self.state.keys.read_only:
            raise errors.no_permission()
        self._take_req_id(message.get("reqId"))
        header = message.get("header")
        stamps: Message = cast("Message", header) if isinstance(header, dict) else {}
        now_ms = ms(self.state.clock.now())
        auth.check_time(stamps.get("X-BAPI-TIMESTAMP"), stamps.get("X-BAPI-RECV-WINDOW"), now_ms=now_ms)
        args = args_of(message)
        if len(args) != 1:
            raise errors.parameter("params error: args must have one item")
        return msgspec.json.encode(args[0])

    def _take_req_id(self, req_id: object) -> None:
        """At most 36 signs, once a session."""
        if req_id is None or req_id == "":
            return
        name = str(req_id)
        if not isinstance(req_id, str | int) or len(name) > info.MAX_REQ_ID:
            raise errors.parameter("params error: reqId invalid")
        if name in self._req_ids:
            raise Refused(_SAME_REQUEST, "duplicate reqId")
        self._req_ids.add(name)

    def _answer(
        self,
        message: Message,
        op: str,
        code: int,
        text: str,
        *,
        result: Mapping[str, object] | None = None,
        extra: Mapping[str, object] | None = None,
        limits: Mapping[str, str] | None = None,
    ) -> None:
        header = {"Traceid": f"{self.state.next_frame():032x}", "Timenow": ms_text(self.state.clock.now())}
        told: dict[str, object] = {
            "retCode": code, "retMsg": text, "op": op, "data": result or {}, "retExtInfo": extra or {},
            "header": {**(limits or {}), **header}, "connId": self.conn_id,
        }  # fmt: skip
        self.send(_echo(message) | told)


def _echo(message: Message) -> dict[str, object]:
    """The client's own number, in the type it came in."""
    return {"reqId": message["reqId"]} if "reqId" in message else {}
