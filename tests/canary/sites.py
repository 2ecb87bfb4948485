"""Where errors are raised: at the venue, in the journal, in the doors, in threads, in libraries; and what comes out."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import threading
import traceback
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from floorbroker.brokers.registry import build
from floorbroker.brokers.wiring import Shells, Wiring
from floorbroker.cli.failures import as_json, as_text, trouble_of
from floorbroker.cli.main import report_bug
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import FloorbrokerError, StreamLost
from floorbroker.domain.facts import Source
from floorbroker.domain.ports import NoMeter, Profile
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ExecType, OrdStatus, ProfileName
from floorbroker.gateway.desk import SessionState
from floorbroker.transport.types import ByteStream, Request, Response, Socket, SocketTarget
from tests.canary.canaries import CANARIES
from tests.canary.errors import Case
from tests.canary.house import House

READS = (
    "/api/v1/paper/quotes?symbols=AAPL",
    "/api/v1/paper/account",
    "/api/v1/paper/positions",
    "/api/v1/paper/profiles/paper/balances",
    "/api/v1/paper/risk?profile=paper",
    "/api/v1/paper/bars?symbol=AAPL&span=60",
    "/api/v1/paper/market-hours?market=XNYS",
)


async def _get(house: House, path: str) -> None:
    reply = await house.http.get(path)
    house.heard(path, f"{dict(reply.headers)} {reply.text}")


def _order(case: Case, **changed: Any) -> dict[str, Any]:
    terms = {"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "1", "limit_price": "1.50"}
    return {**terms, "client_tag": f"c{case.number}", **changed}


async def _post(house: House, case: Case, **changed: Any) -> dict[str, Any]:
    reply = await house.http.post("/api/v1/paper/orders", json=_order(case, **changed))
    house.heard("POST orders", f"{dict(reply.headers)} {reply.text}")
    return reply.json()


# -- the sites ----------------------------------------------------------------------------------------------------------------


async def a_read_of_the_adapter_fails(house: House, case: Case) -> None:
    house.broker.error = case.error()
    await _get(house, READS[case.number % len(READS)])
    house.broker.error = None


async def the_library_asks(house: House, case: Case) -> None:
    """In a program of somebody else: what it would print of what we raise."""
    house.broker.error = _foreign(case)
    try:
        await house.desk.quote("AAPL")
    except FloorbrokerError as told:
        house.heard("the library", "".join(traceback.format_exception(told)) + repr(told) + repr(vars(told)))
    house.broker.error = None


async def a_submit_fails(house: House, case: Case) -> None:
    house.broker.error = case.error()
    found = await _post(house, case)
    house.broker.error = None
    if "id" in found:
        await _get(house, f"/api/v1/paper/orders/{found['id']}/events")


async def the_journal_fails(house: House, case: Case) -> None:
    house.journal.error = case.error()
    await _post(house, case)
    house.journal.error = None


async def the_stream_tells(house: House, case: Case) -> None:
    """A resting order, and the venue's word on its private stream that it was refused."""
    order = await _post(house, case, limit_price="1.40")
    report = ExecutionReport(
        exec_type=ExecType.REJECTED,
        source=Source.STREAM,
        at=SystemClock().now(),
        ord_status=OrdStatus.REJECTED,
        cl_ord_id=order.get("cl_ord_id"),
        order_id=order.get("order_id"),
        symbol="AAPL",
        text=f"no: {case.told()}" if case.number % 2 else None,
        unrecognised=None if case.number % 2 else f"word {case.told()}",
    )
    house.session.on_report(report)
    house.session.on_stream(True, case.told())
    await house.session.ctx.writer.idle()
    await _get(house, f"/api/v1/paper/orders/{order.get('id', 'x')}")


async def a_person_pastes_a_secret(house: House, case: Case) -> None:
    """Into a reason, a symbol, a query, an unknown member, a header."""
    told = case.told()
    kill = {"level": 1, "reason": told[:200] if told.isprintable() else "x"}
    for reply in (
        await house.http.post("/api/v1/paper/orders", json={**_order(case), told: told}),
        await house.http.get("/api/v1/paper/orders", params={"status": told}),
        await house.http.get(f"/api/v1/paper/profiles/{CANARIES['API key']}/status"),
        await house.http.put("/api/v1/paper/kill-switch", json={**kill, "level": "off"}),
    ):
        problem = reply.json()
        house.heard("a refusal", problem.get("detail", "") + json.dumps(problem.get("errors", [])))


async def an_error_is_told_by_the_command_line(house: House, case: Case) -> None:
    error = case.error()
    if isinstance(error, FloorbrokerError):
        trouble = trouble_of(error)
        house.stream.write(f"{as_text(trouble)}\n{as_json(trouble)}\n")
    try:
        _raise_deep(error, case.told(), 3)
    except Exception as caught:  # noqa: BLE001 - any error is the point
        report_bug(type(caught), caught, caught.__traceback__, ["-vv", "--json"] if case.number % 2 else ["-vv"])


def _foreign(case: Case) -> Exception:
    """The error of a library or a bug: errors of ours are made of words of ours."""
    error = case.error()
    return ValueError(case.told()) if isinstance(error, FloorbrokerError) else error


def _raise_deep(error: Exception, secret_key: str, depth: int) -> None:
    if depth:
        _raise_deep(error, secret_key, depth - 1)
    raise error


