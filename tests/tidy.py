"""The rules behind `tests/unit/test_tidy.py`: pure functions from source text to a list of offenders.

Each takes text or a syntax tree and returns what is wrong as short strings, so that a rule can be tried on a planted
example as easily as on the tree.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"

BROKER_ROOMS = frozenset(
    {"__init__", "info", "wire", "mapping", "errors", "auth", "limits", "rest", "stream", "codec", "adapter"}
)
SIM_ROOMS = BROKER_ROOMS - {"adapter"} | {"venue"}

CLOCKS = frozenset(
    {
        "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
        "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns",
        "time.sleep", "asyncio.sleep",
    }
)  # fmt: skip
UNITS_OF_TIME = ("_s", "_ms")
BROAD = frozenset({"Exception", "BaseException"})

VENUE_NAMES = re.compile(
    r"\b(?:[A-Z0-9]+_)*(?:ALPACA|APCA|IBKR|IB|IBEAM|TWS|INTERACTIVE_BROKERS|TRADIER|KRAKEN|BYBIT|BINANCE|OANDA|UPSTOX|POLYGON)_"
    r"(?:[A-Z0-9]+_)*(?:KEY|ID|SECRET|TOKEN|HOST|IP|PORT|URL|ENDPOINT|ENABLED|USER|USERID|USERNAME|PASSWORD|PAPER|LIVE|SANDBOX"
    r"|TESTNET|ENV|ENVIRONMENT|MODE|ACCOUNT|NUMBER|FEED)\b"
)
# What pages may say of containers that other people publish, which have settings of their own.
CONTAINER_NAMES = frozenset({"TWS_" + "USERID", "TWS_" + "PASSWORD", "IBEAM_" + "ACCOUNT", "IBEAM_" + "PASSWORD"})
UNSAFE_MARKUP = re.compile(r"\|\s*safe\b|autoescape\s+false")
# Written so that this file does not contain the words it looks for.
WORKSHOP_WORDS = re.compile(
    r"/wor[k]/|\.\./share[d]\b|sub[-]?agen[t]|language mode[l]|\bLL[M] session|\bC[E]O\b|\bcl[a]ude\b|\bchatgp[t]\b"
    r"|developer sessio[n]|another enginee[r]|as an [aA]I\b|prompt enginee[r]",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Source:
    """One file of the tree: its path relative to `src` (or to the project) and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree, parsed once."""
        return ast.parse(self.text, self.path)

    @property
    def module(self) -> str:
        """The dotted name Python knows the file by."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def parts(self) -> tuple[str, ...]:
        """The folders, then the file name without its ending."""
        return tuple(self.path.removesuffix(".py").split("/"))


def python_sources(*, base: Path = SRC) -> list[Source]:
    """Every Python file below `base`."""
    return [Source(str(p.relative_to(base)), p.read_text(encoding="utf-8")) for p in sorted(base.rglob("*.py"))]


