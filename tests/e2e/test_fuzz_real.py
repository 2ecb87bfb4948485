"""Generated requests against the whole house: a real socket, a real floor, a real journal, the paper venue.

`FLOORBROKER_FUZZ_REQUESTS` says how many (`make fuzz REQUESTS=5000`).  They are asked by a person with a session, an admin among
other people; with many of them, half by the operator's token.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from starlette.types import Message, Receive, Scope, Send

from floorbroker.app.people import NewUser
from floorbroker.domain.secret import Secret
from floorbroker.gateway.desk import Caller, SessionState
from floorbroker.people.identity import EVERYWHERE, Role
from floorbroker.people.records import Session, User
from floorbroker.people.tokens import digest_of
from tests.support.people import WORDS
from tests.support.real_floor import TOKEN, House, served_in_a_thread

REQUESTS = int(os.environ.get("FLOORBROKER_FUZZ_REQUESTS", "300"))
FIXED, PER_EXAMPLE = 2500, 110  # requests that every run makes, and those of one more example of each operation
FUZZER = Caller(principal="fuzzer", via="api")
REFERENCE = "of-a-session-that-somebody-keeps-open"
BY_TOKEN = {"Authorization": f"Bearer {TOKEN}"}
BY_SESSION = {"Cookie": f"floorbroker_session={REFERENCE}", "X-Floorbroker-Request": "1"}
NO_TOKEN = "`Authorization`"  # the document names tokens alone, and a request that comes by a session needs none
STREAM_S = 0.05
# Room for thousands of orders of any size: what limits do is another test's business, and the venue must stand giants too.
NUMBERLESS = (
    *("order_qty", "order_notional", "position_qty", "position_notional", "gross_exposure", "net_exposure", "leverage"),
    *("open_orders", "open_orders_symbol", "messages_s", "messages_min"),
)
SETTINGS = {f"RISK__MAX_{name.upper()}": "1000000000000" for name in NUMBERLESS} | {
    "RISK__DUPLICATE_WINDOW_S": "0",
    "RISK__COLLAR_BPS": "1000000000000",
    "PROFILES__PAPER": '{broker = "PAPER", environment = "paper", options = {cash = "1000000000000000"}}',
}
KEYS = count()
PLACING = {f"POST /api/v1/{{env}}/orders{what}" for what in ("", "/preview", "/validate")}
MEMBERS = {
    "limit": {"limit_price"},
    "stop": {"stop_price"},
    "stop_limit": {"limit_price", "stop_price"},
    "trailing_stop": {"trail_percent"},
}


def config(seed: int, headers: dict[str, str], requests: int) -> dict[str, Any]:
    """How the fuzzer works."""
    return {
        "seed": seed,
        "headers": headers,
        "continue-on-failure": True,
        "generation": {
            "max-examples": max(2, (requests - FIXED) // PER_EXAMPLE),
            "deterministic": False,
            "database": "none",
            "with-security-parameters": headers
            is BY_TOKEN,  # a wrong token beside a right session would be all that counts
        },
        # A cancelled order stays readable.  Rules between members, limits, symbols the venue lacks and versions refuse what
        # the schema alone allows.
        "checks": {
            "use_after_free": {"enabled": False},
            "ignored_auth": {"enabled": headers is BY_TOKEN},
            "missing_required_header": {"enabled": headers is BY_TOKEN},
            "positive_data_acceptance": {
                "expected-statuses": [
                    "2xx",
                    "304",
                    "401",
                    "403",  # nobody sets up a second factor for somebody else, and a token has no sessions
                    "404",
                    "409",
                    "412",
                    "422",
                    "423",
                    "429",
                ]  # hooks have a pace
            },
        },
        "phases": {"stateful": {"enabled": True, "max-steps": 6}},
        "parameters": {"path.env": "paper"},
        "request-timeout": 30,
    }


class Counted:
    """The application, its answers counted.

    A tripped kill switch is reset, a profile that was disconnected is connected, a person who was signed out is signed in again,
    and an endless stream of events is ended.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._ada: tuple[User, Session] | None = None
        self.answers: Counter[int] = Counter()
        self.broken: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._house.app(scope, receive, send)
            return
        await self._open()
        began = asyncio.Event()

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count(message["status"], scope)
                began.set()
            await send(message)

        answering = asyncio.ensure_future(self._house.app(scope, receive, counting))
        answering.add_done_callback(lambda _: began.set())
        await began.wait()
        streams = scope["path"].endswith("/events") and "/orders/" not in scope["path"]
        await asyncio.wait([answering], timeout=STREAM_S if streams else None)
        if not answering.done():
            answering.cancel()
            await asyncio.wait([answering])
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif not answering.cancelled():
            answering.result()

    def _count(self, status: int, scope: Scope) -> None:
        self.answers[status] += 1
        if status >= 500:
            self.broken.append(f"{status} {scope['method']} {scope['path']}?{scope['query_string']!r}")

    async def _let_in(self) -> None:
        """Ada is an admin who has just proved who she is, whatever was done to her, and Grace was there."""
        people, now = self._house.people, self._house.desk.clock.now()
        if self._ada is None:
            user, _ = [
                await people.members.add(NewUser(name=name, password=Secret(WORDS), role=Role.TRADER), caller=FUZZER)
                for name in ("ada", "grace")
            ]
            assert (user.role, user.environments) == (Role.ADMIN, EVERYWHERE)
            self._ada = (
                user,
                Session(id="ada", digest=digest_of(REFERENCE), user_id=user.id, opened_at=now, used_at=now),
            )
        user, session = self._ada
        fresh = replace(session, opened_at=now, used_at=now, proved_at=now)
        if people.memory.users.get(user.id) != user:
            await people.memory.put_user(user)
        if session.digest in people.memory.sessions:
            people.memory.sessions[session.digest] = fresh
        else:
            await people.memory.put_session(fresh)

    async def _open(self) -> None:
        await self._let_in()
        desk = self._house.desk
        state = desk.kill_state()
        for profile in state.by_profile:
            await desk.reset_kill(caller=FUZZER, reason="next", profile=desk.default_profile() if profile else None)
        if state.level:
            await desk.reset_kill(caller=FUZZER, reason="next")
        for one in desk.profiles():
            if one.state is SessionState.OFFLINE:
                await desk.connect(one.profile.name, caller=FUZZER, reason="next")


