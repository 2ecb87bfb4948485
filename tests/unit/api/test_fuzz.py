"""The published document is true: thousands of generated requests, every check the fuzzer has."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from starlette.types import Message, Receive, Scope, Send

from floorbroker.domain.clock import ManualClock
from floorbroker.gateway.desk import Caller, SessionState
from tests.support.desk_server import TOKEN, app_over
from tests.support.fake_desk import FakeDesk

REQUESTS_MIN = 2000
FUZZER = Caller(principal="fuzzer", via="api")
CONFIG: dict[str, Any] = {
    "seed": 1,
    "headers": {"Authorization": f"Bearer {TOKEN}"},
    "continue-on-failure": True,
    "generation": {"max-examples": 10, "deterministic": True, "database": "none"},
    # Rules between members, risk limits, versions and the kill switch refuse what the schema alone allows.
    "checks": {
        "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "401", "404", "409", "412", "422", "423"]}
    },
    "phases": {"stateful": {"enabled": True, "max-steps": 6}},
    "parameters": {"path.env": "paper"},
}


class Counted:
    """The application, its answers counted.

    Between requests the kill switch is reset and the profile connected, so that orders keep being taken.
    """

    def __init__(self) -> None:
        clock = ManualClock(datetime(2026, 11, 20, 15, tzinfo=UTC))
        self.desk = FakeDesk(clock=clock)
        self.desk.ends_after_replay = True
        self.desk.knows_every_symbol = True
        self.answers: Counter[int] = Counter()
        self._app = app_over(self.desk, clock=clock, hosts=("testserver", "localhost"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answers[message["status"]] += 1
            await send(message)

        if self.desk.kill_state().level or self.desk.kill_state().by_profile:
            for name in self.desk.state:
                await self.desk.reset_kill(caller=FUZZER, reason="next", profile=name)
            await self.desk.reset_kill(caller=FUZZER, reason="next")
        for name, state in self.desk.state.items():
            if state is SessionState.OFFLINE:
                await self.desk.connect(name, caller=FUZZER, reason="next")
        await self._app(scope, receive, counting)


def failures(event: events.ScenarioFinished) -> list[str]:
    """What failed in one scenario, with the request that shows it."""
    found: list[str] = []
    for case, checks in event.recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                told = event.recorder.interactions[case].request
                found.append(f"{check.name}: {told.method} {told.uri} {told.body!r}: {check.failure_info.failure}")
    return found


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.filterwarnings("ignore")
def test_no_generated_request_gets_a_wrong_or_undocumented_answer() -> None:
    app = Counted()
    schema = schemathesis.openapi.from_asgi(
        "/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG), headers={"Authorization": f"Bearer {TOKEN}"}
    )
    found: list[str] = []
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            found += failures(event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            found.append(str(event))
    assert not found, "\n\n".join(found[:10])
    assert app.answers.total() >= REQUESTS_MIN
    assert app.answers[201] >= 5, "the fuzzer placed hardly any orders"  # eight to fourteen, by what the document draws
    assert not [status for status in app.answers if status >= 500]
