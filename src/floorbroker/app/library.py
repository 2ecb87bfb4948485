"""The library's face: `async with Gateway.open() as desk`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from floorbroker.app.broker_credentials import BrokerCredentials
from floorbroker.app.floor import Outside, open_floor
from floorbroker.app.home import Home
from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.gateway import Gateway as RunningGateway


class Gateway:
    """Opens the same desk that the server's doors use."""

    @staticmethod
    @asynccontextmanager
    async def open(
        *,
        home: str | Path | None = None,
        profiles: Iterable[str] | None = None,
        environment: Environment | None = None,
        outside: Outside | None = None,
        credentials: BrokerCredentials | None = None,
    ) -> AsyncGenerator[RunningGateway]:
        """The desk of one environment, recovered, started and settled; stopped on leaving.

        Without a home the platform's data folder serves; without profiles all enabled ones.  `environment` is needed only
        where the chosen profiles belong to several.  `credentials` stand in the place of those that the environment and
        `.env_bot` describe.
        """
        handed = None if credentials is None else credentials.as_bot()
        only = frozenset(ProfileName(name) for name in profiles) if profiles is not None else None
        place = Home.at(Path(home) if home is not None else None)
        async with open_floor(place, outside=outside, only=only, handed=handed) as floor:
            if environment is None and len(floor.desks) != 1:
                names = ", ".join(e.value for e in floor.desks)
                raise InvalidRequest(f"the profiles belong to several environments ({names}): name one")
            desk = floor.desks[environment or next(iter(floor.desks))]
            await desk.until_settled()
            yield desk
