"""Users, sessions and tokens.  A released migration is never edited."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_UP = (
    "PRAGMA application_id = 1179402820",  # "FLBD"
    """CREATE TABLE users (
        id TEXT NOT NULL, name TEXT NOT NULL, role TEXT NOT NULL, environments TEXT NOT NULL, password TEXT,
        password_short INTEGER NOT NULL, password_at INTEGER, totp TEXT, totp_on INTEGER NOT NULL,
        totp_step INTEGER NOT NULL, recovery TEXT NOT NULL, disabled INTEGER NOT NULL, created_at INTEGER NOT NULL,
        CONSTRAINT pk_users PRIMARY KEY (id),
        CONSTRAINT uq_users_name UNIQUE (name),
        CONSTRAINT ck_users_flags CHECK (totp_on IN (0, 1) AND disabled IN (0, 1) AND password_short IN (0, 1))
    ) STRICT""",
    """CREATE TABLE sessions (
        id TEXT NOT NULL, digest TEXT NOT NULL, user_id TEXT NOT NULL, opened_at INTEGER NOT NULL, used_at INTEGER NOT NULL,
        proved_at INTEGER, address TEXT NOT NULL, agent TEXT NOT NULL,
        CONSTRAINT pk_sessions PRIMARY KEY (id),
        CONSTRAINT uq_sessions_digest UNIQUE (digest),
        CONSTRAINT fk_sessions_user FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
    ) STRICT""",
    "CREATE INDEX ix_sessions_user ON sessions (user_id)",
    """CREATE TABLE tokens (
        id TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, user_id TEXT, scopes TEXT NOT NULL,
        environment TEXT NOT NULL, addresses TEXT NOT NULL, per_minute INTEGER,
        created_at INTEGER NOT NULL, expires_at INTEGER, used_at INTEGER, revoked_at INTEGER,
        CONSTRAINT pk_tokens PRIMARY KEY (id),
        CONSTRAINT uq_tokens_name UNIQUE (name),
        CONSTRAINT uq_tokens_digest UNIQUE (digest),
        CONSTRAINT fk_tokens_user FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
    ) STRICT""",
    "CREATE INDEX ix_tokens_user ON tokens (user_id)",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(statement)


def downgrade() -> None:
    for table in ("tokens", "sessions", "users"):
        op.execute(f"DROP TABLE {table}")
