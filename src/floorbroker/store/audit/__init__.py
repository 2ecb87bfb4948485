"""The audit on its way out of the journal: rows, the chain they leave in, and who verifies it."""

from floorbroker.store.audit.chain import Chain, ChainBroken, begun, opened, set_aside
from floorbroker.store.audit.places import Places
from floorbroker.store.audit.rows import audit_lines, audit_tail

__all__ = ["Chain", "ChainBroken", "Places", "audit_lines", "audit_tail", "begun", "opened", "set_aside"]
