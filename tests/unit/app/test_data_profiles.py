"""Keys of providers are profiles of kind `data`: kept like any other, and no desk trades there."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorbroker.app.catalogue import KNOWN, kind_of
from floorbroker.app.config import Config, ProfileSection, config_of
from floorbroker.app.floor import Outside
from floorbroker.app.home import Home
from floorbroker.app.profile_forms import NewProfile, checked, members_of, section_of, unlimited, with_paper
from floorbroker.app.providers import build_provider, outfit_of, self_check
from floorbroker.app.sources import Gathered
from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.errors import ConfigInvalid, InvalidRequest
from floorbroker.domain.ports import Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ProfileName

TEXT = '[profiles.{0}]\nbroker = "POLYGON"\nenvironment = "live"\nkind = "{1}"\n'


def new(broker: str = "POLYGON", **fields: object) -> NewProfile:
    given = {"fields": {"BROKER_API_KEY": Secret("k" * 32)}} | fields
    return NewProfile(name="history", broker=broker, environment=Environment.LIVE, **given)  # type: ignore[arg-type]


def test_a_provider_is_known_and_is_no_broker() -> None:
    assert {"POLYGON", "YAHOO"} <= set(KNOWN)
    assert not {"POLYGON", "YAHOO"} & set(BROKERS)
    assert (kind_of("POLYGON"), kind_of("KRAKEN")) == ("data", "trade")


def test_a_data_profile_is_written_as_one_and_needs_no_limits(tmp_path: Path) -> None:
    wish = new()
    checked(wish, section_of(wish))
    assert members_of(wish, enabled=True) == {"broker": "POLYGON", "environment": "live", "kind": "data"}
    assert unlimited(TEXT.format("history", "data"), tmp_path / "floorbroker.toml", wish) == ""
    assert with_paper("", Config(), wish) == ""


def test_a_desk_does_not_trade_there(tmp_path: Path) -> None:
    config = config_of(TEXT.format("history", "data"), tmp_path / "floorbroker.toml")
    assert [profile.broker for profile in config.enabled()] == ["PAPER"]


@pytest.mark.parametrize(
    ("wish", "section", "told"),
    [
        (new(options={"plan": "cheap"}), None, "plan"),
        (new(fields={"BROKER_API_KEY": Secret("has blanks")}), None, "BROKER_API_KEY"),
        (new(), ProfileSection(broker="POLYGON", environment="live", kind="trade"), "kind data"),
        (new("YAHOO", fields={}), ProfileSection(broker="YAHOO", environment="paper", kind="data"), "paper"),
    ],
)
def test_what_is_wrong_is_named(wish: NewProfile, section: ProfileSection | None, told: str) -> None:
    with pytest.raises((InvalidRequest, ConfigInvalid), match=told):
        checked(wish, section or section_of(wish))


@pytest.mark.asyncio
async def test_a_trial_says_whether_the_provider_is_there(tmp_path: Path) -> None:
    profile = Profile(name=ProfileName("history"), broker="POLYGON", environment=Environment.SIM)
    given = Gathered({"BROKER_URL": "http://127.0.0.1:1"}, {"BROKER_API_KEY": Secret("k")})
    check = await self_check("POLYGON", outfit_of(profile, given, Outside()), Home.at(tmp_path))
    assert [(one.name, one.ok) for one in check.checks] == [("connectivity", False)]


@pytest.mark.asyncio
async def test_nobody_else_is_a_provider(tmp_path: Path) -> None:
    profile = Profile(name=ProfileName("x"), broker="KRAKEN", environment=Environment.SIM)
    outfit = outfit_of(profile, Gathered(), Outside())
    with pytest.raises(ConfigInvalid, match="no provider"):
        build_provider("KRAKEN", outfit, Home.at(tmp_path))
    await outfit.http.close()
