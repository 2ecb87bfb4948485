"""Leaks planted on purpose, one for each way out: each stands in memory alone, and the canaries must find it."""

from __future__ import annotations

import base64
import traceback
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from floorbroker.api import cleaning, problems
from floorbroker.app import clean_journal, logs, redactor, spellings, streams
from floorbroker.domain.errors import ApiError, Outcome
from floorbroker.oms import unforeseen
from floorbroker.transport.layers import audit, hush
from tests.canary import sites
from tests.canary.canaries import CANARIES
from tests.canary.errors import Case
from tests.canary.house import House, opened
from tests.canary.scanner import Hit

Site = Callable[[House, Case], Awaitable[None]]
Patch = Callable[[pytest.MonkeyPatch], None]
PIN, KEY = "password of eight", "secret key"


@dataclass(frozen=True, slots=True)
class Leak:
    """What is broken, which canaries in which shapes come by, and where one must be seen."""

    plant: Patch
    site: Site
    seen_in: str
    canary: str = KEY
    encoding: str = "itself"
    shape: str = "message"

    def cases(self) -> Iterable[Case]:
        return (Case(n, self.canary, self.encoding, self.shape) for n in range(12))


def _replaced(module: Any, name: str, value: Any) -> Patch:
    return lambda patch: patch.setattr(module, name, value)


def _both(*patches: Patch) -> Patch:
    def plant(patch: pytest.MonkeyPatch) -> None:
        for one in patches:
            one(patch)

    return plant


async def _as_it_was(self: Any, request: Any) -> Any:
    return await self._inner.send(request)


async def _commit_as_it_is(self: clean_journal.CleanJournal, entries: Any) -> Any:
    return await self.inner.commit(entries)


def _write_as_it_is(self: streams.CleanStream, text: str) -> int:
    return self.plain.write(text)


def _tell_the_cause(self: Any, kind: Any, error: BaseException | None, trace: object) -> None:
    if isinstance(error, Exception):
        raise ApiError(f"unforeseen: {error}", outcome=Outcome.UNKNOWN) from error


def _print_as_it_is(self: logs.LibraryLog, record: Any) -> None:
    trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    streams.behind(__import__("sys").stderr).write(f"{record.msg} {record.args} {trace}\n")


def _without(*families: str) -> Patch:
    """The filter forgets a family of spellings."""
    nothing: Callable[[str], Iterable[Any]] = lambda secret: ()  # noqa: E731 - as short as what it replaces
    return _both(*(_replaced(spellings, family, nothing) for family in families))


async def _count_by_key(house: House, case: Case) -> None:
    house.meter.count("logins", key=case.told())
    house.heard("metrics", house.meter.render().decode())


async def _leave_a_file(house: House, case: Case) -> None:
    (house.home.root / "crash.txt").write_text(base64.b64encode(f"v1:{case.told()}".encode()).decode())


async def _print(house: House, case: Case) -> None:
    house.stream.write(f"connecting with {case.told()}\n")


open_replies = _replaced(
    cleaning.CleanReplies, "__call__", lambda self, scope, receive, send: self.app(scope, receive, send)
)
open_journal = _replaced(clean_journal.CleanJournal, "commit", _commit_as_it_is)

