"""Hooks, their signals, targets of events and deliveries.  A released migration is never edited."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_UP = (
    """CREATE TABLE cursors (
        environment TEXT NOT NULL, seq INTEGER NOT NULL,
        CONSTRAINT pk_cursors PRIMARY KEY (environment)
    ) STRICT""",
    """CREATE TABLE hooks (
        id TEXT NOT NULL, name TEXT NOT NULL, environment TEXT NOT NULL, profile TEXT NOT NULL,
        strategy TEXT NOT NULL, auth TEXT NOT NULL, digest TEXT NOT NULL, secret TEXT, template TEXT NOT NULL,
        words TEXT NOT NULL, symbols TEXT NOT NULL, max_quantity TEXT, max_notional TEXT,
        per_minute INTEGER NOT NULL, replay_s INTEGER NOT NULL, enabled INTEGER NOT NULL,
        version INTEGER NOT NULL, created_at INTEGER NOT NULL,
        CONSTRAINT pk_hooks PRIMARY KEY (id),
        CONSTRAINT uq_hooks_name UNIQUE (environment, name),
        CONSTRAINT ck_hooks_enabled CHECK (enabled IN (0, 1))
    ) STRICT""",
    """CREATE TABLE targets (
        id TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL, url TEXT NOT NULL, secret TEXT,
        events TEXT NOT NULL, environments TEXT NOT NULL, quiet TEXT NOT NULL, group_s INTEGER NOT NULL,
        enabled INTEGER NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL,
        CONSTRAINT pk_targets PRIMARY KEY (id),
        CONSTRAINT uq_targets_name UNIQUE (kind, environments, name),
        CONSTRAINT ck_targets_enabled CHECK (enabled IN (0, 1))
    ) STRICT""",
    """CREATE TABLE deliveries (
        id TEXT NOT NULL, target_id TEXT NOT NULL, event_id TEXT NOT NULL, event TEXT NOT NULL,
        environment TEXT NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL, made_at INTEGER NOT NULL,
        due_at INTEGER NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, ended_at INTEGER, status INTEGER,
        trouble TEXT NOT NULL,
        CONSTRAINT pk_deliveries PRIMARY KEY (id),
        CONSTRAINT uq_deliveries_event UNIQUE (target_id, event_id),
        CONSTRAINT fk_deliveries_target FOREIGN KEY(target_id) REFERENCES targets (id) ON DELETE CASCADE
    ) STRICT""",
    "CREATE INDEX ix_deliveries_due ON deliveries (state, due_at)",
    "CREATE INDEX ix_deliveries_made ON deliveries (target_id, made_at)",
    """CREATE TABLE signals (
        id TEXT NOT NULL, hook_id TEXT NOT NULL, at INTEGER NOT NULL, dedupe TEXT NOT NULL, "key" TEXT NOT NULL,
        outcome TEXT NOT NULL, detail TEXT NOT NULL, intent_id TEXT NOT NULL,
        CONSTRAINT pk_signals PRIMARY KEY (id),
        CONSTRAINT uq_signals_dedupe UNIQUE (hook_id, dedupe),
        CONSTRAINT fk_signals_hook FOREIGN KEY(hook_id) REFERENCES hooks (id) ON DELETE CASCADE
    ) STRICT""",
    "CREATE INDEX ix_signals_at ON signals (hook_id, at)",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for table in ("deliveries", "targets", "signals", "hooks", "cursors"):
        op.execute(f"DROP TABLE {table}")
