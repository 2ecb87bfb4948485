"""How fast a long audit is verified offline, with all its keys, and that the memory it takes does not grow with it.

`audit_verify`: a chain of a million records, every MAC, every checkpoint and the Merkle tree, in a process of its own.  The
peer is the plainest program that reads the same lines with `json`, `hmac` and `hashlib` and checks the MACs alone, no tree, no
signatures, no form: there is no library to compare with that verifies such a chain.

    .venv/bin/python -m benchmarks.audit verify FOLDER      # what is timed; `plain` for the peer, `make N` for the chain
"""

from __future__ import annotations

import hashlib
import hmac
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.environments import ROOT
from benchmarks.rounds import Figure
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.store.audit.chain import begun
from floorbroker.store.audit.checkpoint import read_public
from floorbroker.store.audit.evidence import Evidence
from floorbroker.store.audit.places import Places
from floorbroker.store.audit.rows import Row
from floorbroker.store.audit.verify import verify

RECORDS, FEW, ROUNDS, BATCH = 1_000_000, 100_000, 3, 1000
PEER = (
    "a plain loop of json, hmac and hashlib over the same lines: MACs alone, no tree, no signatures, no canonical form"
)
AT = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def measure() -> list[Figure]:
    """`audit_verify` in records a second, and how much memory a tenth of the records and all of them take."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / ".tools") as folder:
        few, many = Path(folder, "few"), Path(folder, "many")
        _child("make", str(few), str(FEW))
        _child("make", str(many), str(RECORDS))
        small = _child("verify", str(few))
        rounds = [(_child("verify", str(many)), _child("plain", str(many))) for _ in range(ROUNDS)]
        size_mb = sum(path.stat().st_size for path in many.iterdir()) / 1e6
    extra = {
        "records": RECORDS,
        "chain_mb": round(size_mb),
        "peak_mb": round(max(ours["peak_mb"] for ours, _ in rounds), 1),
        "peak_mb_of_a_tenth": round(small["peak_mb"], 1),
    }
    return [
        Figure(
            bench="audit_verify",
            ours=[ours["per_s"] for ours, _ in rounds],
            peer=[theirs["per_s"] for _, theirs in rounds],
            peer_name=PEER,
            unit="records/s",
            extra=extra,
        )
    ]


def _child(*words: str) -> dict[str, float]:
    """One run in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.audit", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


# -- in the child -------------------------------------------------------------------------------------------------------


def make(folder: Path, count: int) -> int:
    """A chain of so many records, as a desk's commands leave them."""
    places = Places(folder, Environment.PAPER)
    folder.mkdir(parents=True)
    chain = begun(places, at=AT, escrow=lambda first: _put(places.first, first.reveal()))
    for done in range(0, count, BATCH):
        chain.extend([row(number) for number in range(done + 1, done + BATCH + 1)], at=AT)
    return count


def _put(path: Path, text: str) -> None:
    path.write_text(text, "ascii")


def row(number: int) -> Row:
    """A command's row, of the size that Alpaca's orders have."""
    order = f"fb-019caf10-9ac0-75f1-a663-{number:012x}"
    detail = {
        "body": '{"client_order_id":"' + order + '","qty":"2","side":"buy","symbol":"AAPL","type":"limit"}',
        "elapsed_ms": "31",
        "endpoint": "orders.submit",
        "headers": "content-type: application/json",
        "method": "POST",
        "order": order,
        "reply": '{"id":"' + f"{number:032x}" + '","client_order_id":"' + order + '","status":"accepted"}' + " " * 600,
        "reply_headers": "content-type: application/json; x-request-id: 0123456789abcdef",
        "status": "200",
        "url": "https://paper-api.alpaca.markets/v2/orders",
    }
    return Row(
        action="broker.command", actor="gateway", detail=detail, env="paper", epoch="7", mono=str(number * 1000),
        node="desk-0a5", object="orders.submit", outcome="answered", profile="alpaca-paper", reason="", req="",
        seq=str(number), ts="2026-03-02T14:30:00.123456000Z", v="1", via="broker",
    )  # fmt: skip


def ours(folder: Path) -> int:
    """The verifier, with everything but a journal, which has its own speed."""
    places = Places(folder, Environment.PAPER)
    verdict = verify(
        Evidence(
            places=places,
            public=read_public(places.public.read_bytes(), where="the bench"),
            public_from="beside the records",
            first=Secret(places.first.read_text("ascii")),
        )
    )
    assert verdict.ok, verdict.finding
    return verdict.records


def plain(folder: Path) -> int:
    """What somebody writes in an afternoon: each record follows the one before it."""
    key, prev, count = bytes.fromhex((folder / "paper.first").read_text("ascii")), "0" * 64, 0
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as lines:
            for line in lines:
                read = json.loads(line)
                if "action" not in read:
                    continue
                mac = read.pop("mac")
                assert read.pop("prev") == prev
                text = json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
                assert hmac.new(key, b"\0" + bytes.fromhex(prev) + text, hashlib.sha256).hexdigest() == mac
                key, prev, count = hashlib.sha256(b"ratchet" + key).digest(), mac, count + 1
    return count


def main() -> None:
    """One run, as a line of JSON."""
    what, folder, *rest = sys.argv[1:]
    works: dict[str, Callable[[Path], int]] = {
        "make": lambda path: make(path, int(rest[0])),
        "verify": ours,
        "plain": plain,
    }
    began_s = time.perf_counter()
    count = works[what](Path(folder))
    took_s = time.perf_counter() - began_s
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"records": count, "per_s": count / took_s, "peak_mb": peak_mb}) + "\n")


if __name__ == "__main__":
    main()