LEAKS: dict[str, Leak] = {
    "members of a log line are not cleaned": Leak(
        _replaced(logs, "cleaned", lambda value, clean: value), sites.a_log_line_holds_it, "the log"
    ),
    "numbers, lists and objects in a log line are not cleaned": Leak(
        _replaced(logs, "cleaned", lambda value, clean: clean(value) if isinstance(value, str) else value),
        sites.a_log_line_holds_it,
        "the log",
    ),
    "what libraries log is printed": Leak(
        _replaced(logs.LibraryLog, "emit", _print_as_it_is), sites.something_fails_beside_the_desk, "standard error"
    ),
    "standard error is not cleaned": Leak(
        _replaced(streams.CleanStream, "write", _write_as_it_is), _print, "standard error"
    ),
    "a trace is printed as it is": Leak(
        _replaced(streams.CleanStream, "write", _write_as_it_is),
        sites.an_error_is_told_by_the_command_line,
        "standard error",
        shape="cause",
    ),
    "the words of venues become durable": Leak(open_journal, sites.the_stream_tells, "journal-paper.db"),
    "the details of a refusal become durable": Leak(open_journal, sites.a_submit_fails, "journal-paper.db", shape="refusal"),
    "the list of unresolved orders repeats a venue": Leak(
        _both(open_journal, _replaced(redactor.SecretFilter, "clean", lambda self, text: text)),
        sites.the_stream_tells,
        "unresolved_orders.log",
    ),
    "a refusal of the venue is told as it is": Leak(
        _replaced(hush.Hush, "send", _as_it_was), sites.the_venue_answers, "what doors said"
    ),
    "the audit's copy of an exchange keeps the body": Leak(
        _replaced(audit.Audit, "_body", lambda _, body, request, clean: body.decode("utf-8", "replace")),
        sites.the_venue_answers,
        "what doors said",
    ),
    "a problem repeats what an error said": Leak(
        _both(_replaced(problems, "_clean_of", lambda request: str), open_replies),
        sites.a_read_of_the_adapter_fails,
        "what doors said",
        shape="login",
    ),
    "a reply is not looked at once more": Leak(open_replies, sites.the_session_says_why, "what doors said"),
    "a reply is cleaned of long secrets alone": Leak(
        _replaced(redactor.SecretFilter, "clean_reply", lambda self, raw: raw), sites.the_session_says_why,
        "what doors said", canary=PIN,
    ),
    "an unforeseen error tells its cause": Leak(
        _replaced(unforeseen.ours, "__exit__", _tell_the_cause), sites.the_library_asks, "what doors said"
    ),
    "a metric has a key for a label": Leak(_replaced(redactor, "STARS", "***"), _count_by_key, "what doors said"),
    "a file of the home holds a packed secret": Leak(_replaced(redactor, "STARS", "***"), _leave_a_file, "crash.txt"),
    "the filter forgets base64": Leak(
        _without("_base64"), sites.a_log_line_holds_it, "the log", encoding="base64 of a login"
    ),
    "the filter forgets hex": Leak(_without("_hex"), sites.a_log_line_holds_it, "the log", encoding="hex in capitals"),
    "the filter forgets URLs": Leak(
        _without("_percent"), sites.a_log_line_holds_it, "the log", encoding="URL, every byte"
    ),
    "the filter forgets escapes": Leak(
        _without("_escaped"), sites.a_log_line_holds_it, "the log", encoding="JSON, every character"
    ),
    "the filter cuts short": Leak(
        _replaced(redactor.SecretFilter, "_has_block", lambda self, raw: False), sites.a_log_line_holds_it, "the log"
    ),
}  # fmt: skip


async def _played(folder: Path, leak: Leak) -> list[Hit]:
    async with opened(folder) as house:
        for case in leak.cases():
            await leak.site(house, case)
        await house.session.ctx.writer.idle()
        found = house.look()
    return found + house.scanner.look_into(house.home.root)


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("name", LEAKS)
async def test_a_planted_leak_is_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leak = LEAKS[name]
    leak.plant(monkeypatch)
    found = await _played(tmp_path, leak)
    assert [hit for hit in found if hit.where.startswith(leak.seen_in) and hit.canary == leak.canary], found


@pytest.mark.slow
@pytest.mark.asyncio
async def test_without_a_leak_the_same_cases_show_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        for leak in LEAKS.values():
            if leak.site.__module__ == sites.__name__:
                for case in leak.cases():
                    await leak.site(house, case)
        await house.session.ctx.writer.idle()
        found = house.look()
    assert [str(hit) for hit in found + house.scanner.look_into(house.home.root)] == []


def test_every_secret_is_a_canary_of_its_own() -> None:
    assert len(set(CANARIES.values())) == len(CANARIES) >= 20
