"""Backups: copied while orders flow, proven before they are needed, put back so that no order is doubled or lost."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from floorbroker.app.backup import MANIFEST, Backup, BackupDamaged, FilePart, backups_in, digest_of, make, prune, read
from floorbroker.app.backup_proof import examine
from floorbroker.app.home import Home
from floorbroker.app.people import NewToken, People, Refused, SignedIn
from floorbroker.app.people.passes import Refusal
from floorbroker.app.restore import EPOCH_LEAP, objection, put_back
from floorbroker.domain.clock import ManualClock, SystemClock
from floorbroker.domain.errors import Conflict, InvalidRequest, KillSwitchOn, NotFound
from floorbroker.domain.ports import AuditEntry, NoteEntry
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, OrdStatus, ProfileName
from floorbroker.gateway.desk import Caller
from floorbroker.oms.schema import OrderSchema
from floorbroker.people.identity import OPERATOR as OPERATOR_ID
from floorbroker.people.identity import Identity, Scope
from floorbroker.store.copying import Facts
from floorbroker.store.migrate import downgrade
from floorbroker.store.sqlite import SqliteJournal
from floorbroker.strategy.bots import Keep, Kept, kept_bots
from tests.support import house
from tests.support.fake_broker import FakeBroker, buy
from tests.support.house import NOON
from tests.support.people import OPERATOR, town
from tests.support.real_floor import real_floor

PERSON = Caller(principal="ada", via="cli")
SIM = Environment.SIM


async def a_home(folder: Path, *, notes: int = 3) -> Home:
    """A home with one journal of so many records."""
    home = Home.at(folder)
    journal = SqliteJournal.open(home.journal(SIM), clock=SystemClock(), environment=SIM, instance_tag=7)
    for number in range(notes):
        await journal.commit([NoteEntry(profile=ProfileName("*"), topic="t", data={"n": str(number)})])
    await journal.close()
    home.config.write_text("[trading]\ncancel_late = true\n", "utf-8")
    return home


def wish(quantity: int) -> OrderSchema:
    return OrderSchema.model_validate({"symbol": "AAPL", "side": "buy", "type": "market", "quantity": str(quantity)})


def backup_of(home: Home, into: Path) -> Backup:
    return make(home, into, clock=SystemClock(), build="test")


# -- the drill ------------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_lost_home_is_restored_from_a_backup_made_while_orders_flow_and_no_order_is_doubled_i1(
    tmp_path: Path,
) -> None:
    clock = ManualClock(NOON)
    venue, first = FakeBroker(clock), tmp_path / "first"
    async with house.opened(first, broker=venue, clock=clock, journal_name="journal-sim.db") as desk:
        before = [await desk.place(buy(str(n + 1), "90")) for n in range(4)]
        venue.fill(venue.of(before[0].cl_ord_id), "1", "90")
        copying = asyncio.ensure_future(asyncio.to_thread(backup_of, Home.at(first), tmp_path / "backups"))
        for n in range(8):
            await desk.place(buy(str(n + 10), "90"))
        made = await copying
        late = [await desk.place(buy(str(n + 30), "90")) for n in range(3)]
        venue.fill(venue.of(late[0].cl_ord_id), "30", "90")
        venue.fill(venue.of(before[1].cl_ord_id), "2", "90")
        await desk.wait(1)
        await desk.crash()
    shutil.rmtree(first)  # the disk is gone; the venue is not
    assert len(venue.orders) == 15
    second = Home.at(tmp_path / "second")
    await clock.advance(60)
    done = await put_back(second, made, clock=clock, caller=PERSON)
    assert done.aside is None
    asked = list(venue.requests)
    async with house.opened(second.root, broker=venue, clock=clock, journal_name="journal-sim.db") as desk:
        with pytest.raises(KillSwitchOn, match="restored from the backup"):
            await desk.place(buy("1", "90"))
        await desk.until(lambda: len(desk.gateway.orders()) == 15)
        known = {order.cl_ord_id: order for order in desk.gateway.orders()}
        assert known.keys() == {order.cl_ord_id for order in venue.orders.values()}
        assert {id_: order.cum_qty for id_, order in known.items()} == {
            o.cl_ord_id: o.cum for o in venue.orders.values()
        }
        assert known[late[0].cl_ord_id].ord_status is OrdStatus.FILLED
        assert desk.ctx.book.holdings.qty("AAPL") == venue.positions["AAPL"] == 33
        assert [request for request in venue.requests if request not in asked] == []  # nothing was sent or cancelled
        await desk.gateway.reset_kill(caller=PERSON, reason="looked at it")
        await desk.until(lambda: desk.session.state.value == "ready" and not desk.session.not_ready())
        new = await desk.place(buy("1", "90"))
        assert new.ord_status is OrdStatus.NEW
    ids = [order.cl_ord_id for order in venue.orders.values()]
    assert len(ids) == len(set(ids)) == 16


@pytest.mark.asyncio
async def test_a_restored_audit_goes_on_in_its_chain(tmp_path: Path) -> None:
    async with real_floor(tmp_path) as floor:
        for number in range(1, 6):
            await floor.desk.submit(wish(number), profile=None, caller=PERSON)
        copying = asyncio.ensure_future(asyncio.to_thread(backup_of, floor.home, tmp_path / "backups"))
        for number in range(6, 11):
            await floor.desk.submit(wish(number), profile=None, caller=PERSON)
        made = await copying
        await floor.desk.submit(wish(20), profile=None, caller=PERSON)
    lines = examine(read(made.folder))
    assert {line.what for line in lines} == {"journal-paper.db", "records of paper", "audit of paper", "desk.db"}
    assert [line.wrong for line in lines] == [""] * len(lines)
    with pytest.raises(Conflict, match=r"newer: it has come to .* records would be set aside.*--accept-older"):
        await put_back(floor.home, made, clock=SystemClock(), caller=PERSON)
    done = await put_back(floor.home, made, clock=SystemClock(), caller=PERSON, accept_older=True)
    assert done.aside is not None
    assert (done.aside / "journal-paper.db").exists()
    async with real_floor(tmp_path) as floor:
        await floor.desk.reset_kill(caller=PERSON, reason="looked at it")
        await floor.desk.until_settled()
        await floor.desk.submit(wish(21), profile=None, caller=PERSON)
        proof = (await floor.http.post("/api/v1/audit/verify", params={"environment": "paper"})).json()
        assert proof["ok"], proof


# -- what is copied -------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_backup_is_a_home_without_permits_tokens_and_plain_secrets(tmp_path: Path) -> None:
    home = await a_home(tmp_path / "home")
    for name in (
        "setup-token",
        ".env_bot",
        "permits/paper",
        "paper/p.log",
        "bots/once.json",
        "bots/.once.json.17",
        "broker_credentials.json.enc",
        "decisions.jsonl",
    ):
        (home.root / name).parent.mkdir(exist_ok=True)
        (home.root / name).write_text(name)
    with closing(sqlite3.connect(home.desk)) as connection:
        connection.execute("CREATE TABLE t (x)")
    made = backup_of(home, tmp_path / "backups")
    copied = {str(path.relative_to(made.folder)) for path in made.folder.rglob("*") if path.is_file()}
    assert copied == {
        MANIFEST, "journal-sim.db", "desk.db", "floorbroker.toml", "paper/p.log", "bots/once.json",
        "broker_credentials.json.enc", "decisions.jsonl",
    }  # fmt: skip
    assert all(path.stat().st_mode & 0o077 == 0 for path in [made.folder, *made.folder.rglob("*")])
    assert read(made.folder).manifest == made.manifest
    (part,) = made.manifest.journals
    assert (part.environment, part.instance_tag, part.last_seq) == ("sim", 7, 3)


@pytest.mark.asyncio
async def test_a_restored_bot_remembers_what_it_did_and_one_that_was_stopped_stays_stopped(tmp_path: Path) -> None:
    """A strategy that bought once would buy once more, and one that failed would run as if nothing had been."""
    home = await a_home(tmp_path / "home")
    kept = Kept(strategy="once", parameters={}, environment="sim", state={"bought": True}, stopped="it threw")
    Keep(home.bots / "once.json").write(kept)
    made = backup_of(home, tmp_path / "backups")
    assert [line.wrong for line in examine(read(made.folder)) if line.wrong] == []
    shutil.rmtree(home.root)
    new = Home.at(tmp_path / "home")
    await put_back(new, read(made.folder), clock=SystemClock(), caller=PERSON)
    assert kept_bots(new.bots) == {"once": kept}


@pytest.mark.asyncio
async def test_an_empty_home_and_a_folder_inside_the_home_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nothing to back up"):
        backup_of(Home.at(tmp_path / "empty"), tmp_path / "backups")
    home = await a_home(tmp_path / "home")
    with pytest.raises(InvalidRequest, match="inside the home"):
        backup_of(home, home.root / "backups")


@pytest.mark.asyncio
async def test_a_backup_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    home = await a_home(tmp_path / "home")
    home.desk.write_bytes(b"no database at all, and longer than a header of one would be" * 100)
    with pytest.raises(Exception, match="not a database"):
        backup_of(home, tmp_path / "backups")
    assert list((tmp_path / "backups").iterdir()) == []


@pytest.mark.asyncio
async def test_old_backups_go_and_other_folders_stay(tmp_path: Path) -> None:
    home, into = await a_home(tmp_path / "home"), tmp_path / "backups"
    clock = ManualClock(NOON)
    made = [make(home, into, clock=clock, build="test").folder for _ in range(2)]  # in the same second
    await clock.advance(timedelta(days=1).total_seconds())
    made.append(make(home, into, clock=clock, build="test").folder)
    (into / "mine").mkdir()
    assert backups_in(into) == made
    assert prune(into, 0) == []
    assert prune(into, 2) == made[:1]
    assert sorted(path.name for path in into.iterdir()) == sorted(["mine", *(path.name for path in made[1:])])


# -- what is proven -------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_backup_that_was_changed_is_seen(tmp_path: Path) -> None:
    made = backup_of(await a_home(tmp_path / "home"), tmp_path / "backups")
    file = made.folder / "floorbroker.toml"
    file.write_text(file.read_text().replace("true", "fals"))
    with pytest.raises(BackupDamaged, match="changed since the backup"):
        read(made.folder)
    file.write_text("")
    with pytest.raises(BackupDamaged, match="has 0 bytes and had"):
        read(made.folder)
    file.unlink()
    with pytest.raises(BackupDamaged, match="cannot be read"):
        read(made.folder)
    (made.folder / MANIFEST).write_text("{}")
    with pytest.raises(BackupDamaged, match="cannot be read"):
        read(made.folder)
    (made.folder / MANIFEST).unlink()
    with pytest.raises(NotFound, match="no backup"):
        read(made.folder)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "way", ["../../home/floorbroker.toml", "../{}/floorbroker.toml", "{}/../../x/floorbroker.toml"]
)
async def test_a_manifest_cannot_lead_out_of_its_folder_nor_of_a_home(tmp_path: Path, way: str) -> None:
    made = backup_of(await a_home(tmp_path / "home"), tmp_path / "backups")
    named = json.dumps(way.format(made.folder.name))
    text = (made.folder / MANIFEST).read_text().replace('"floorbroker.toml"', named)
    (made.folder / MANIFEST).write_text(text)
    with pytest.raises(BackupDamaged, match="not inside the backup"):
        read(made.folder)


@pytest.mark.asyncio
async def test_a_record_that_cannot_be_read_and_a_page_that_is_not_whole_are_seen(tmp_path: Path) -> None:
    made = backup_of(await a_home(tmp_path / "home"), tmp_path / "backups")
    assert [line.wrong for line in examine(made)] == ["", ""]
    journal = made.folder / "journal-sim.db"
    with closing(sqlite3.connect(journal)) as connection:
        connection.execute("DROP TRIGGER records_never_change")
        connection.execute("UPDATE records SET body = x'7b7d' WHERE seq = 2")
        connection.commit()
    assert [bool(line.wrong) for line in examine(made)] == [False, True]
    data = bytearray(journal.read_bytes())
    data[8192:12288] = b"\xff" * 4096
    journal.write_bytes(data)
    assert examine(made)[0].wrong


# -- what is put back is proven first -------------------------------------------------------------------------------------


def rewritten(backup: Backup, **members: object) -> Backup:
    """The backup with a manifest that tells what its files are now, and what `members` say of its only journal."""
    manifest = json.loads((backup.folder / MANIFEST).read_text())
    manifest["journals"][0] |= members
    for part in manifest["files"]:
        path = backup.folder / part["path"]
        part |= {"bytes": path.stat().st_size, "sha256": digest_of(path)}
    (backup.folder / MANIFEST).write_text(json.dumps(manifest))
    return read(backup.folder)


def state_of(home: Home) -> dict[str, bytes]:
    return {
        str(path.relative_to(home.root)): path.read_bytes()
        for path in home.root.rglob("*")
        if path.is_file() and path.suffix != ".lock" and path.name != "lock"
    }


@pytest.mark.parametrize(
    ("members", "wrong"),
    [
        ({"last_seq": 9}, "records of sim: the backup was made with 9"),
        ({"epoch": 900}, "its epoch is not what the manifest says"),
        ({"instance_tag": 8}, "its instance_tag is not what the manifest says"),
        ({"environment": "live"}, "do not tell of the same journals"),
        ({"environment": "moon"}, "records of moon: there is no such environment"),
    ],
)
@pytest.mark.asyncio
async def test_a_manifest_that_was_rewritten_is_seen_before_a_restore_changes_anything(
    tmp_path: Path, members: dict[str, object], wrong: str
) -> None:
    home = await a_home(tmp_path / "home")
    made = rewritten(backup_of(home, tmp_path / "backups"), **members)
    before = state_of(home)
    assert wrong in "; ".join(f"{line.what}: {line.wrong}" for line in examine(made))
    with pytest.raises(BackupDamaged, match=wrong):
        await put_back(home, made, clock=SystemClock(), caller=PERSON, accept_older=True, accept_unproven=True)
    assert state_of(home) == before


@pytest.mark.asyncio
async def test_a_record_changed_under_a_rewritten_manifest_is_not_put_back(tmp_path: Path) -> None:
    home = await a_home(tmp_path / "home")
    made = backup_of(home, tmp_path / "backups")
    with closing(sqlite3.connect(made.folder / "journal-sim.db")) as connection:
        connection.execute("DROP TRIGGER records_never_change")
        connection.execute("UPDATE records SET body = x'7b7d' WHERE seq = 2")
        connection.commit()
    before = state_of(home)
    with pytest.raises(BackupDamaged, match="records of sim: "):
        await put_back(home, rewritten(made), clock=SystemClock(), caller=PERSON, accept_unproven=True)
    assert state_of(home) == before


@pytest.mark.parametrize("harm", ["changed", "gone"])
@pytest.mark.asyncio
async def test_an_audit_that_is_not_sound_is_put_back_only_when_that_is_meant(tmp_path: Path, harm: str) -> None:
    async with real_floor(tmp_path) as floor:
        await floor.desk.submit(wish(1), profile=None, caller=PERSON)
    made = backup_of(floor.home, tmp_path / "backups")
    segment = made.folder / "audit" / "paper-000001.jsonl"
    if harm == "changed":
        segment.write_text(segment.read_text().replace('"actor":"ada"', '"actor":"eve"'))
    else:
        manifest = json.loads((made.folder / MANIFEST).read_text())
        manifest["files"] = [part for part in manifest["files"] if not part["path"].startswith("audit/")]
        (made.folder / MANIFEST).write_text(json.dumps(manifest))
    before = state_of(floor.home)
    with pytest.raises(BackupDamaged, match=r"audit of paper: .*--accept-unproven"):
        await put_back(floor.home, rewritten(made), clock=SystemClock(), caller=PERSON)
    assert state_of(floor.home) == before
    done = await put_back(floor.home, read(made.folder), clock=SystemClock(), caller=PERSON, accept_unproven=True)
    assert [line.what for line in done.lines if line.wrong] == ["audit of paper"]


@pytest.mark.asyncio
async def test_a_backup_of_an_older_schema_is_proven_and_put_back(tmp_path: Path) -> None:
    home = await a_home(tmp_path / "home")
    downgrade(home.journal(SIM), "0002")
    made = backup_of(home, tmp_path / "backups")
    assert made.manifest.journals[0].schema == "0002"
    done = await put_back(home, read(made.folder), clock=SystemClock(), caller=PERSON)
    assert [line.wrong for line in done.lines] == ["", ""]


@pytest.mark.asyncio
async def test_what_an_interrupted_restore_left_is_in_nobodys_way(tmp_path: Path) -> None:
    home = await a_home(tmp_path / "home")
    made = backup_of(home, tmp_path / "backups")
    (home.root / ".restoring" / "audit").mkdir(parents=True)
    done = await put_back(home, made, clock=SystemClock(), caller=PERSON)
    assert done.aside is not None
    assert not (done.aside / ".restoring").exists()
    assert not (home.root / ".restoring").exists()


# -- what may take whose place --------------------------------------------------------------------------------------------

PART = Facts(environment="sim", instance_tag=7, epoch=4, last_seq=100, schema="0003")


@pytest.mark.parametrize(
    ("present", "why"),
    [
        ({}, ""),
        ({"sim": PART}, ""),
        ({"sim": replace(PART, last_seq=90)}, ""),
        ({"sim": replace(PART, last_seq=101)}, "newer: it has come to 101 in epoch 4, the copy to 100 in epoch 4 (1 records"),
        ({"sim": replace(PART, epoch=5, last_seq=50)}, "newer"),
        ({"sim": replace(PART, instance_tag=8)}, "another installation's"),
        ({"live": replace(PART, environment="live")}, "a journal of live and the backup has none"),
        ({"sim": "journal-sim.db cannot be read"}, "nobody can say whether the copy is older"),
    ],
)  # fmt: skip
@pytest.mark.asyncio
async def test_an_older_journal_never_silently_takes_the_place_of_a_newer_one(
    tmp_path: Path, present: dict[str, Facts | str], why: str
) -> None:
    made = backup_of(await a_home(tmp_path / "home"), tmp_path / "backups")
    part = type(made.manifest.journals[0])(environment="sim", instance_tag=7, epoch=4, last_seq=100, schema="0003")
    found = objection(present, (part,))
    assert why in found
    assert bool(found) is bool(why)


@pytest.mark.asyncio
async def test_nothing_is_restored_while_somebody_has_the_journal(tmp_path: Path) -> None:
    home = await a_home(tmp_path / "home")
    made = backup_of(home, tmp_path / "backups")
    journal = SqliteJournal.open(home.journal(SIM), clock=SystemClock(), environment=SIM)
    try:
        with pytest.raises(Conflict, match="open in another process"):
            await put_back(home, made, clock=SystemClock(), caller=PERSON)
    finally:
        await journal.close()
    assert not (home.root / "kill").exists()


@pytest.mark.asyncio
async def test_a_restored_journal_says_so_in_an_epoch_that_no_lost_record_had(tmp_path: Path) -> None:
    home = await a_home(tmp_path / "home")
    made = backup_of(home, tmp_path / "backups")
    lost = SqliteJournal.open(home.journal(SIM), clock=SystemClock(), environment=SIM)
    lost_epoch = lost.epoch
    await lost.close()
    done = await put_back(home, made, clock=SystemClock(), caller=PERSON, accept_older=True)
    assert done.epochs == {"sim": lost_epoch + EPOCH_LEAP}
    journal = SqliteJournal.open(home.journal(SIM), clock=SystemClock(), environment=SIM)
    entries = [record.entry for record in journal.replay(3)]
    await journal.close()
    assert [(type(entry), getattr(entry, "actor", ""), getattr(entry, "topic", "")) for entry in entries] == [
        (AuditEntry, "ada", ""),
        (NoteEntry, "", "journal.restored"),
    ]


def test_the_parts_of_a_manifest_are_strict() -> None:
    assert FilePart.__struct_config__.forbid_unknown_fields


# -- who may come in ------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_restore_lets_nobody_in_who_was_shut_out_since_the_copy(tmp_path: Path) -> None:
    """A token that was revoked, a user who was removed, a password that was known to others, a session that was ended."""
    home = await a_home(tmp_path / "home")
    async with town(home.root, SystemClock()) as found:
        people, cookies = found.people, {}
        for name in ("ada", "grace", "eve"):
            await found.add(name)
            cookies[name] = await found.session(name)
        secrets = {name: await a_token(people, name) for name in ("stays", "goes")}
    made = backup_of(home, tmp_path / "backups")
    async with town(home.root, SystemClock()) as found:
        people = found.people
        await people.passes.revoke("goes", by=OPERATOR_ID, caller=PERSON)
        await people.members.remove("eve", caller=OPERATOR)
        await people.members.set_password("grace", Secret("other words than those"), caller=OPERATOR)
    done = await put_back(home, made, clock=SystemClock(), caller=PERSON, accept_older=True)
    assert done.people == 3
    async with town(home.root, SystemClock()) as found:
        people = found.people
        assert [people.visits.standing(cookie) for cookie in cookies.values()] == [None] * 3
        assert people.passes.by_token(secrets["goes"], "192.0.2.7") == Refusal(why="revoked")
        assert isinstance(people.passes.by_token(secrets["stays"], "192.0.2.7"), Identity)
        assert isinstance(await found.sign_in("eve"), Refused)
        assert isinstance(await found.sign_in("grace"), Refused)
        assert isinstance(await found.sign_in("grace", "other words than those"), SignedIn)
        assert isinstance(await found.sign_in("ada"), SignedIn)


@pytest.mark.parametrize("lost", ["all", "desk.db", "another"])
@pytest.mark.asyncio
async def test_where_nobody_knows_who_was_shut_out_sessions_end_and_it_is_said(tmp_path: Path, lost: str) -> None:
    home = await a_home(tmp_path / "home")
    async with town(home.root, SystemClock()) as found:
        await found.add("ada")
        cookie = await found.session("ada")
    made = backup_of(home, tmp_path / "backups")
    match lost:
        case "all":
            shutil.rmtree(home.root)
        case "desk.db":
            home.desk.write_bytes(b"nothing that can be read" * 100)
        case _:
            home.journal(SIM).unlink()
            journal = SqliteJournal.open(home.journal(SIM), clock=SystemClock(), environment=SIM, instance_tag=8)
            await journal.close()
            home.desk.unlink()
            async with town(home.root, SystemClock()) as found:
                await found.add("mallory")
    done = await put_back(Home.at(home.root), made, clock=SystemClock(), caller=PERSON, accept_older=True)
    assert done.people is None
    async with town(home.root, SystemClock()) as found:
        assert found.people.visits.standing(cookie) is None
        assert isinstance(await found.sign_in("ada"), SignedIn)


async def a_token(people: People, name: str) -> str:
    new = NewToken(name=name, environment=SIM, scopes=frozenset({Scope.READ}))
    return (await people.passes.create(new, owner=OPERATOR_ID, caller=PERSON))[1].reveal()
