"""Generated requests from somebody nobody knows: whatever is sent to whichever operation, none succeeds.

`make fuzz REQUESTS=20000` asks more.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from starlette.types import Message, Receive, Send
from starlette.types import Scope as Asked

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.app.people import NewToken, People
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import Environment
from floorbroker.people.identity import OPERATOR as OPERATOR_ID
from floorbroker.people.identity import Scope
from tests.support.desk_server import TOKEN
from tests.support.fake_desk import FakeDesk
from tests.support.house import NOON
from tests.support.people import OPERATOR, town

EXAMPLES = max(1, int(os.environ.get("FLOORBROKER_FUZZ_REQUESTS", "300")) // 400)
OPEN = {("GET", "/healthz"), ("GET", "/readyz")}
CONFIG: dict[str, Any] = {
    "seed": 1,
    "continue-on-failure": True,
    "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none"},
    "checks": {"enabled": False},
    "phases": {"stateful": {"enabled": False}, "coverage": {"enabled": False}},
    "parameters": {"path.env": "paper"},
}


class Counted:
    """The application with people in it, and what it answered to whom; the document is read with the token."""

    def __init__(self, people: People) -> None:
        clock = ManualClock(NOON)
        self.desk = FakeDesk(clock=clock)
        self.answers: Counter[tuple[str, str, int]] = Counter()
        self._app = create_app(
            desks={Environment.PAPER: self.desk},
            token=HashedToken(token_digest(TOKEN)),
            clock=clock,
            version="0.1.0",
            hosts=("testserver", "localhost"),
            people=people,
        )

    async def __call__(self, scope: Asked, receive: Receive, send: Send) -> None:
        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answers[scope["method"], scope["path"], message["status"]] += 1
            await send(message)

        await self._app(scope, receive, counting)


async def with_ada(folder: Path) -> tuple[People, str]:
    """Somebody to be taken for, and a token that reads the document."""
    async with town(folder, ManualClock(NOON)) as found:
        await found.add("ada")
        new = NewToken(name="reader", environment=Environment.PAPER, scopes=frozenset({Scope.READ}))
        token, secret = await found.people.passes.create(new, owner=OPERATOR_ID, caller=OPERATOR)
        # Noted now: nothing is written while the fuzzer's loops come and go.
        await found.people.note_use(token.identity(None))
        return found.people, secret.reveal()


@pytest.mark.filterwarnings("ignore")
def test_no_generated_request_of_a_stranger_succeeds(tmp_path: Path) -> None:
    people, reader = asyncio.run(with_ada(tmp_path))
    app = Counted(people)
    schema = schemathesis.openapi.from_asgi(
        "/openapi.json", app, config=SchemathesisConfig.from_dict(CONFIG), headers={"Authorization": f"Bearer {reader}"}
    )
    app.answers.clear()
    trouble = [event for event in from_schema(schema).execute() if isinstance(event, events.FatalError)]
    assert trouble == []
    got_in = [(m, path, status) for m, path, status in app.answers if status < 400 and (m, path) not in OPEN]
    assert got_in == []
    assert {status for _, _, status in app.answers} <= {200, 400, 401, 403, 404, 405, 413, 415, 422, 429, 431}
    assert app.answers.total() > 80
    assert (app.desk.orders(), app.desk.callers, len(people.memory.users)) == ([], [], 1)