def failures(event: events.EngineEvent) -> Iterator[str]:
    """What failed in one scenario, with the request that shows it."""
    if isinstance(event, events.NonFatalError | events.FatalError):
        yield str(event)
    if isinstance(event, events.ScenarioFinished):
        for case, checks in event.recorder.checks.items():
            told = event.recorder.interactions[case].request
            for check in checks:
                if check.failure_info is not None:
                    yield f"{check.name}: {told.method} {told.uri} {told.body!r}: {check.failure_info.failure}"


def map_case(context: Any, case: schemathesis.Case) -> schemathesis.Case:
    """Most bodies that the schema allows contradict themselves, and most symbols are traded nowhere: help some through."""
    meant = case.meta is not None and case.meta.generation.mode.is_positive and case.operation.label in PLACING
    if meant and isinstance(case.body, dict) and isinstance(case.body.get("type"), str):
        case.body = plausible(case.body)
        if "Idempotency-Key" in (case.headers or {}):
            case.headers["Idempotency-Key"] = (
                f"key {next(KEYS)}"  # the shortest text, which it favours, is used up soon
            )
    return case


def plausible(body: dict[str, Any]) -> dict[str, Any]:
    """The order as somebody may have meant it: its numbers as they came, only what its type has, a symbol that is traded."""
    kind = body["type"]
    wanted = {"type", "time_in_force", "strategy", "reason", "client_tag", "extended_hours"} | MEMBERS.get(kind, set())
    kept = {name: value for name, value in body.items() if name in wanted and value is not None}
    sized = "notional" if "notional" in body and "quantity" not in body else "quantity"
    symbol = "BTC/USD" if "/" in str(body.get("symbol")) else "AAPL"
    needed = {sized: "1", **dict.fromkeys(MEMBERS.get(kind, set()), "100")}
    return {**needed, **kept, sized: body.get(sized) or "1", "symbol": symbol, "side": body.get("side") or "buy"}


def fuzz(address: str, counted: Counted) -> list[str]:
    """Ask until there were enough requests; everything that failed."""
    found: list[str] = []
    ways = (BY_SESSION, BY_TOKEN) if REQUESTS > 2 * FIXED else (BY_SESSION,)
    for seed in range(1, 100):
        way = ways[seed % len(ways)]
        schema = schemathesis.openapi.from_url(
            f"{address}/openapi.json",
            config=SchemathesisConfig.from_dict(config(seed, way, REQUESTS // len(ways))),
            headers=BY_TOKEN,
            timeout=60,
        )
        schema.hook(map_case)
        for event in from_schema(schema).execute():
            found += [wrong for wrong in failures(event) if way is BY_TOKEN or NO_TOKEN not in wrong]
        if counted.answers.total() >= REQUESTS:
            break
    return found


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.filterwarnings("ignore")
def test_no_generated_request_breaks_the_real_house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made: list[Counted] = []

    def around(house: House) -> Counted:
        made.append(Counted(house))
        return made[0]

    with served_in_a_thread(tmp_path, around, **SETTINGS) as address:
        found = fuzz(address, made[0])
    answers = made[0].answers
    with capsys.disabled():
        told = ", ".join(f"{status}: {count}" for status, count in sorted(answers.items()))
        print(f"\nfuzz: {answers.total()} requests to the real desk; {told}")  # noqa: T201 - the figure is the result
    assert not made[0].broken, "\n".join(made[0].broken[:20])
    assert not found, "\n\n".join(found[:10])
    assert answers.total() >= REQUESTS
    assert answers[201] > 0, "no order was placed"
