"""The page of results, `docs/reference/benchmarks.md`: written from the lines that were printed, never by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.plot import Line, chart

Members = Mapping[str, Any]

HEAD = """\
# Benchmarks

What the desk's speed is, beside others that do less, each measured in the same run on the same machine. This page is
written by `make bench PAGE=docs/reference/benchmarks.md`.
"""

HOW = """\
## How it is measured

- **One server.** `benchmarks/server.py` answers every order with the same bytes but for the ids, in a process of its
  own, as Alpaca, Tradier or TWS would. It parses no body beyond what it must give back, sends no rate headers and accepts
  every order. Between rounds it cancels what is open, which is not measured.
- **Ours** is the whole desk as a library user or the REST door calls it: members validated, idempotency key looked
  up, risk checked and reserved, intent, key and audit row durable on disk, the order sent by the adapter, its answer
  read, made durable and folded. It listens to the private stream meanwhile. The rate budget of the profile is raised,
  the risk limits on messages too.
- **The rivals** run in environments of their own, with the pinned versions of `benchmarks/peers/*.txt`, and are
  driven as their own documents show: alpaca-py by `TradingClient.submit_order` with a `LimitOrderRequest` made each
  time, aiohttp by `session.post` on uvloop with 32 connections, aiolimiter by one `async with`. None of them
  journals, checks risk or audits.
- **Rounds alternate**: ours, the rival's, ours, and so on, each in a process that lives through all its rounds; a
  ratio is taken within a round, and the figure is the median of the ratios with the least and the greatest beside it.
  Clients are on processor 0, the server on processor 1. No TLS.
- **Books** are fed with the same seeded frames as their rivals (`benchmarks/peers/book_frames.py`), from raw bytes to the
  best bid and ask, with every sequence number checked; afterwards all books have the same best prices. A time is the best
  tenth of a round, on both sides. `ws_ingest_vs_picows` counts messages from the handshake on: ours end in a proven book.
- **Backtests** play the same seeded minutes (`benchmarks/peers/backtest_bars.py`) to a crossover written as each program's
  documents show, with an order at every crossing and a fee; the time is that of its own run call, its input already loaded,
  and the memory that of the whole process. Ours is the interface that also trades live: plain `on_bar` for every bar.
- **Stages** come from a run of their own with a stopwatch around each function, which makes it slower than the figure
  itself. A stage does not contain what ran inside it.

## What is not compared

