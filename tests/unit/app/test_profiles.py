"""Profiles of a home: secrets and section both or neither, every act recorded, no value ever told."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from floorbroker.app.acts import Acts
from floorbroker.app.home import Home
from floorbroker.app.keystore import KeyStore
from floorbroker.app.profile_forms import Changes, NewProfile
from floorbroker.app.profiles import Profiles
from floorbroker.app.redactor import SecretFilter
from floorbroker.app.sources import Gathered, Origin, Sources
from floorbroker.app.trial import Tried
from floorbroker.app.unlocking import Unlocking
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ConfigInvalid,
    Conflict,
    InvalidRequest,
    NotFound,
    VaultLocked,
)
from floorbroker.domain.ports import NO_STEPS, AuditEntry, Entry, NoLog, Profile
from floorbroker.domain.records import Check, SelfCheck
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.store import JournalReader, SqliteJournal
from floorbroker.vault import SessionLimits
from tests.support.house import NOON
from tests.support.vaults import PASSPHRASE, QuickDerivation
from tests.unit.app.fakes import FakeKeyring

pytestmark = pytest.mark.asyncio
CALLER = Caller(principal="operator", via="cli")
KEY, SECRET = "PKCANARY0001", "canary-5d1c99"
FIELDS = {"BROKER_API_KEY": Secret(KEY), "BROKER_SECRET_KEY": Secret(SECRET)}
NEW = NewProfile(name="mine", broker="alpaca", environment=Environment.PAPER, fields=FIELDS)
LIVE = replace(NEW, name="real", environment=Environment.LIVE, fields={**FIELDS, "BROKER_API_KEY": Secret("AKCANARY")})
FINE = SelfCheck(checks=(Check(name="connectivity", ok=True, detail=""), Check(name="credentials", ok=True, detail="")))


@dataclass
class Venue:
    """What a self-check would find; remembers with which secrets it was asked."""

    found: SelfCheck = FINE
    asked: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])

    async def __call__(self, profile: Profile, given: Gathered) -> Tried:
        self.asked.append({name: secret.reveal() for name, secret in given.secrets.items()})
        row = AuditEntry(
            actor="gateway",
            via="broker",
            action="broker.read",
            object="account",
            profile=profile.name,
            outcome="answered",
        )
        return Tried(self.found, [row])


@dataclass
class Desk:
    """A home with an opened vault, a journal of paper, and what is asked of them."""

    root: Path
    venue: Venue = field(default_factory=Venue)
    keyring: FakeKeyring = field(default_factory=FakeKeyring)
    open_orders: int = 0
    redactor: SecretFilter = field(default_factory=SecretFilter)

    async def begin(self, *, unlocked: bool = True) -> Profiles:
        home = Home(self.root)
        for environment in Environment:
            journal = SqliteJournal.open(home.journal(environment), clock=ManualClock(NOON), environment=environment)
            await journal.close()
        unlocking = Unlocking.of(
            home, limits=SessionLimits(), clock=ManualClock(NOON), redactor=self.redactor,
            derive=QuickDerivation(), log=NoLog(), steps=NO_STEPS,
        )  # fmt: skip
        if unlocked:
            await unlocking.init(PASSPHRASE, caller=CALLER)
        return Profiles(
            home=home, unlocking=unlocking, trial=self.venue, open_orders=lambda _: self.open_orders,
            sources=Sources(keystore=lambda: KeyStore(self.keyring)),
        )  # fmt: skip

    @property
    def toml(self) -> dict[str, Any]:
        return (
            tomllib.loads((self.root / "floorbroker.toml").read_text())
            if (self.root / "floorbroker.toml").exists()
            else {}
        )

    def rows(self, environment: Environment = Environment.PAPER) -> list[tuple[str, str, str]]:
        reader = JournalReader(Home(self.root).journal(environment))
        try:
            entries = [record.entry for record in reader.read(limit=1000)]
        finally:
            reader.close()
        return [
            (e.action, e.profile, e.outcome)
            for e in entries
            if isinstance(e, AuditEntry) and e.action.startswith("broker")
        ]


class Meddling(Acts):
    """Somebody else writes the file while the act is being recorded."""

    async def record(self, entries: Sequence[Entry], *, only: Environment | None = None) -> None:
        self.home.config.write_text("[server]\nport = 1\n")
        await super().record(entries, only=only)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


# -- adding -----------------------------------------------------------------------------------------------------------------


async def test_a_new_profile_is_a_section_and_a_sealed_record_and_two_audit_rows(desk: Desk) -> None:
    profiles = await desk.begin()
    found = await profiles.add(NEW, caller=CALLER)
    assert desk.toml["profiles"]["mine"] == {"broker": "ALPACA", "environment": "paper"}
    assert dict(found.fields) == {
        "BROKER_API_KEY": Origin.VAULT,
        "BROKER_SECRET_KEY": Origin.VAULT,
        "BROKER_ACCOUNT_NUMBER": None,
    }
    assert (found.version, found.notes) == (1, ())
    record = profiles.unlocking.session.vault().read("mine", broker="ALPACA", environment=Environment.PAPER)
    assert record["BROKER_SECRET_KEY"].reveal() == SECRET
    assert desk.rows() == [("broker.add", "mine", "begun"), ("broker.add", "mine", "done")]
    assert desk.rows(Environment.LIVE) == []


async def test_the_embedded_profile_does_not_vanish_when_the_first_other_one_is_added(desk: Desk) -> None:
    profiles = await desk.begin()
    await profiles.add(NEW, caller=CALLER)
    assert desk.toml["profiles"]["paper"] == {"broker": "PAPER", "environment": "paper"}
    assert [listed.name for listed in profiles.listed()] == ["mine", "paper"]


async def test_no_file_and_no_listing_holds_a_secret_in_the_clear(desk: Desk) -> None:
    profiles = await desk.begin()
    told = repr((await profiles.add(NEW, caller=CALLER), profiles.listed(), NEW))
    held = b"".join(path.read_bytes() for path in desk.root.rglob("*") if path.is_file())
    assert KEY not in told
    assert SECRET not in told
    assert KEY.encode() not in held
    assert SECRET.encode() not in held
    assert desk.redactor.clean(f"{KEY} {SECRET}") == "*** ***"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"fields": {"BROKER_API_KEY": Secret(KEY)}}, "BROKER_SECRET_KEY: Alpaca needs it"),
        ({"fields": {**FIELDS, "BROKER_API_KEY": Secret("AKCANARY")}}, "a key of environment live"),
        ({"fields": {**FIELDS, "BROKER_PASSWORD": Secret(SECRET)}}, "does not use BROKER_PASSWORD"),
        ({"broker": "NOPE"}, "not one of ALPACA, BINANCE"),
        ({"broker": "PAPER", "environment": Environment.LIVE, "fields": {}}, "has no environment live"),
        ({"url": "https://api.alpaca.markets"}, "of environment live"),
        ({"url": "https://evil.example"}, "no host of Alpaca"),
        ({"options": {"stock_feed": "all"}}, "one of iex, sip"),
        ({"options": {"stock_fed": "iex"}}, "no option 'stock_fed'"),
        ({"name": "No"}, "a name has lower-case letters"),
        ({"environment": Environment.SIM}, "BROKER_URL: Alpaca needs it"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_written(desk: Desk, change: dict[str, Any], told: str) -> None:
    profiles = await desk.begin()
    with pytest.raises((InvalidRequest, ConfigInvalid), match=told) as refused:
        await profiles.add(replace(NEW, **change), caller=CALLER)
    assert "CANARY" not in refused.value.detail
    assert (desk.toml, profiles.unlocking.session.vault().records(), desk.rows()) == ({}, (), [])


async def test_a_taken_name_is_a_conflict(desk: Desk) -> None:
    profiles = await desk.begin()
    await profiles.add(NEW, caller=CALLER)
    with pytest.raises(Conflict, match="already"):
        await profiles.add(replace(NEW, environment=Environment.SIM, url="http://127.0.0.1:1"), caller=CALLER)


async def test_a_locked_vault_takes_nothing_and_no_vault_says_how_to_make_one(desk: Desk) -> None:
    profiles = await desk.begin(unlocked=False)
    with pytest.raises(VaultLocked, match="floorbroker vault init"):
        await profiles.add(NEW, caller=CALLER)
    await profiles.unlocking.init(PASSPHRASE, caller=CALLER)
    await profiles.unlocking.lock(caller=CALLER)
    with pytest.raises(VaultLocked):
        await profiles.add(NEW, caller=CALLER)
    assert desk.toml == {}


async def test_a_file_that_is_not_written_takes_the_secret_back(desk: Desk) -> None:
    profiles = await desk.begin()
    acts = profiles.unlocking.acts
    profiles.unlocking.acts = Meddling(acts.home, acts.clock)
    with pytest.raises(Conflict, match="somebody else"):
        await profiles.add(NEW, caller=CALLER)
    assert profiles.unlocking.session.vault().records() == ()
    assert desk.toml == {"server": {"port": 1}}
    assert desk.rows() == [("broker.add", "mine", "begun"), ("broker.add", "mine", "failed")]


async def test_an_act_without_the_vault_that_failed_is_told_as_failed(desk: Desk) -> None:
    profiles = await desk.begin(unlocked=False)
    acts = profiles.unlocking.acts
    profiles.unlocking.acts = Meddling(acts.home, acts.clock)
    with pytest.raises(Conflict, match="somebody else"):
        await profiles.add(replace(NEW, broker="PAPER", fields={}), caller=CALLER)
    assert desk.rows() == [("broker.add", "mine", "begun"), ("broker.add", "mine", "failed")]


async def test_an_act_that_cannot_be_recorded_does_not_happen(desk: Desk) -> None:
    profiles = await desk.begin()
    journal = SqliteJournal.open(
        Home(desk.root).journal(Environment.PAPER), clock=ManualClock(NOON), environment=Environment.PAPER
    )  # another process
    try:
        with pytest.raises(Conflict):
            await profiles.add(NEW, caller=CALLER)
    finally:
        await journal.close()
    assert (desk.toml, profiles.unlocking.session.vault().records()) == ({}, ())


async def test_a_live_profile_without_its_limits_is_made_and_stays_off(desk: Desk) -> None:
    profiles = await desk.begin()
    found = await profiles.add(LIVE, caller=CALLER)
    assert (found.enabled, desk.toml["profiles"]["real"]["enabled"]) == (False, False)
    assert "broker edit real --enable" in found.notes[-1]
    with pytest.raises(ConfigInvalid):
        await profiles.edit("real", Changes(enabled=True), caller=CALLER)


async def test_secrets_may_lie_in_the_keyring_instead(desk: Desk) -> None:
    profiles = await desk.begin(unlocked=False)
    found = await profiles.add(replace(NEW, credentials="keyring"), caller=CALLER)
    assert desk.toml["profiles"]["mine"]["credentials"] == "keyring"
    assert {found.fields[name] for name in FIELDS} == {Origin.KEYRING}
    await profiles.rotate("mine", {"BROKER_SECRET_KEY": Secret("newer-canary")}, caller=CALLER)
    assert desk.keyring.held["floorbroker/mine", "BROKER_SECRET_KEY"] == "newer-canary"
    journal = SqliteJournal.open(
        Home(desk.root).journal(Environment.PAPER), clock=ManualClock(NOON), environment=Environment.PAPER
    )  # another process: an act that cannot be recorded leaves everything as it was
    with pytest.raises(Conflict):
        await profiles.remove("mine", caller=CALLER)
    await journal.close()
    assert len(desk.keyring.held) == 4
    await profiles.remove("mine", caller=CALLER)
    assert desk.keyring.held == {}


# -- changing ---------------------------------------------------------------------------------------------------------------


async def test_an_edit_changes_one_thing(desk: Desk) -> None:
    profiles = await desk.begin()
    await profiles.add(replace(NEW, options={"stock_feed": "sip", "crypto_loc": "us"}), caller=CALLER)
    await profiles.edit("mine", Changes(options={"stock_feed": "iex", "crypto_loc": ""}), caller=CALLER)
    await profiles.edit("mine", Changes(enabled=False, url="https://paper-api.alpaca.markets"), caller=CALLER)
    written = desk.toml["profiles"]["mine"]
    assert (written["options"], written["enabled"], "url" in written) == ({"stock_feed": "iex"}, False, True)
    await profiles.edit("mine", Changes(url=""), caller=CALLER)
    assert "url" not in desk.toml["profiles"]["mine"]
    with pytest.raises(ConfigInvalid):
        await profiles.edit("mine", Changes(options={"stock_feed": "all"}), caller=CALLER)
    with pytest.raises(NotFound):
        await profiles.edit("nobody", Changes(enabled=True), caller=CALLER)


async def test_a_profile_with_open_orders_is_not_removed_until_that_is_meant(desk: Desk) -> None:
    profiles = await desk.begin()
    await profiles.add(NEW, caller=CALLER)
    desk.open_orders = 2
    with pytest.raises(Conflict, match="2 open orders"):
        await profiles.remove("mine", caller=CALLER)
    await profiles.remove("mine", caller=CALLER, force=True)
    assert "mine" not in desk.toml["profiles"]
    assert profiles.unlocking.session.vault().records() == ()
    assert desk.rows()[-1] == ("broker.remove", "mine", "done")
    with pytest.raises(NotFound):
        await profiles.remove("mine", caller=CALLER)


async def test_what_is_sealed_without_a_profile_is_listed_and_can_be_cleared(desk: Desk) -> None:
    profiles = await desk.begin()
    profiles.unlocking.session.vault().write("lost", broker="ALPACA", environment=Environment.PAPER, fields=FIELDS)
    (found,) = [listed for listed in profiles.listed() if listed.name == "lost"]
    assert "without a profile" in found.notes[0]
    await profiles.remove("lost", caller=CALLER)
    assert profiles.unlocking.session.vault().records() == ()


# -- secrets ----------------------------------------------------------------------------------------------------------------


async def test_a_rotated_secret_is_tried_first_and_stands_beside_the_others(desk: Desk) -> None:
    profiles = await desk.begin()
    await profiles.add(NEW, caller=CALLER)
    found = await profiles.rotate("mine", {"BROKER_SECRET_KEY": Secret("newer-canary")}, caller=CALLER)
    assert desk.venue.asked == [{"BROKER_API_KEY": KEY, "BROKER_SECRET_KEY": "newer-canary"}]
    record = profiles.unlocking.session.vault().read("mine", broker="ALPACA", environment=Environment.PAPER)
    assert {name: secret.reveal() for name, secret in record.items()} == desk.venue.asked[0]
    assert found.version == 2
    acts = [row[0] for row in desk.rows()[2:]]
    assert acts == ["broker.test", "broker.read", "broker.test", "broker.rotate", "broker.rotate"]


async def test_a_secret_that_the_venue_refuses_does_not_replace_the_old_one(desk: Desk) -> None:
    profiles = await desk.begin()
    await profiles.add(NEW, caller=CALLER)
    desk.venue.found = SelfCheck(
        checks=(Check(name="connectivity", ok=True, detail=""), Check(name="credentials", ok=False, detail="refused"))
    )
    with pytest.raises(Conflict, match="the old one stays"):
        await profiles.rotate("mine", {"BROKER_SECRET_KEY": Secret("newer-canary")}, caller=CALLER)
    assert profiles.one("mine").version == 1


async def test_a_secret_that_could_not_be_tried_is_stored_and_said_to_be_untried(desk: Desk) -> None:
    profiles = await desk.begin()
    await profiles.add(NEW, caller=CALLER)
    desk.venue.found = SelfCheck(checks=(Check(name="connectivity", ok=False, detail="nobody is there"),))
    found = await profiles.rotate("mine", {"BROKER_SECRET_KEY": Secret("newer-canary")}, caller=CALLER)
    assert (found.version, found.notes) == (2, ("stored without a test: connectivity: nobody is there",))
    await profiles.rotate("mine", {"BROKER_SECRET_KEY": Secret("third-canary")}, caller=CALLER, test=False)
    assert len(desk.venue.asked) == 1


async def test_a_test_changes_nothing_and_leaves_its_exchanges_in_the_audit(desk: Desk) -> None:
    profiles = await desk.begin()
    await profiles.add(NEW, caller=CALLER)
    tried = await profiles.test("mine", caller=CALLER)
    assert tried.check.ok
    assert desk.rows()[2:] == [
        ("broker.test", "mine", "begun"), ("broker.read", "mine", "answered"), ("broker.test", "mine", "done"),
    ]  # fmt: skip


async def test_the_profile_of_the_bot_file_is_listed_with_its_source(desk: Desk) -> None:
    profiles = await desk.begin()
    (desk.root / ".env_bot").write_text(f"BROKER_CODE=ALPACA\nBROKER_API_KEY={KEY}\n")
    found = profiles.one("alpaca-paper")
    assert {name: found.fields[name] for name in FIELDS} == {
        "BROKER_API_KEY": Origin.ENV_BOT,
        "BROKER_SECRET_KEY": None,
    }
    assert found.notes == ("missing: BROKER_SECRET_KEY",)
    await profiles.test("alpaca-paper", caller=CALLER)
    assert desk.venue.asked == [{"BROKER_API_KEY": KEY}]
