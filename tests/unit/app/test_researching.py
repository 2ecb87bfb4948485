"""Research over a home: from a provider with flaws, through the cache, to a report that says what is missing."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("polars", reason="the extra data is not installed")

from floorbroker.app import histories
from floorbroker.app.config import load
from floorbroker.app.floor import Outside, vault_of
from floorbroker.app.histories import history_of
from floorbroker.app.home import Home
from floorbroker.app.profiles import Profiles
from floorbroker.app.researching import Asked, Researcher
from floorbroker.app.sources import Sources
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid, InvalidRequest, NotFound
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker_sim.archive import Flaws
from floorbroker_sim.faults import Fault, Match
from floorbroker_sim.polygon.venue import PolygonVenue, create_venue
from tests.unit.marketdata.providers.conftest import InProcess

NOW = datetime(2021, 4, 5, 15, 0, tzinfo=UTC)
TECH = 'name = "tech"\nbenchmark = "SPY"\n[sectors]\nTech = ["AAPL", "IBM"]\nBanks = ["BAC"]\n'
CONFIG = """
[profiles.history]
broker = "POLYGON"
environment = "sim"
kind = "data"
credentials = "keyring"
url = "http://127.0.0.1:9760"
options = { plan = "paid" }
"""
pytestmark = pytest.mark.asyncio


class Ring:
    """A keyring that holds one key."""

    def __init__(self, key: str) -> None:
        self._key = key

    def secrets(self, profile: str, *, broker: str, environment: Environment) -> Any:
        return {"BROKER_API_KEY": Secret(self._key)}


class House:
    """A home with a profile of Polygon whose service is in this process, with recorded days."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.clock = ManualClock(NOW)
        self.clock.sleep = self._at_once
        self.venue: PolygonVenue = create_venue(clock=self.clock, data=data)
        self.http = InProcess(self.venue.app)
        home = Home.at(folder)
        home.config.write_text(CONFIG)
        shells: Any = Shells(http=lambda: self.http, order_http=lambda check: None, connect=None)  # type: ignore[arg-type, return-value]
        ring: Any = Ring(self.venue.keys.key)
        outside = Outside(clock=self.clock, shells=shells, sources=Sources(keystore=lambda: ring))
        profiles = Profiles.of(home, vault_of(home, load(home), outside), outside)
        self.researcher = Researcher(here=profiles, outside=outside)
        self.universe = str(folder / "tech.toml")
        (folder / "tech.toml").write_text(TECH)

    async def _at_once(self, delay_s: float) -> None:
        """Time-outs end where they are; nobody waits."""
        await ManualClock.advance(self.clock, delay_s)

    async def report(self) -> Any:
        asked = Asked(universe=self.universe, source="history", until=date(2021, 3, 31))
        return (await self.researcher.sectors(asked))[0]


@pytest.fixture
def house(tmp_path: Path, recorded_data: Path) -> House:
    return House(tmp_path, recorded_data)


async def test_a_provider_gives_the_report_that_the_recording_gives(house: House, recorded_data: Path) -> None:
    report = await house.report()
    assert report.is_whole, report.quality
    asked = len(house.http.asked)
    assert (await house.report()).inputs == report.inputs
    assert len(house.http.asked) == asked
    local, _ = await house.researcher.sectors(
        Asked(universe=house.universe, source="recording", data=recorded_data, until=date(2021, 3, 31))
    )
    assert [one.strength for one in local.sectors] == [one.strength for one in report.sectors]


@pytest.mark.parametrize(
    ("flaws", "kinds"),
    [
        (Flaws(holes=frozenset({"2021-03-10"})), {"hole"}),
        (Flaws(duplicates=frozenset({"2021-03-10"})), {"duplicate"}),
        (Flaws(differing=frozenset({"2021-03-10"})), {"conflict", "hole"}),
        (Flaws(late=frozenset({"2021-03-10"})), {"late"}),
        (Flaws(zone="utc"), {"wrong_zone", "hole", "unavailable", "outside"}),
    ],
)
async def test_each_flaw_of_a_provider_is_in_the_report(house: House, flaws: Flaws, kinds: set[str]) -> None:
    house.venue.state.archive.flaws = flaws
    if flaws.zone == "utc":
        with pytest.raises(NotFound, match="no day"):
            await house.report()
        return
    report = await house.report()
    assert {one.kind for one in report.quality} == kinds
    assert not report.is_whole


async def test_a_throttle_is_in_the_report_and_the_next_one_is_whole(house: House) -> None:
    house.venue.plan.replace(
        [Fault(where="request", what="throttle", match=Match(path="/v2/aggs/ticker/IBM/*"))]
    )  # fmt: skip
    report = await house.report()
    assert [(one.symbol, one.kind) for one in report.quality] == [("IBM", "rate_limited")]
    house.venue.plan.replace([])
    for _ in range(8):
        await house.clock.advance(60)
    assert (await house.report()).is_whole


async def test_a_source_nobody_knows_is_told(house: House) -> None:
    here, outside = house.researcher.here, house.researcher.outside
    with pytest.raises(NotFound, match="nowhere"):
        async with history_of("nowhere", here=here, outside=outside, data=None):
            raise AssertionError
    with pytest.raises(ConfigInvalid, match="FLOORBROKER_DATA"):
        histories.recording(None)
    with pytest.raises(InvalidRequest, match="no folder"):
        histories.recording(Path("/nowhere"))
    with pytest.raises(InvalidRequest, match="universe"):
        house.researcher.universe("mine")
