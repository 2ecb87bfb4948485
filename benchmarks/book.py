"""What order books cost: raw bytes to the best bid and ask with every proof checked, beside ccxt.pro and nautilus_trader.

All are fed with the same frames (`peers/book_frames.py`); the best prices are compared afterwards, so that all made one book.
"""

from __future__ import annotations

from typing import Any

from benchmarks.children import Child, ours, peer
from benchmarks.environments import Absent, our_python
from benchmarks.rounds import Figure, Goal

ROUNDS, FRAMES, CHANGES, MESSAGES = 11, 1_000, 10_000, 200_000
INGEST_ROUNDS = 7
WANTED_PER_S = 50_000
DEPTHS = (10, 100, 1_000, 10_000)


def frames() -> list[Figure]:
    """`book_frame_*` and `book_update_*`: the rivals that can be measured, each beside ours in alternating rounds."""
    with ours("benchmarks.bookwork") as mine:
        found = [*_ccxt(mine), *_nautilus(mine)]
        beside = {
            "p99_ns": {kind: mine.ask(f"{kind}_each", 4 * FRAMES)["p99_ns"] for kind in ("native", "python")},
            "book_bytes": mine.ask("memory", 1_000),
            "many_ns": round(mine.ask("many", 2 * FRAMES)["ns"]),
        }
    return [_with(figure, beside) if number == 0 else figure for number, figure in enumerate(found)]


def _with(figure: Figure, extra: dict[str, Any]) -> Figure:
    return Figure(
        bench=figure.bench, ours=figure.ours, peer=figure.peer, peer_name=figure.peer_name, unit=figure.unit,
        goal=figure.goal, beyond=figure.beyond, extra={**figure.extra, **extra},
    )  # fmt: skip


def _ccxt(mine: Child) -> list[Figure]:
    with peer("ccxt_book", "ccxt") as theirs:
        native, python, other = [], [], []
        for _ in range(ROUNDS + 1):  # the first is for warming up
            native.append(mine.ask("native", FRAMES)["ns"])
            other.append(theirs.ask("frames", FRAMES)["ns"])
            python.append(mine.ask("python", FRAMES)["ns"])
        told = theirs.ask("best", 1)
        for kind in ("native", "python"):
            _same(mine.ask(f"{kind}_best", 1), told)
        versions = {**mine.greeting["versions"], **theirs.greeting["versions"]}
    name = "ccxt.pro, its Binance handler with orjson, in floats"
    return [
        _frame("book_frame_native_vs_ccxt", native[1:], other[1:], Goal(1 / 20), name=name, versions=versions),
        _frame("book_frame_python_vs_ccxt", python[1:], other[1:], Goal(0.5), name=name, versions=versions),
    ]


def _nautilus(mine: Child) -> list[Figure]:
    with peer("nautilus_book", "nautilus_trader") as theirs:
        native, other, update, delta = [], [], [], []
        for _ in range(ROUNDS + 1):
            native.append(mine.ask("native", FRAMES)["ns"])
            other.append(theirs.ask("frames", FRAMES)["ns"])
            update.append(mine.ask("updates", CHANGES)["ns"])
            delta.append(theirs.ask("updates", CHANGES)["ns"])
        versions = {**mine.greeting["versions"], **theirs.greeting["versions"]}
    name = "nautilus_trader, its Binance adapter and book"
    return [
        _frame("book_frame_native_vs_nautilus", native[1:], other[1:], Goal(1 / 60), name=name, versions=versions),
        Figure(
            bench="book_update_native_vs_nautilus",
            ours=update[1:],
            peer=delta[1:],
            peer_name="nautilus_trader, OrderBook.apply_delta",
            unit="ns an update",
            goal=Goal(0.5),
            extra={"versions": versions},
        ),
    ]


def _frame(
    bench: str, mine: list[float], theirs: list[float], goal: Goal, *, name: str, versions: dict[str, str]
) -> Figure:
    return Figure(
        bench=bench, ours=mine, peer=theirs, peer_name=name, unit="ns a frame of 20 levels", goal=goal,
        extra={"versions": versions},
    )  # fmt: skip


def _same(mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Fed with as many of the same frames, the books stand alike, and every frame was proven."""
    if mine["failed"] or (mine["bid"], mine["ask"]) != (theirs["bid"], theirs["ask"]):
        raise Absent(f"the books do not agree: {mine} and {theirs}")


def stream() -> list[Figure]:
    """`book_stream`: what one processor carries through decoder, book and a consumer that is shown what it can keep up with."""
    with ours("benchmarks.bookwork") as mine:
        told = [mine.ask("stream", 20 * FRAMES) for _ in range(5)]
    return [
        Figure(
            bench="book_stream",
            ours=[one["per_s"] for one in told],
            unit="frames a second",
            goal=Goal(WANTED_PER_S, at_least=True, unit="frames a second"),
            extra={"views": told[-1]["views"], "conflated": told[-1]["conflated"], "frames": 20 * FRAMES},
        )
    ]


def growth() -> list[Figure]:
    """`book_depth`: a frame at 10 to 10,000 levels a side."""
    with ours("benchmarks.bookwork") as mine:
        found = {levels: mine.ask("depth", levels) for levels in DEPTHS}
    rows = [
        {"levels": levels, "native_ns": round(ns["native"]), "python_ns": round(ns["python"])}
        for levels, ns in found.items()
    ]
    return [
        Figure(
            bench="book_depth",
            ours=[found[DEPTHS[-1]]["native"]],
            peer=[found[DEPTHS[0]]["native"]],
            peer_name=f"ours with {DEPTHS[0]} levels a side, not {DEPTHS[-1]:,}",
            unit="ns a frame of 20 levels",
            extra={"book_growth": rows},
        )
    ]


def ingest() -> list[Figure]:
    """`ws_ingest_vs_picows`: messages a second through our shell, into books."""
    server = Child("the server of frames", _server())
    try:
        given = {"INGEST_URL": server.greeting["url"]}
        with ours("benchmarks.ingest", environ=given) as mine, peer("picows_ingest", "picows", given) as theirs:
            for child, what in ((mine, "books"), (mine, "decoded"), (theirs, "ingest")):
                child.ask(what, MESSAGES)
            found = [
                (mine.ask("books", MESSAGES)["ns"], theirs.ask("ingest", MESSAGES)["ns"]) for _ in range(INGEST_ROUNDS)
            ]
            decoded = [mine.ask("decoded", MESSAGES)["ns"] for _ in range(3)]
            versions = {**mine.greeting["versions"], **theirs.greeting["versions"]}
    finally:
        server.terminate()
    return [
        Figure(
            bench="ws_ingest_vs_picows",
            ours=[1e9 / ns for ns, _ in found],
            peer=[1e9 / ns for _, ns in found],
            peer_name="picows bare, orjson in its callback",
            unit="messages a second, into a proven book",
            goal=Goal(1.0, at_least=True),
            beyond=Goal(2.0, at_least=True),
            extra={"decoded_per_s": round(1e9 / min(decoded)), "versions": versions},
        ),
    ]


def _server() -> list[str]:
    return [str(our_python()), "-m", "benchmarks.ws_server", str(MESSAGES)]
