"""The whole application with people in it, called without a socket, as anybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from fastapi import FastAPI

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.app.home import Home
from floorbroker.app.people import NewToken
from floorbroker.app.strategies import Strategies
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import Environment
from floorbroker.people.identity import OPERATOR as OPERATOR_ID
from floorbroker.people.identity import Role, Scope
from floorbroker.web import web_page
from tests.support.desk_server import TOKEN
from tests.support.fake_desk import FakeDesk
from tests.support.house import NOON
from tests.support.people import OPERATOR, Town, town

SIM, PAPER, LIVE = Environment


@dataclass
class Gate:
    """The application with people in it, and ways to come as somebody."""

    town: Town
    app: FastAPI
    clock: ManualClock
    desks: dict[Environment, FakeDesk]
    secrets: dict[str, str] = field(default_factory=dict)

    def client(self, **headers: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750", headers=headers)

    async def token(self, *scopes: Scope, environment: Environment = PAPER) -> dict[str, str]:
        """A token's header."""
        name = "-".join([environment.value, *(scope.value for scope in scopes)])
        if name not in self.secrets:
            new = NewToken(name=name, environment=environment, scopes=frozenset(scopes))
            _, secret = await self.town.people.passes.create(new, owner=OPERATOR_ID, caller=OPERATOR)
            self.secrets[name] = secret.reveal()
        return {"Authorization": f"Bearer {self.secrets[name]}"}

    async def person(self, name: str) -> dict[str, str]:
        """A browser's headers."""
        return {"Cookie": f"floorbroker_session={await self.town.session(name)}", "X-Floorbroker-Request": "1"}


@asynccontextmanager
async def open_gate(folder: Path) -> AsyncIterator[Gate]:
    """A desk in paper and one in live, and a user of each role, called `a-trader` and so on."""
    clock = ManualClock(NOON)
    desks = {env: FakeDesk(clock=clock, environment=env, names=(env.value,)) for env in (PAPER, LIVE)}
    for desk in desks.values():
        desk.ends_after_replay = True
    strategies = Strategies(Home.at(folder))
    async with town(folder, clock) as found:
        for role in reversed(Role):
            await found.add(
                f"a-{role.value}", role, frozenset({PAPER}) if role is not Role.ADMIN else frozenset(Environment)
            )
        app = create_app(
            desks=desks,
            token=HashedToken(token_digest(TOKEN)),
            clock=clock,
            version="0.1.0",
            page=web_page(desks=desks, clock=clock, version="0.1.0", strategies=strategies),
            strategies=strategies,
            people=found.people,
        )
        yield Gate(found, app, clock, desks)
