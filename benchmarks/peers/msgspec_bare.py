"""A bare msgspec struct with the same members, typed the same, and nothing around its decoder.

The bytes and the members come from the side it is compared with, so that both read the same into the same types:
`ORDER_JSON`, and `ORDER_MEMBERS` as a JSON object of member to type.
"""

from __future__ import annotations

import json
import os
from decimal import Decimal

import msgspec
from speak import per_call_ns, prepare, serve

KINDS = {"str": str, "str | None": str | None, "Decimal | None": Decimal | None, "list": list | None}


def main() -> None:
    prepare(cpu=0)
    raw = os.environ["ORDER_JSON"].encode()
    told = json.loads(os.environ["ORDER_MEMBERS"]).items()
    members = [(name, KINDS[kind]) if kind == "str" else (name, KINDS[kind], None) for name, kind in told]
    decode = msgspec.json.Decoder(msgspec.defstruct("Order", members, kw_only=True)).decode
    serve({"decode": lambda count: per_call_ns(lambda: decode(raw), count)}, "msgspec")


main()