async def something_fails_beside_the_desk(house: House, case: Case) -> None:
    """A thread, a finalizer, a task nobody waits for, a library's log, a warning."""
    error = case.error()
    match case.number % 5:
        case 0:
            thread = threading.Thread(target=_raise_deep, args=(error, case.told(), 2), name="worker")
            thread.start()
            thread.join()
        case 1:
            _dropped(error)
        case 2:
            asyncio.get_running_loop().call_exception_handler({"message": f"lost {case.told()}", "exception": error})
        case 3:
            logging.getLogger("uvicorn.error").error("Exception in %s", case.told(), exc_info=error)
            logging.getLogger("library").warning("%d", case.told())
        case _:
            with warnings.catch_warnings():
                warnings.simplefilter("always")
                warnings.warn(f"deprecated {case.told()}", DeprecationWarning, stacklevel=1)


class _Falling:
    def __init__(self, error: Exception) -> None:
        self._error = error

    def __del__(self) -> None:
        raise self._error


def _dropped(error: Exception) -> None:
    _Falling(error)
    gc.collect(0)


async def a_log_line_holds_it(house: House, case: Case) -> None:
    log, told, error = house.session.ctx.log, case.told(), case.error()
    log.warning("told", value=told, error=error, deep={"a": [told, {told: told.encode()}]}, pair=(told, 1))
    try:
        logging.getLogger("library").error("odd: %r", error)
    except Exception:  # noqa: BLE001 - an error whose text cannot be had
        log.error("unreadable", error=type(error).__name__)


async def the_venue_answers(house: House, case: Case) -> None:
    """The real adapter over a venue that repeats what it was sent, or breaks."""
    exchanges: list[Any] = []
    broker = build(_wiring(house, case, exchanges))
    calls: tuple[Callable[[], Awaitable[Any]], ...] = (
        broker.get_account_info,
        broker.get_positions,
        broker.get_open_orders,
        broker.cancel_all,
        lambda: broker.get_market_data("AAPL"),
        broker.self_check,
    )
    try:
        found = await calls[case.number % len(calls)]()
    except FloorbrokerError as error:
        house.heard("the library", "".join(traceback.format_exception(error)) + repr(vars(error)))
        house.session.ctx.log.warning("venue.failed", error=error)
    except Exception as error:  # noqa: BLE001 - a bug is told by whoever catches it
        house.session.ctx.log.error("venue.broke", error=error)
    else:
        house.session.ctx.log.info("venue.answered", found=found)
    house.heard("an exchange", repr(exchanges))
    await broker.disconnect()


class _Hostile:
    """All shells in one: every request is answered with what it must not be shown again."""

    def __init__(self, case: Case) -> None:
        self._case = case

    async def send(self, request: Request) -> Response:
        if self._case.number % 3 == 0:
            raise _foreign(self._case)
        told = self._case.told()
        body = {"code": 40110000, "message": f"key {told} of {dict(request.headers)} is unknown", told: told}
        headers = {"x-request-id": told, "retry-after": "0", "server": told}
        status = (401, 403, 422, 500, 200, 404)[self._case.number % 6]
        raw = json.dumps(body).encode() if self._case.number % 2 else told.encode("utf-8", "replace")
        return Response(status=status, headers=headers, body=raw)

    async def open_stream(self, request: Request) -> ByteStream:
        raise _foreign(self._case)

    async def close(self) -> None:
        """Nothing is open."""


def _wiring(house: House, case: Case, exchanges: list[Any]) -> Wiring:
    async def connect(target: SocketTarget) -> Socket:
        raise StreamLost(f"no stream at {target.url}")

    hostile = _Hostile(case)
    return Wiring(
        profile=Profile(name=ProfileName("alpaca-sim"), broker="ALPACA", environment=Environment.SIM),
        shells=Shells(http=lambda: hostile, order_http=lambda _: hostile, connect=connect),
        clock=SystemClock(),
        random=house.random,
        log=house.session.ctx.log,
        meter=NoMeter(),
        redactor=house.known,
        tap=exchanges.append,
        may_send=lambda _: None,
        state=Path("unused"),
        plain={"BROKER_URL": "http://127.0.0.1:9"},
        secrets={"BROKER_API_KEY": Secret(CANARIES["API key"]), "BROKER_SECRET_KEY": Secret(CANARIES["secret key"])},
        read_retries=0,
    )


async def the_session_says_why(house: House, case: Case) -> None:
    """Why a profile is not ready: the words of whatever failed, for as long as it lasts."""
    session, told = house.session, case.told()
    state, reason = session.state, session.reason
    session.state, session.reason = SessionState.DEGRADED, f"the session broke: {told}"
    for path in ("/api/v1/paper/profiles", "/api/v1/paper/profiles/paper/status", "/readyz", "/"):
        await _get(house, path)
    await _post(house, case)
    session.state, session.reason = state, reason


# How often each site is visited, out of a hundred: journals and threads cost more than texts.
SITES: dict[Callable[[House, Case], Awaitable[None]], int] = {
    a_read_of_the_adapter_fails: 18,
    the_library_asks: 12,
    a_submit_fails: 3,
    the_journal_fails: 3,
    the_stream_tells: 3,
    the_session_says_why: 2,
    a_person_pastes_a_secret: 3,
    an_error_is_told_by_the_command_line: 14,
    something_fails_beside_the_desk: 14,
    a_log_line_holds_it: 12,
    the_venue_answers: 16,
}
