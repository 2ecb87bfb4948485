"""The tables of hooks: who may send signals and what came of them, who is told of events and what was delivered.

Secrets that must be shown again to sign or to reach somebody are here as they are; the file is its owner's alone.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint, UniqueConstraint

from floorbroker.store.desk.columns import moment, table, whole, words

HOOKS = table(
    "hooks",
    words("id"),
    words("name"),
    words("environment"),
    words("profile"),
    words("strategy"),
    words("auth"),
    words("digest"),  # SHA-256 of the secret
    words("secret", optional=True),  # of a hook whose senders sign
    words("template"),  # JSON: member of an order -> text with $names
    words("words"),  # JSON: a sender's word -> ours
    words("symbols"),  # with a space between; empty for any
    words("max_quantity", optional=True),
    words("max_notional", optional=True),
    whole("per_minute"),
    whole("replay_s"),
    whole("enabled"),
    whole("version"),
    moment("created_at"),
    PrimaryKeyConstraint("id", name="pk_hooks"),
    UniqueConstraint("environment", "name", name="uq_hooks_name"),
    CheckConstraint("enabled IN (0, 1)", name="ck_hooks_enabled"),
)

SIGNALS = table(
    "signals",
    words("id"),
    words("hook_id"),
    moment("at"),
    words("dedupe"),  # what makes two signals the same one
    words("key"),  # the idempotency key of the order
    words("outcome"),
    words("detail"),
    words("intent_id"),
    PrimaryKeyConstraint("id", name="pk_signals"),
    UniqueConstraint("hook_id", "dedupe", name="uq_signals_dedupe"),
    ForeignKeyConstraint(["hook_id"], ["hooks.id"], name="fk_signals_hook", ondelete="CASCADE"),
)
Index("ix_signals_at", SIGNALS.c.hook_id, SIGNALS.c.at)

TARGETS = table(
    "targets",
    words("id"),
    words("name"),
    words("kind"),
    words("url"),
    words("secret", optional=True),
    words("events"),  # with a space between
    words("environments"),
    words("quiet"),
    whole("group_s"),
    whole("enabled"),
    whole("version"),
    moment("created_at"),
    PrimaryKeyConstraint("id", name="pk_targets"),
    UniqueConstraint("kind", "environments", "name", name="uq_targets_name"),
    CheckConstraint("enabled IN (0, 1)", name="ck_targets_enabled"),
)

DELIVERIES = table(
    "deliveries",
    words("id"),
    words("target_id"),
    words("event_id"),
    words("event"),
    words("environment"),
    whole("seq"),
    words("body"),
    moment("made_at"),
    moment("due_at"),
    words("state"),
    whole("attempts"),
    moment("ended_at", optional=True),
    whole("status", optional=True),
    words("trouble"),
    PrimaryKeyConstraint("id", name="pk_deliveries"),
    UniqueConstraint("target_id", "event_id", name="uq_deliveries_event"),
    ForeignKeyConstraint(["target_id"], ["targets.id"], name="fk_deliveries_target", ondelete="CASCADE"),
)
Index("ix_deliveries_due", DELIVERIES.c.state, DELIVERIES.c.due_at)
Index("ix_deliveries_made", DELIVERIES.c.target_id, DELIVERIES.c.made_at)

CURSORS = table(
    "cursors",
    words("environment"),
    whole("seq"),  # every event of the journal up to it is in `deliveries`, for whoever wanted it
    PrimaryKeyConstraint("environment", name="pk_cursors"),
)

__all__ = ["CURSORS", "DELIVERIES", "HOOKS", "SIGNALS", "TARGETS"]
