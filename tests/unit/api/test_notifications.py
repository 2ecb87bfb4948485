"""Alerts are for those who may see every environment that they tell of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import pytest

from floorbroker.api.routes.webhooks import alert_of
from floorbroker.app.hooks import Hooks
from floorbroker.domain.errors import NotFound
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.hooks.records import Kind as What
from floorbroker.hooks.records import Target
from floorbroker.people.identity import Identity, Kind

pytestmark = pytest.mark.asyncio
SIM, PAPER, LIVE = Environment


class OneAlert:
    """Hooks with a single target, which tells of paper and live."""

    async def target(self, kind: What, id: str) -> Target:
        assert (kind, id) == (What.ALERT, "desk")
        at = datetime(2026, 3, 2, tzinfo=UTC)
        return Target(
            id="t", name="desk", kind=kind, url=Secret("x"), events=(), environments=(PAPER, LIVE), created_at=at
        )


@pytest.mark.parametrize("seen", [{PAPER}, {LIVE}, {SIM}, {SIM, PAPER}])
async def test_an_alert_that_tells_of_another_environment_is_not_found(seen: set[Environment]) -> None:
    hooks: Any = OneAlert()
    bot = Identity(principal="bot", kind=Kind.TOKEN, environments=frozenset(seen))
    with pytest.raises(NotFound):
        await alert_of(cast("Hooks", hooks), "desk", bot)
    whole = Identity(principal="ada", kind=Kind.PERSON, environments=frozenset({PAPER, LIVE}))
    assert (await alert_of(cast("Hooks", hooks), "desk", whole)).name == "desk"
