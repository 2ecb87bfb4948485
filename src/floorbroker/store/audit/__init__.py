"""The audit on its way out of the journal: rows, the chain they leave in, and who verifies it.

Only the rows are loaded with the package; chain and verifier need a library for signatures, which takes its time.
"""

from floorbroker.store.audit.rows import audit_lines, audit_tail

__all__ = ["audit_lines", "audit_tail"]
