"""House facts that hold without anyone remembering them. A failing test lists every offender."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import tomllib
from dataclasses import astuple, fields
from pathlib import Path

import pytest

from floorbroker.brokers.registry import BROKERS
from floorbroker.domain.steps import SENDING, STEPS, Sending
from tests import tidy
from tests.tidy import ROOT, Source

SOURCES = tidy.python_sources()
ENTRY_POINTS = (
    "floorbroker.cli.main",  # the `floorbroker` command
    "floorbroker.__main__",  # `python -m floorbroker`
    "floorbroker_sim.__main__",  # `python -m floorbroker_sim`
    "floorbroker.client",  # a library of its own: other people's programs import it
    "floorbroker.store.migrations",  # alembic finds them by folder
    "floorbroker.store.desk.migrations",  # the same
    "floorbroker.web.vendor",  # `make vendor-web`
    "floorbroker.app.backtest_child",  # a process of its own
    "floorbroker.web.dashboard",  # Streamlit runs the file
)
CLOCK = "floorbroker/domain/clock.py"  # the one door of time: it may read clocks, and counts seconds
# Folders whose rooms are not all there yet: nobody can trade there, and the adapter takes them off this list.
UNDER_WAY: frozenset[str] = frozenset()
NEAR_MONEY = ("domain", "oms", "risk", "brokers", "matching", "store")
# What may be typed float there, and why: a name anywhere, or `file:name`.
FLOATS = {
    "budget_used": "the part of a rate budget in use",
    "budgets": "the same of each budget, by name",
    "monotonic": "`Clock.monotonic` answers seconds of a clock with no date",
    "decided_at": "a reading of `Clock.monotonic`, to tell the age of an intent",
    "risk/gate.py:_messages": "readings of `Clock.monotonic`, for the message rate",
    "risk/gate.py:_recent": "the same, for the duplicate guard",
    "oms/inbound.py:heard_at": "the same, of the last word from the private stream",
    "oms/account.py:_quotes": "the same, of when each quote was heard",
    "oms/account.py:heard": "the same, for who compares many at once",
    "brokers/alpaca/rest/market.py:_rules": "the same, of when an instrument's rules were fetched",
    "brokers/alpaca/adapter.py:_measure_offset": "seconds the venue's clock is ahead of ours",
    "domain/ports.py:value": "a measurement handed to `Meter`, never money",
}
BINARY = frozenset({".lock", ".png", ".ico", ".woff2", ".map", ".gz", ".zip"})
# Where names of venues' own variables may stand: the table that reads old files, and its tests.
OLD_NAMES = (
    "src/floorbroker/app/import_env.py",
    "tests/unit/app/test_importing.py",
    "tests/unit/cli/test_import_env.py",
)
# Files that may catch everything, and why.
BROAD_EXCEPTS = {
    "floorbroker/gateway/monitor.py": "a callback may raise anything: it is logged, and the monitor goes on for the others",
    "floorbroker/hooks/carriers.py": "a plug-in of Apprise may raise anything, with a URL in it: it is a try that failed",
    "floorbroker/marketdata/books.py": "whatever an update or a question meets, that book alone is stale and asked for again",
    "floorbroker/oms/unforeseen.py": "makes whatever nobody foresaw an error of ours, so that nobody else has to",
    "floorbroker/strategy/bots/worker.py": "a strategy may raise anything: it is told to the desk's side, which stops the bot",
    "floorbroker/app/logs.py": "a library's line that cannot be formatted is told by its type: logging would print its arguments",
    "floorbroker/app/redactor.py": "a value whose text cannot be had is told by its type: a log line never fails",
    "floorbroker/transport/feeds.py": "a listener may raise anything: it is counted, and the stream goes on for the others",
    "floorbroker/transport/private.py": "whatever a frame meets, the stream comes back: a bug leaves no account deaf",
    "floorbroker/transport/breakers.py": "whatever a probe meets, the next one is sent: a bug must not keep orders out for good",
}


def offenders(found: list[str]) -> str:
    return "\n  " + "\n  ".join(found)


def in_packages(*names: str) -> list[Source]:
    return [s for s in SOURCES if s.parts[0] == "floorbroker" and len(s.parts) > 1 and s.parts[1] in names]


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


# --- Rooms -----------------------------------------------------------------------------------------------------------


def test_rooms_of_brokers_and_simulators_have_their_names() -> None:
    found = tidy.misnamed_rooms(SOURCES)
    assert not found, offenders(found)


def test_every_broker_states_its_facts_and_has_an_adapter() -> None:
    folders = {s.parts[2] for s in SOURCES if s.parts[:2] == ("floorbroker", "brokers") and len(s.parts) > 3}
    paths = {s.path for s in SOURCES}
    rooms = [f"floorbroker/brokers/{name}/{room}.py" for name in folders - UNDER_WAY for room in ("info", "adapter")]
    found = sorted(set(rooms) - paths)
    assert not found, offenders(found)


def test_a_broker_under_way_cannot_be_traded_and_leaves_the_list_with_its_adapter() -> None:
    registered = {info.folder for info in BROKERS.values()}
    paths = {s.path for s in SOURCES}
    found = sorted(n for n in UNDER_WAY if n in registered or f"floorbroker/brokers/{n}/adapter.py" in paths)
    assert not found, offenders(found)


def test_no_module_is_an_orphan() -> None:
    found = tidy.orphans(SOURCES, entries=ENTRY_POINTS)
    assert not found, offenders(found)


def test_every_module_says_what_it_is() -> None:
    found = [f"src/{s.path}" for s in SOURCES if not ast.get_docstring(s.tree)]
    assert not found, offenders(found)


def test_packages_re_export_only_what_exists() -> None:
    found: list[str] = []
    for source in SOURCES:
        if source.path.endswith("__init__.py"):
            package = importlib.import_module(source.module)
            names = getattr(package, "__all__", ())
            found += [f"{source.module}.__all__ names {n}" for n in names if not hasattr(package, n)]
            found += [f"{source.module}.__all__ names {n} twice" for n in set(names) if list(names).count(n) > 1]
    assert not found, offenders(found)


# --- Time and money --------------------------------------------------------------------------------------------------


def test_time_has_one_door() -> None:
    found = [line for s in SOURCES if s.path != CLOCK for line in tidy.clock_calls(s)]
    assert not found, offenders(found)


def test_no_float_comes_near_money() -> None:
    found: list[str] = []
    for source in in_packages(*NEAR_MONEY):
        own = source.path.removeprefix("floorbroker/")
        if source.path != CLOCK:
            found += tidy.floats(source, allowed={name.removeprefix(f"{own}:") for name in FLOATS})
    assert not found, offenders(found)


# --- Proportion ------------------------------------------------------------------------------------------------------


def test_nine_files_in_ten_are_under_450_lines() -> None:
    lengths = tidy.file_lengths(SOURCES)
    found = tidy.over(lengths, limit=450)
    assert len(found) <= len(lengths) / 10, offenders(found)


def test_nine_functions_in_ten_are_under_40_lines() -> None:
    lengths = tidy.function_lengths(SOURCES)
    found = tidy.over(lengths, limit=40)
    assert len(found) <= len(lengths) / 10, offenders(found)


# --- Habits ----------------------------------------------------------------------------------------------------------


def test_nothing_prints() -> None:
    found = [line for s in SOURCES for line in tidy.calls_of(s, "print", "breakpoint")]
    assert not found, offenders(found)


def test_no_handler_catches_everything() -> None:
    found = [line for s in SOURCES if s.path not in BROAD_EXCEPTS for line in tidy.broad_excepts(s)]
    assert not found, offenders(found)


def test_nothing_is_left_unfinished() -> None:
    found = [line for s in SOURCES for line in tidy.unfinished(s)]
    assert not found, offenders(found)


def test_templates_never_switch_escaping_off() -> None:
    pages = [p for ending in ("html", "j2", "jinja", "xml", "svg") for p in tidy.SRC.rglob(f"*.{ending}")]
    found = [f"{p.relative_to(ROOT)}:{hit}" for p in pages for hit in tidy.hits(p.read_text(), tidy.UNSAFE_MARKUP)]
    found += [line for s in SOURCES for line in tidy.calls_of(s, "Markup")]
    assert not found, offenders(found)


def test_venue_specific_variable_names_stand_in_the_import_table_alone() -> None:
    found: list[str] = []
    for path in tracked("."):
        where = str(path.relative_to(ROOT))
        if where in OLD_NAMES or path.suffix in BINARY or ".min." in path.name or path.name == "uv.lock":
            continue
        hits = tidy.hits(path.read_text(encoding="utf-8", errors="replace"), tidy.VENUE_NAMES)
        allowed = tidy.CONTAINER_NAMES if where.startswith("docs/") else frozenset[str]()
        found += [f"{where}:{hit}" for hit in hits if hit.partition(": ")[2] not in allowed]
    assert not found, offenders(found)


def test_the_import_table_is_where_the_old_names_are() -> None:
    table = (ROOT / OLD_NAMES[0]).read_text(encoding="utf-8")
    assert len(tidy.hits(table, tidy.VENUE_NAMES)) > 100


def test_the_project_speaks_of_itself_only() -> None:
    found: list[str] = []
    for path in tracked("."):
        if path.suffix not in BINARY and ".min." not in path.name:
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)}:{hit}" for hit in tidy.hits(text, tidy.WORKSHOP_WORDS)]
    assert not found, offenders(found)


# --- Imports that no floor plan shows --------------------------------------------------------------------------------


def test_the_domain_stands_on_the_standard_library_alone() -> None:
    found = [line for s in in_packages("domain") for line in tidy.outside_stdlib(s)]
    assert not found, offenders(found)


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("aiohttp", {"floorbroker/transport/http.py"}),  # it resends PUT and DELETE: no command may come near it
        ("httptools", {"floorbroker/transport/reply.py"}),
        ("picows", {"floorbroker/transport/ws.py"}),
        ("httpx", set[str]()),  # unmaintained; the maintained fork has another name
        ("requests", set[str]()),
    ],
)
def test_a_network_library_is_imported_in_its_own_room_alone(library: str, rooms: set[str]) -> None:
    found = sorted(tidy.importers_of(in_packages(*{s.parts[1] for s in SOURCES if len(s.parts) > 1}), library) - rooms)
    assert not found, offenders(found)


def test_simulators_take_no_order_fold_through_the_front_of_the_domain() -> None:
    hidden = {
        node.name
        for s in in_packages("domain")
        if s.parts[-1] in {"fold", "facts"}
        for node in s.tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }
    found = [
        f"src/{s.path}: {name}"
        for s in SOURCES
        if s.parts[0] == "floorbroker_sim"
        for name in sorted(tidy.imports(s) & {f"floorbroker.domain.{n}" for n in hidden})
    ]
    assert not found, offenders(found)


# --- Steps -----------------------------------------------------------------------------------------------------------


def test_every_listed_step_is_reached_and_every_reached_step_is_listed() -> None:
    calls = [call for source in SOURCES for call in tidy.reached_steps(source)]
    reached = {name for name, _ in calls}
    named = {f".{field.name}" for field in fields(Sending)}
    of_requests = (
        {name for sending in SENDING.values() for name in astuple(sending)} if named <= reached else set[str]()
    )
    found = [where for name, where in calls if name not in STEPS and name not in named]
    found += [f"{name} is listed and never reached" for name in sorted(set(STEPS) - reached - of_requests)]
    found += [f"{name} is reached and not listed" for name in sorted(of_requests - set(STEPS))]
    assert not found, offenders(found)


def test_a_command_of_an_adapter_has_steps_under_its_endpoint() -> None:
    endpoints = {
        word.group(1)
        for source in in_packages("brokers")
        for word in re.finditer(r'"(orders\.(?:submit|replace|cancel)\w*)"', source.text)
    }
    assert endpoints == set(SENDING)


# --- Payloads --------------------------------------------------------------------------------------------------------


def test_every_payload_names_the_document_it_was_composed_from() -> None:
    found: list[str] = []
    for folder in sorted((ROOT / "tests" / "payloads").glob("*/")):
        listed = folder / "SOURCES.toml"
        if not listed.is_file():
            found.append(f"{folder.relative_to(ROOT)} has no SOURCES.toml")
            continue
        table = tomllib.loads(listed.read_text(encoding="utf-8"))
        files = [str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p != listed]
        found += [f"{folder.relative_to(ROOT)}/{name}" for name in tidy.unsourced(sorted(files), table)]
    assert not found, offenders(found)


def test_every_payload_is_read_by_a_test() -> None:
    tests = "\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests").rglob("*.py"))
    files = [
        p for p in sorted((ROOT / "tests" / "payloads").glob("*/**/*")) if p.is_file() and p.name != "SOURCES.toml"
    ]
    found = [str(p.relative_to(ROOT)) for p in files if p.stem not in tests]
    assert not found, offenders(found)


# --- The rules themselves: each one sees what was planted ------------------------------------------------------------

PLANTED = [
    (tidy.clock_calls, "from datetime import datetime\nx = datetime.now()", "datetime.now"),
    (tidy.clock_calls, "import datetime as dt\nx = dt.datetime.utcnow()", "datetime.utcnow"),
    (tidy.clock_calls, "from time import monotonic as m\nx = m()", "time.monotonic"),
    (tidy.clock_calls, "import asyncio\nasync def f(): await asyncio.sleep(1)", "asyncio.sleep"),
    (tidy.clock_calls, "import time\nclock = time.time", "time.time"),
    (tidy.floats, "x = float('1')", "float(...)"),
    (tidy.floats, "def f(price: float) -> None: ...", "price is typed float"),
    (tidy.floats, "def price() -> 'float | None': ...", "price is typed float"),
    (tidy.floats, "class A:\n    qty: dict[str, float]", "qty is typed float"),
    (tidy.broad_excepts, "try: ...\nexcept: ...", "broad except"),
    (tidy.broad_excepts, "try: ...\nexcept (ValueError, Exception): ...", "broad except"),
    (tidy.broad_excepts, "with suppress(Exception): ...", "broad suppress"),
    (tidy.unfinished, "def f(): raise NotImplementedError", "NotImplementedError"),
    (tidy.unfinished, "def f(): raise NotImplementedError('later')", "NotImplementedError"),
    (tidy.outside_stdlib, "import msgspec", "msgspec"),
]


@pytest.mark.parametrize(("rule", "text", "expected"), PLANTED)
def test_a_planted_offence_is_seen(rule: type, text: str, expected: str) -> None:
    assert [line for line in rule(Source("floorbroker/domain/planted.py", text)) if expected in line]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (tidy.clock_calls, "async def f(clock): await clock.sleep(1); return clock.now(), clock.monotonic()"),
        (tidy.clock_calls, "async def f(time): await time.sleep(1)"),
        (tidy.floats, "def f(timeout_s: float, lag_ms: float) -> None: ..."),
        (tidy.floats, "wait = float(limits.window_s)"),
        (tidy.floats, "def refuse(x: object) -> bool: return isinstance(x, float)"),
        (tidy.unfinished, "with suppress(NotImplementedError): add_signal_handler()"),
        (tidy.broad_excepts, "try: ...\nexcept (ValueError, OSError): ..."),
        (tidy.broad_excepts, "try: ...\nexcept BaseException:\n    close()\n    raise"),
        (tidy.outside_stdlib, "import decimal\nfrom floorbroker.domain.values import Price"),
    ],
)
def test_what_is_allowed_is_not_seen(rule: type, text: str) -> None:
    assert rule(Source("floorbroker/domain/planted.py", text)) == []


def test_a_misnamed_room_is_seen() -> None:
    paths = ["floorbroker/brokers/acme/helpers.py", "floorbroker/brokers/util.py", "floorbroker_sim/acme/adapter.py"]
    assert len(tidy.misnamed_rooms([Source(p, "") for p in paths])) == len(paths)


def test_a_right_named_room_is_not_seen() -> None:
    paths = ["floorbroker/brokers/acme/wire.py", "floorbroker/brokers/registry.py", "floorbroker_sim/acme/venue.py"]
    assert tidy.misnamed_rooms([Source(p, "") for p in [*paths, "floorbroker_sim/faults.py"]]) == []


def test_an_orphan_is_seen_and_a_lazily_loaded_module_is_not() -> None:
    tree = [
        Source(
            "floorbroker/cli/main.py", "LAZY = {'x': 'floorbroker.app.compose:open'}\nn = f'floorbroker_sim.{v}.venue'"
        ),
        Source("floorbroker/app/compose.py", ""),
        Source("floorbroker/app/lonely.py", "import floorbroker.app.lonely"),
        Source("floorbroker_sim/acme/venue.py", ""),
    ]
    assert tidy.orphans(tree, entries=["floorbroker.cli.main"]) == ["src/floorbroker/app/lonely.py"]


@pytest.mark.parametrize(
    "word",
    [
        "ALPACA_" + "API_KEY", "IB_" + "PORT", "APCA_API_" + "KEY_ID", "KRAKEN_" + "SECRET", "ALPACA_" + "PAPER",
        "VITE_ALPACA_" + "IS_PAPER", "INTERACTIVE_BROKERS_" + "PORT", "OANDA_" + "ENVIRONMENT", "TRADIER_" + "ACCOUNT_NUMBER",
    ],
)  # fmt: skip
def test_a_venue_specific_variable_is_seen(word: str) -> None:
    assert tidy.hits(f'os.environ["{word}"]', tidy.VENUE_NAMES)


def test_agnostic_variables_and_headers_are_not_seen() -> None:
    assert tidy.hits("BROKER_API_KEY APCA-API-KEY-ID IBKR_WEB ALPACA_PY", tidy.VENUE_NAMES) == []


@pytest.mark.parametrize("text", ["{{ x|safe }}", "{{ x | safe }}", "{% autoescape false %}"])
def test_switched_off_escaping_is_seen(text: str) -> None:
    assert tidy.hits(text, tidy.UNSAFE_MARKUP)


def test_a_step_is_seen_by_its_full_name_alone() -> None:
    text = "steps.reach('submit.S4')\nself.steps.reach(named.gate)\nsteps.reach(f'submit.{n}')"
    found = tidy.reached_steps(Source("floorbroker/domain/planted.py", text))
    assert [name for name, _ in found] == ["submit.S4", ".gate", ""]


def test_a_payload_without_a_document_is_seen() -> None:
    table = tomllib.loads('"a.json" = "https://docs.venue.example/a"\n[b]\ndocument = "section 2"\n["c.json"]\n')
    assert tidy.unsourced(["a.json", "b.json", "c.json", "d.json"], table) == ["c.json", "d.json"]


def test_lengths_are_counted_to_the_last_line() -> None:
    lengths = tidy.function_lengths([Source("floorbroker/x.py", "def f():\n    a = 1\n    return a\n")])
    assert list(lengths.values()) == [3]
    assert tidy.over({"long": 450, "short": 449}, limit=450) == ["450 lines: long"]


def test_the_words_of_the_workshop_are_seen() -> None:
    assert tidy.hits("see /wor" + "k/x", tidy.WORKSHOP_WORDS)
    assert not re.search(tidy.WORKSHOP_WORDS, "a worker shares its queue")
