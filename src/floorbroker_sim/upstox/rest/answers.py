"""The envelope around what the venue answers."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from floorbroker_sim.http import Reply, Request, json_reply
from floorbroker_sim.upstox.auth import Token

LATENCY_MS = 12


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was let in, with the token it came with; None where an endpoint needs none."""

    request: Request
    token: Token | None

    @property
    def query(self) -> dict[str, str]:
        return dict(self.request.query)

    @property
    def is_sandbox(self) -> bool:
        return self.token is not None and self.token.kind == "sandbox"


def ok(data: object, **members: object) -> Reply:
    """Success; `members` stand beside the data."""
    return json_reply({"status": "success", "data": data, **members}, exact_numbers=True)


def timed(data: object) -> Reply:
    """Success of a v3 order call, which tells how long it took."""
    return ok(data, metadata={"latency": LATENCY_MS})


def bare(value: object) -> Reply:
    """An answer without an envelope."""
    return json_reply(value, exact_numbers=True)


def page_of(number: int, size: int, total: int) -> dict[str, object]:
    """Where a page stands among all."""
    return {
        "page": {
            "page_number": number, "page_size": size, "total_records": total, "total_pages": -(-total // size),
        }
    }  # fmt: skip


def shown(value: Decimal) -> Decimal:
    """A sum of money to the paisa."""
    return round(value, 2)
