"""The peer of a start on a long journal: plain sqlite3 reads every fact, msgspec decodes it, and nothing is made of it."""

from __future__ import annotations

import json
import sqlite3
import sys
import time

import msgspec


class Body(msgspec.Struct):
    """As much of a fact as every fact has."""

    v: int
    k: str
    d: dict[str, object]


def main() -> None:
    path, began = sys.argv[1], float(sys.argv[2])
    decode = msgspec.json.Decoder(Body).decode
    rows = sqlite3.connect(f"file:{path}?mode=ro", uri=True).execute("SELECT body FROM records WHERE kind = 'fact'")
    facts = sum(1 for (body,) in rows if decode(body).v)
    sys.stdout.write(json.dumps({"facts": facts, "seconds": time.monotonic() - began}) + "\n")


if __name__ == "__main__":
    main()
