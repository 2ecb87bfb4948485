"""What the server's doors cost: an order over REST beside the same order in the process, and a stream with many readers.

`rest_submit_overhead`: the median of a submit over HTTP less that of the same submit as a library call, both against the
fixed-reply server; beside it what the same client takes to that server, which is in it too.  `stream_readers`: readers of a
hundred events a second each, how late events are and what the server holds in memory, by the number of readers; no event may
be missing.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.children import Child, desk, fixed_server, ours
from benchmarks.desk import CONFIG, OPTIONS
from benchmarks.environments import ROOT, our_python
from benchmarks.rounds import Figure, Goal, rounded
from floorbroker.app.home import Home, write_private

ROUNDS, WARM_UP, ORDERS = 7, 100, 200
READERS, EVENTS = (10, 100, 1_000), 1_000


def rest() -> list[Figure]:
    """`rest_submit_overhead`."""
    with ExitStack() as stack:
        own, served, aside = (
            stack.enter_context(fixed_server()) for _ in range(3)
        )  # each hears of its own orders alone
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / ".tools")))
        inside = stack.enter_context(desk(folder / "inside", own, loop="uvloop"))
        door = stack.enter_context(_served(folder / "outside", served))
        outside = stack.enter_context(ours("benchmarks.rest_client", environ=door))
        bare = {"ORDER_URL": aside["BROKER_URL"], "ORDER_PATH": "/v2/orders", "ORDER_TOKEN": "none"}
        client = stack.enter_context(ours("benchmarks.rest_client", environ=bare))
        for child in (inside, outside, client):
            child.ask("sequential", WARM_UP)
        rounds = [
            [child.ask("sequential", ORDERS)["p50"] for child in (outside, inside, client)] for _ in range(ROUNDS)
        ]
    found = [(over, own_ms) for over, own_ms, _ in rounds]
    extra = {
        "rest_p50_ms": [rounded(over) for over, _ in found],
        "inside_p50_ms": [rounded(own_ms) for _, own_ms in found],
        "client_p50_ms": [rounded(alone) for *_, alone in rounds],  # of which the client and the way to a bare server
    }
    return [
        Figure(
            bench="rest_submit_overhead",
            ours=[over - own_ms for over, own_ms in found],
            peer_name="the same submit in the process",
            unit="ms p50 more",
            goal=Goal(1.0, unit="ms"),
            extra=extra,
        )
    ]


@contextmanager
def _served(root: Path, credentials: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """`floorbroker up` over the same venue, on the processor where the measured desk runs."""
    home = Home.at(root)
    write_private(home.config, CONFIG.format(broker="ALPACA", answers="durable") + OPTIONS["ALPACA"])
    pinned = [taskset, "-c", "0"] if (taskset := shutil.which("taskset")) else []
    command = [*pinned, str(our_python()), "-m", "floorbroker", "--home", str(root), "--json", "up", "--port", "0"]
    server = Child("floorbroker up", command, credentials)
    try:
        yield {"ORDER_URL": server.greeting["url"], "ORDER_TOKEN": server.greeting["token"]}
    finally:
        server.terminate()


def stream() -> list[Figure]:
    """`stream_readers`: how late an event of a thousand readers is, with the growth beside it."""
    rows = [_heard(readers) for readers in READERS]
    most = rows[-1]
    return [
        Figure(
            bench="stream_readers",
            ours=[most["p99_ms"]],
            unit=f"ms p99 from the desk to the last of {READERS[-1]} readers of 100 events a second",
            extra={"readers_growth": rows},
        )
    ]


def _heard(readers: int) -> dict[str, float]:
    """One size: a server and its readers in processes of their own."""
    with ours("benchmarks.stream_server") as server:
        place = {"STREAM_URL": server.greeting["url"], "STREAM_TOKEN": server.greeting["token"]}
        with ours("benchmarks.stream_clients", environ=place) as clients:
            before = server.ask("memory", 0)["mb"]
            clients.ask("join", readers)
            joined = server.ask("memory", 0)["mb"]
            late: dict[str, float] = {}
            listening = threading.Thread(target=lambda: late.update(clients.ask("hear", EVENTS)))
            listening.start()
            emitted = server.ask("emit", EVENTS)
            listening.join()
            after = server.ask("memory", 0)["mb"]
    return {
        "readers": readers, "p50_ms": rounded(late["p50"]), "p99_ms": rounded(late["p99"]),
        "emitted_per_s": rounded(EVENTS / emitted["seconds"]), "mb_before": rounded(before), "mb_joined": rounded(joined),
        "mb_most": rounded(max(emitted["mb"], after)), "kb_each": rounded((after - before) * 1000 / readers),
    }  # fmt: skip