Network and venue: loopback has neither. The rivals' own durability, since they have none. Live trading. Rivals
written in other languages, unless they come as a Python package.
"""


def write(path: Path, machine: Members, figures: Sequence[Members], *, command: str) -> None:
    """The page, anew."""
    parts = [
        HEAD,
        _place(machine, command),
        _table(figures),
        *_stages(figures),
        *_readers(figures),
        *_growth(figures, path),
        *_backtests(figures, path),
        *_beside(figures),
        HOW,
    ]
    path.write_text("\n".join(parts), encoding="utf-8")


def _place(machine: Members, command: str) -> str:
    sync = machine["sync_ms"]
    return (
        f"`{command}`, {machine['date']}, commit {machine['commit']}: {machine['cores']} cores of {machine['cpu']}, "
        f"{machine['kernel']}, Python {machine['python']}, SQLite {machine['sqlite']}, {machine['file_system']} on which a "
        f"sync of 4 KiB takes {sync['p50']} ms (p50; p99 {sync['p99']} ms). "
        f"Load before: {', '.join(map(str, machine['load']))}.\n"
    )


def _table(figures: Iterable[Members]) -> str:
    rows = [
        "| Figure | Ours | Peer | Unit | Ratio (spread) | Goal | Holds | Beside |",
        "| --- | --: | --: | --- | --: | --- | --- | --- |",
    ]
    rows += [_row(figure) for figure in figures]
    return "\n".join(rows) + "\n"


def _row(figure: Members) -> str:
    low, high = figure["spread"]
    ratio = "" if figure["ratio"] is None else f"{figure['ratio']} ({low} to {high})"
    goal = figure["goal"] or "reported"
    if "beyond" in figure:
        goal += f" (wished: {figure['beyond']})"
    holds = {True: "yes", False: "**no**", None: ""}[figure["holds"]]
    peer = "" if figure["peer"] is None else figure["peer"]
    cells = [f"`{figure['bench']}`", figure["ours"], peer, figure["unit"], ratio, goal, holds, figure["peer_name"]]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _stages(figures: Iterable[Members]) -> list[str]:
    for figure in figures:
        stages: Mapping[str, float] = figure.get("stages_us", {})
        if stages:
            total = sum(stages.values())
            rows = [f"| {stage} | {took:g} | {took / total:.0%} |" for stage, took in stages.items()]
            head = "## Where the time of a submit goes\n\n| Stage | µs | Share |\n| --- | --: | --: |\n"
            return [head + "\n".join(rows) + "\n"]
    return []


def _readers(figures: Iterable[Members]) -> list[str]:
    """How late an event is, and what the server holds, by the number of readers."""
    for figure in figures:
        rows: Sequence[Members] = figure.get("readers_growth", ())
        if rows:
            head = [
                "## How the stream grows with its readers\n",
                "| Readers of 100 events a second | Late, ms (p50) | Late, ms (p99) | Server, MB at most |",
                "| --: | --: | --: | --: |",
            ]
            told = [f"| {row['readers']:,} | {row['p50_ms']} | {row['p99_ms']} | {row['mb_most']} |" for row in rows]
            return ["\n".join([*head, *told]) + "\n"]
    return []


def _growth(figures: Iterable[Members], path: Path) -> list[str]:
    """What a book costs by its depth, as a table, and as a picture beside the pages."""
    for figure in figures:
        rows: Sequence[Members] = figure.get("book_growth", ())
        if rows:
            lines = [
                Line("bare", "Python", [(row["levels"], row["python_ns"] / 1_000) for row in rows]),
                Line("ready", "native core", [(row["levels"], row["native_ns"] / 1_000) for row in rows]),
            ]
            title = "Microseconds of a frame of 20 levels, by levels of each side of the book"
            picture = path.parent.parent / "assets" / BOOK_PICTURE
            picture.write_text(chart(lines, title=title, axis="levels of a side"), encoding="utf-8")
            told = [f"| {row['levels']:,} | {row['native_ns']:,} | {row['python_ns']:,} |" for row in rows]
            head = [
                "## How a book grows with its depth\n",
                "| Levels of a side | Native core, ns | Python, ns |",
                "| --: | --: | --: |",
            ]
            return ["\n".join([*head, *told, f"\n![{title}](../assets/{BOOK_PICTURE})\n"])]
    return []


def _backtests(figures: Iterable[Members], path: Path) -> list[str]:
    """Bars a second of a backtest by how many bars and symbols it has."""
    for figure in figures:
        rows: Sequence[Members] = figure.get("backtest_growth", ())
        if rows:
            looks = {"ready": 1, "bare": 10, "memory": 100}
            lines = [
                Line(
                    look,
                    f"{symbols} symbol{'s' if symbols > 1 else ''}",
                    [(r["bars"], r[f"per_s_{symbols}"]) for r in rows],
                )
                for look, symbols in looks.items()
            ]
            title = "Bars a second of a backtest, by bars in all"
            picture = path.parent.parent / "assets" / BACKTEST_PICTURE
            picture.write_text(chart(lines, title=title, axis="bars in all"), encoding="utf-8")
            told = [f"| {row['bars']:,} | " + " | ".join(_pair(row, n) for n in looks.values()) + " |" for row in rows]
            head = [
                "## How a backtest grows\n",
                "| Bars | 1 symbol | 10 symbols | 100 symbols |",
                "| --: | --: | --: | --: |",
            ]
            return ["\n".join([*head, *told, f"\n![{title}](../assets/{BACKTEST_PICTURE})\n"])]
    return []


def _pair(row: Members, symbols: int) -> str:
    return f"{row[f'per_s_{symbols}']:,} a second, {row[f'peak_mb_{symbols}']:,} MB"


def _beside(figures: Iterable[Members]) -> list[str]:
    told = [
        f"- {name} in `{figure['bench']}`: {_words(figure[name])}"
        for figure in figures
        for name in EXTRAS
        if name in figure
    ]
    versions: dict[str, str] = {}
    for figure in figures:
        versions |= figure.get("versions", {})
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return ["## Beside\n\n" + "\n".join([*told, f"- Versions: {listed}"]) + "\n"]


EXTRAS = (
    "parts_ns", "to_report_ns", "others", "wanted", "loop", "p99_ns", "book_bytes", "many_ns", "decoded_per_s", "views",
    "conflated", "one_flush_ratio", "strategies_us", "memory_mib",
)  # fmt: skip
BOOK_PICTURE = "book-depth.svg"
BACKTEST_PICTURE = "backtest-growth.svg"


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {_words(member)}" for name, member in value.items())
    return str(value)
