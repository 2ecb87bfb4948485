"""The rules that make an order of its facts, as one digest: when a rule is corrected, nothing derived by the old is kept.

It is taken from the rules' own text, so that nobody has to remember to count a version up.
"""

from __future__ import annotations

import hashlib
import marshal
from functools import lru_cache
from importlib.abc import InspectLoader
from importlib.util import find_spec

RULES = (
    "floorbroker.domain.facts",
    "floorbroker.domain.fold",
    "floorbroker.domain.frozen",
    "floorbroker.domain.instrument",
    "floorbroker.domain.orders",
    "floorbroker.domain.standing",
    "floorbroker.domain.terms",
    "floorbroker.domain.values",
    "floorbroker.oms.adjustments",
    "floorbroker.oms.archive",
    "floorbroker.oms.holdings",
    "floorbroker.oms.names",
    "floorbroker.oms.tally",
    "floorbroker.store.codec",
    "floorbroker.store.seals",
    "floorbroker.store.soundness",
)


@lru_cache(maxsize=1)
def rules_digest() -> str:
    """SHA-256 (hex) over every module of `RULES`."""
    running = hashlib.sha256()
    for name in RULES:
        text = _text_of(name)
        running.update(b"%s %d\n" % (name.encode(), len(text)) + text)
    return running.hexdigest()


def _text_of(name: str) -> bytes:
    """The source of a module, or its code where it is shipped without.  Raises `ImportError` when there is neither."""
    spec = find_spec(name)
    if spec is None or not isinstance(spec.loader, InspectLoader):
        raise ImportError(f"the rules in {name} cannot be read", name=name)
    source = spec.loader.get_source(name)
    return source.encode() if source is not None else marshal.dumps(spec.loader.get_code(name))
