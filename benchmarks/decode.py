"""What reading an order costs: bytes to the adapter's typed struct, beside a bare msgspec struct with the same members."""

from __future__ import annotations

import json

import msgspec

from benchmarks.children import ours, peer
from benchmarks.fixed.alpaca import Orders
from benchmarks.rounds import Figure, Goal
from floorbroker.brokers.alpaca import wire

ROUNDS, CALLS = 15, 20_000


def members() -> dict[str, str]:
    """The members of the adapter's order and their types, as the peer's driver spells them."""
    found: dict[str, str] = {}
    for field in msgspec.structs.fields(wire.Order):
        kind = str(wire.Order.__annotations__[field.name]).removeprefix("decimal.")
        found[field.name] = "list" if kind.startswith("list") else kind
    return found


def measure() -> list[Figure]:
    """`decode_order`; how much more it takes until the desk hears of it stands beside."""
    given = {"ORDER_JSON": Orders().accept(b"").decode(), "ORDER_MEMBERS": json.dumps(members())}
    with ours("benchmarks.probe") as mine, peer("msgspec_bare", "msgspec", given) as theirs:
        for child in (mine, theirs):
            child.ask("decode", CALLS)
        found = [(mine.ask("decode", CALLS)["ns"], theirs.ask("decode", CALLS)["ns"]) for _ in range(ROUNDS)]
        report_ns = mine.ask("report", CALLS)["ns"]
        versions = {**mine.greeting["versions"], **theirs.greeting["versions"]}
    return [
        Figure(
            bench="decode_order",
            ours=[ns for ns, _ in found],
            peer=[ns for _, ns in found],
            peer_name="msgspec, a bare struct with the same members",
            unit="ns an order",
            goal=Goal(1.1),
            extra={"to_report_ns": round(report_ns), "bytes": len(given["ORDER_JSON"]), "versions": versions},
        )
    ]
