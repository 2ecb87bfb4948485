"""The control door: the venue's truth for oracles, and the hands that move prices, time, fills and faults.  Loopback only.

Every answer is JSON with numbers as text; every refusal is `application/problem+json` and names the field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, cast

import msgspec

from floorbroker.domain.values import NotExact, decimal_of, time_text
from floorbroker_sim.faults import BadFault, FaultPlan, read_faults
from floorbroker_sim.gate import Receive, Scope, Seen, Send, lifespan, read_body, send_reply
from floorbroker_sim.http import Reply, Request, json_reply, problem, request_of

Route = Callable[[Request], Reply]

_MAX_SPAN_S = Decimal(60 * 60 * 24 * 3660)


class Impossible(ValueError):
    """A hand that cannot be played; `field` names what is wrong with it."""

    def __init__(self, field: str, reason: str, *, status: int = 422) -> None:
        super().__init__(reason)
        self.field = field
        self.status = status


class Truth(Protocol):
    """What a venue lets the control door see and do.  Symbols are canonical."""

    def orders(self) -> list[dict[str, str | None]]: ...
    def fills(self) -> list[dict[str, str | None]]: ...
    def positions(self) -> list[dict[str, str | None]]: ...
    def set_price(self, symbol: str, bid: Decimal, ask: Decimal, last: Decimal | None) -> None: ...
    def force_fill(self, order: str, qty: Decimal, price: Decimal) -> None: ...
    def bust(self, exec_id: str) -> None: ...
    def correct(self, exec_id: str, qty: Decimal, price: Decimal) -> None: ...
    def now(self) -> datetime: ...
    def move_clock(self, moment: datetime) -> None: ...
    def reset(self) -> None: ...


class Log(Protocol):
    """Whoever counts the requests that reached the venue."""

    seen: list[Seen]


class ControlDoor:
    """ASGI.  `routes` are what one venue has besides, by method and path; they refuse with `Impossible` too."""

    def __init__(
        self, truth: Truth, *, gate: Log, plan: FaultPlan, routes: Mapping[tuple[str, str], Route] | None = None
    ) -> None:
        self._truth = truth
        self._gate = gate
        self._plan = plan
        self._routes: dict[tuple[str, str], Route] = {
            ("GET", "/orders"): lambda _: json_reply(truth.orders()),
            ("GET", "/fills"): lambda _: json_reply(truth.fills()),
            ("GET", "/positions"): lambda _: json_reply(truth.positions()),
            ("GET", "/requests"): lambda _: json_reply([_seen(entry) for entry in gate.seen]),
            ("GET", "/clock"): lambda _: self._clock(),
            ("POST", "/price"): self._price,
            ("POST", "/fill"): self._fill,
            ("POST", "/busts"): self._bust,
            ("POST", "/corrections"): self._correct,
            ("POST", "/clock"): self._move,
            ("POST", "/reset"): self._reset,
            ("POST", "/faults"): self._faults,
            **(routes or {}),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            request = request_of(scope, await read_body(receive))
            await send_reply(send, self.handle(request))

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        route = self._routes.get((request.method, request.path.rstrip("/") or "/"))
        if route is None:
            return problem(404, "not_found", f"the control door has no {request.method} {request.path}")
        try:
            return route(request)
        except Impossible as error:
            return problem(error.status, "invalid_request", str(error), field_name=error.field)
        except BadFault as error:
            return problem(422, "invalid_request", str(error), field_name=error.field)

    def _clock(self) -> Reply:
        return json_reply({"now": time_text(self._truth.now())})

    def _price(self, request: Request) -> Reply:
        fields = fields_of(request, {"symbol", "bid", "ask", "last"})
        bid, ask = positive_in(fields, "bid"), positive_in(fields, "ask")
        if ask < bid:
            raise Impossible("ask", "the ask must not be below the bid")
        last = positive_in(fields, "last") if fields.get("last") is not None else None
        self._truth.set_price(text_in(fields, "symbol"), bid, ask, last)
        return Reply(status=204)

    def _fill(self, request: Request) -> Reply:
        fields = fields_of(request, {"order", "qty", "price"})
        self._truth.force_fill(text_in(fields, "order"), positive_in(fields, "qty"), positive_in(fields, "price"))
        return Reply(status=204)

    def _bust(self, request: Request) -> Reply:
        self._truth.bust(text_in(fields_of(request, {"exec"}), "exec"))
        return Reply(status=204)

    def _correct(self, request: Request) -> Reply:
        fields = fields_of(request, {"exec", "qty", "price"})
        self._truth.correct(text_in(fields, "exec"), positive_in(fields, "qty"), positive_in(fields, "price"))
        return Reply(status=204)

    def _move(self, request: Request) -> Reply:
        fields = fields_of(request, {"now", "advance_s"})
        if ("now" in fields) == ("advance_s" in fields):
            raise Impossible("now", "exactly one of now and advance_s is needed")
        before = self._truth.now()
        if "advance_s" in fields:
            seconds = _number(fields, "advance_s")
            if not 0 <= seconds <= _MAX_SPAN_S:
                raise Impossible("advance_s", "the clock goes forward, ten years at most")
            moment = before + timedelta(microseconds=int(seconds * 1_000_000))
        else:
            moment = _time(text_in(fields, "now"))
            if moment < before:
                raise Impossible("now", f"the clock does not go back; it is {time_text(before)}")
            if (moment - before).total_seconds() > _MAX_SPAN_S:
                raise Impossible("now", "the clock goes forward, ten years at most")
        self._truth.move_clock(moment)
        return self._clock()

    def _reset(self, request: Request) -> Reply:
        self._truth.reset()
        self._plan.replace([])
        self._gate.seen.clear()
        return Reply(status=204)

    def _faults(self, request: Request) -> Reply:
        self._plan.replace(read_faults(request.body), at=self._truth.now())
        return json_reply({"faults": len(self._plan.faults)})


def _seen(entry: Seen) -> dict[str, object]:
    return {
        "n": entry.n,
        "method": entry.method,
        "path": entry.path,
        "at": time_text(entry.at),
        "status": entry.status,
        "client": entry.client,
    }


# --- Reading bodies --------------------------------------------------------------------------------------------------


def fields_of(request: Request, known: set[str]) -> Mapping[str, object]:
    """The members of a JSON body.  Raises `Impossible` for anything else, and for members that are not known."""
    try:
        value: Any = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Impossible("body", f"the body is not JSON: {error}", status=400) from error
    if not isinstance(value, dict):
        raise Impossible("body", "the body is an object")
    fields = cast("dict[str, object]", value)
    for name in fields:
        if name not in known:
            raise Impossible(name, "unknown field")
    return fields


def text_in(fields: Mapping[str, object], name: str) -> str:
    """A text that is there.  Raises `Impossible`."""
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Impossible(name, "a text is needed")
    return value


def _number(fields: Mapping[str, object], name: str) -> Decimal:
    value = fields.get(name)
    if isinstance(value, float) and name.endswith("_s"):
        value = repr(value)
    if not isinstance(value, str | int):
        raise Impossible(name, "a number written as text is needed")
    try:
        return decimal_of(value)
    except NotExact as error:
        raise Impossible(name, str(error)) from error


def positive_in(fields: Mapping[str, object], name: str) -> Decimal:
    """A positive number written as text.  Raises `Impossible`."""
    value = _number(fields, name)
    if value <= 0:
        raise Impossible(name, "a positive number is needed")
    return value


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Impossible("now", "a time in RFC 3339 is needed") from error
    if moment.tzinfo is None:
        raise Impossible("now", "a time needs its zone")
    return in_utc
