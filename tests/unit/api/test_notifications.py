"""Alerts are for those who may see every environment that they tell of."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from floorbroker.api.routes.webhooks import alert_of
from floorbroker.app.hooks import Hooks
from floorbroker.domain.errors import NotFound
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.hooks.records import Delivery, Hook, Target
from floorbroker.hooks.records import Kind as What
from floorbroker.people.identity import Identity, Kind
from floorbroker.web.frame import Ask
from floorbroker.web.screens.hooks import build

pytestmark = pytest.mark.asyncio
SIM, PAPER, LIVE = Environment


AT = datetime(2026, 3, 2, tzinfo=UTC)


def alert(name: str, *environments: Environment) -> Target:
    return Target(
        id=name, name=name, kind=What.ALERT, url=Secret("x://y"), events=(), environments=environments, created_at=AT
    )


class OneAlert:
    """Hooks with a single target, which tells of paper and live."""

    async def target(self, kind: What, id: str) -> Target:
        assert (kind, id) == (What.ALERT, "desk")
        return alert("desk", PAPER, LIVE)


@pytest.mark.parametrize("seen", [{PAPER}, {LIVE}, {SIM}, {SIM, PAPER}])
async def test_an_alert_that_tells_of_another_environment_is_not_found(seen: set[Environment]) -> None:
    hooks: Any = OneAlert()
    bot = Identity(principal="bot", kind=Kind.TOKEN, environments=frozenset(seen))
    with pytest.raises(NotFound):
        await alert_of(cast("Hooks", hooks), "desk", bot)
    whole = Identity(principal="ada", kind=Kind.PERSON, environments=frozenset({PAPER, LIVE}))
    assert (await alert_of(cast("Hooks", hooks), "desk", whole)).name == "desk"


class SomeAlerts:
    """Hooks of a desk in paper and one in live, whose people were told of both."""

    async def hooks(self, environment: Environment) -> list[Hook]:
        del environment
        return []

    async def targets(self, kind: What, environment: Environment | None = None) -> list[Target]:
        del environment
        return [alert("both", PAPER, LIVE), alert("one", LIVE)] if kind is What.ALERT else []

    async def deliveries(self, target: Target, limit: int) -> list[Delivery]:
        del limit
        return [
            Delivery(id=env.value, target_id=target.id, event_id=env.value, event="order_filled", environment=env, seq=1,
                     body="{}", made_at=AT, due_at=AT)
            for env in target.environments
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        ({PAPER}, {"both": ["paper"]}),
        ({LIVE}, {"both": ["live"], "one": ["live"]}),
        ({PAPER, LIVE}, {"both": ["paper", "live"], "one": ["live"]}),
    ],
)
async def test_the_page_shows_alerts_and_what_they_told_of_the_environments_of_its_reader(
    seen: set[Environment], shown: dict[str, list[str]]
) -> None:
    ask: Any = SimpleNamespace(hooks=SomeAlerts(), environment=PAPER, names=(), sees=frozenset(seen))
    page = await build(cast("Ask", ask))
    assert {one.target.name: [told.id for told in one.deliveries] for one in page["alerts"]} == shown