def spelled(node: ast.AST) -> str:
    """`a.b.c` for a chain of names, else an empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{spelled(node.value)}.{node.attr}"
    return ""


def aliases(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: `from time import sleep as nap` gives `nap -> time.sleep`."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known.update({a.asname: a.name for a in node.names if a.asname})
            known.update({a.name.split(".")[0]: a.name.split(".")[0] for a in node.names if not a.asname})
        elif isinstance(node, ast.ImportFrom) and node.module:
            known.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    return known


def resolved(node: ast.AST, known: Mapping[str, str]) -> str:
    """The full spelling of a chain of names that starts with an import; empty when it starts with anything else."""
    head, _, rest = spelled(node).partition(".")
    full = known.get(head, "")
    if not full:
        return ""
    return f"{full}.{rest}" if rest else full


def at(source: Source, node: ast.AST, what: str) -> str:
    """One offender, in the form an editor can jump to."""
    return f"src/{source.path}:{getattr(node, 'lineno', 1)} {what}"


# --- Rooms -----------------------------------------------------------------------------------------------------------


def misnamed_rooms(sources: Iterable[Source]) -> list[str]:
    """Files of a broker or a simulator that are no room of the house."""
    found: list[str] = []
    for source in sources:
        match source.parts:
            case ("floorbroker", "brokers", file):
                allowed, room = frozenset({"__init__", "late", "registry", "wiring"}), file
            case ("floorbroker", "brokers", _, room, *_):
                allowed = BROKER_ROOMS
            case ("floorbroker_sim", _, room, *_):
                allowed = SIM_ROOMS
            case _:
                continue
        if room not in allowed:
            found.append(f"src/{source.path}: {room!r} is no room; rooms are {', '.join(sorted(allowed))}")
    return found


# --- Time and money --------------------------------------------------------------------------------------------------


def clock_calls(source: Source) -> list[str]:
    """Places that read a clock or sleep without `Clock`; a bare reference counts, since it can be called later."""
    known = aliases(source.tree)
    found: list[str] = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = ".".join(resolved(node, known).split(".")[-2:])
            if name in CLOCKS:
                found.append(at(source, node, name))
    return found


def _annotations(tree: ast.Module) -> Iterator[tuple[str, ast.AST, ast.AST]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            yield spelled(node.target).rpartition(".")[2], node.annotation, node
        elif isinstance(node, ast.arg) and node.annotation is not None:
            yield node.arg, node.annotation, node
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns is not None:
            yield node.name, node.returns, node


def _mentions_float(annotation: ast.AST) -> bool:
    return any(
        (isinstance(n, ast.Name) and n.id == "float")
        or (isinstance(n, ast.Constant) and isinstance(n.value, str) and re.search(r"\bfloat\b", n.value))
        for n in ast.walk(annotation)
    )


def floats(source: Source, *, allowed: Iterable[str] = ()) -> list[str]:
    """`float(...)` and names typed float, except durations that end in their unit (`timeout_s`, `lag_ms`)."""
    found = [
        at(source, node, "float(...)")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and spelled(node.func) == "float"
        if not any(spelled(argument).endswith(UNITS_OF_TIME) for argument in node.args)
    ]
    for name, annotation, node in _annotations(source.tree):
        if name.endswith(UNITS_OF_TIME) or name in allowed:
            continue
        if _mentions_float(annotation):
            found.append(at(source, node, f"{name} is typed float"))
    return found


# --- Proportion ------------------------------------------------------------------------------------------------------


def file_lengths(sources: Iterable[Source]) -> dict[str, int]:
    """Lines of each file."""
    return {f"src/{s.path}": len(s.text.splitlines()) for s in sources}


def function_lengths(sources: Iterable[Source]) -> dict[str, int]:
    """Lines of each function, from `def` to its last line, docstring included."""
    return {
        at(source, node, node.name): (node.end_lineno or node.lineno) - node.lineno + 1
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def over(lengths: Mapping[str, int], *, limit: int) -> list[str]:
    """Those at or above the limit, longest first."""
    return [f"{n} lines: {name}" for name, n in sorted(lengths.items(), key=lambda item: -item[1]) if n >= limit]


# --- Habits ----------------------------------------------------------------------------------------------------------


def calls_of(source: Source, *names: str) -> list[str]:
    """Calls of any of these bare names."""
    return [
        at(source, node, f"{spelled(node.func)}(...)")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and spelled(node.func) in names
    ]


def _passes_on(handler: ast.ExceptHandler) -> bool:
    """Whether a handler only tidies up: its last statement is a bare `raise`."""
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def broad_excepts(source: Source) -> list[str]:
    """Handlers that swallow everything, `suppress(Exception)` included; tidying up and raising again is no offence."""
    found: list[str] = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and not _passes_on(node):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or spelled(kind) in BROAD for kind in kinds):
                found.append(at(source, node, "broad except"))
    suppressed = [n for n in ast.walk(source.tree) if isinstance(n, ast.Call) and spelled(n.func).endswith("suppress")]
    found += [at(source, n, "broad suppress") for n in suppressed if any(spelled(arg) in BROAD for arg in n.args)]
    return found


def unfinished(source: Source) -> list[str]:
    """Places that raise NotImplementedError: what is not there is not pretended."""
    raised = [n.exc for n in ast.walk(source.tree) if isinstance(n, ast.Raise) and n.exc is not None]
    kinds = [node.func if isinstance(node, ast.Call) else node for node in raised]
    return [at(source, kind, "NotImplementedError") for kind in kinds if spelled(kind) == "NotImplementedError"]


def hits(text: str, pattern: re.Pattern[str]) -> list[str]:
    """`line: match` for each match in a text."""
    return [f"{n}: {m.group()}" for n, line in enumerate(text.splitlines(), 1) for m in pattern.finditer(line)]


# --- Imports ---------------------------------------------------------------------------------------------------------


def imports(source: Source) -> set[str]:
    """Dotted names a module may load: import statements, and module names it spells in text for lazy loading."""
    names: set[str] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            names.update(re.findall(r"^floorbroker(?:_sim)?(?:\.\w+)+", node.value))
    return names


def import_patterns(source: Source) -> list[re.Pattern[str]]:
    """Module names put together at run time: `f"floorbroker_sim.{venue}.venue"`."""
    found: list[re.Pattern[str]] = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(re.escape(str(v.value)) if isinstance(v, ast.Constant) else r"\w+" for v in node.values)
            if text.startswith(("floorbroker\\.", "floorbroker_sim\\.")):
                found.append(re.compile(text.split(":")[0]))
    return found


def orphans(sources: list[Source], *, entries: Iterable[str]) -> list[str]:
    """Modules nobody loads and that are no entry point; packages count as loaded through what they hold."""
    loaded = {name for s in sources for name in imports(s) - {s.module}}
    patterns = [pattern for s in sources for pattern in import_patterns(s)]
    return [
        f"src/{s.path}"
        for s in sources
        if not s.path.endswith("__init__.py")
        and s.module not in loaded
        and not any(pattern.fullmatch(s.module) for pattern in patterns)
        and not any(s.module == entry or s.module.startswith(f"{entry}.") for entry in entries)
    ]


def outside_stdlib(source: Source) -> list[str]:
    """Imports of a domain module that reach beyond the standard library and the domain."""
    ours = ("floorbroker.domain",)
    tops = {n for n in imports(source) if not n.startswith(ours)}
    return sorted(f"src/{source.path}: {n}" for n in tops if n.split(".")[0] not in sys.stdlib_module_names)


def importers_of(sources: Iterable[Source], package: str) -> set[str]:
    """Files that import a third-party package."""
    return {s.path for s in sources if any(n.split(".")[0] == package for n in imports(s))}


# --- Steps -----------------------------------------------------------------------------------------------------------


def reached_steps(source: Source) -> list[tuple[str, str]]:
    """Each call of `reach`, as (the step's name, where): a name in full, or `.gate` for a member of a `Sending`.

    Anything else, a name put together at run time say, has an empty name.
    """
    found: list[tuple[str, str]] = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "reach":
            name = ""
            match node.args:
                case [ast.Constant(value=str(text))]:
                    name = text
                case [ast.Attribute(attr=member)]:
                    name = f".{member}"
                case _:
                    pass
            found.append((name, at(source, node, f"reach({name})")))
    return found


# --- Payloads --------------------------------------------------------------------------------------------------------


def named_documents(table: Mapping[str, Any]) -> dict[str, str]:
    """`payload -> document` from a SOURCES.toml: plain pairs, or tables with a `document` or `url`."""
    found: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, str):
            found[key] = value
        elif isinstance(value, Mapping):
            text = value.get("document") or value.get("source") or value.get("url")
            found.update({key: str(text)} if text else named_documents(value))
        elif isinstance(value, list):
            for row in value:
                name = row.get("file") or row.get("payload") or row.get("name")
                found[str(name)] = str(row.get("document") or row.get("source") or row.get("url") or "")
    return found


def unsourced(files: Iterable[str], table: Mapping[str, Any]) -> list[str]:
    """Payloads whose document is not named; a file may be named with or without its ending."""
    named = {name for name, document in named_documents(table).items() if document.strip()}
    return [f for f in files if f not in named and f.rpartition(".")[0] not in named]
