"""The tables of people: who may come in, which of their sessions are open, which tokens they gave to programs.

Passwords, references and tokens are here by their hashes alone.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, PrimaryKeyConstraint, UniqueConstraint

from floorbroker.store.desk.columns import METADATA, moment, table, whole, words
from floorbroker.store.desk.hooks import CURSORS, DELIVERIES, HOOKS, SIGNALS, TARGETS

USERS = table(
    "users",
    words("id"),
    words("name"),  # as it is compared: lower case
    words("role"),
    words("environments"),  # words with a space between, as in `scopes` and `addresses`
    words("password", optional=True),  # PHC string; none before the first is set
    whole("password_short"),  # 1 while it holds with a second factor alone
    moment("password_at", optional=True),
    words("totp", optional=True),  # base32; the secret of the second factor
    whole("totp_on"),  # 0 until a first code was shown: then it is asked for
    whole("totp_step"),  # the newest time step that was used; none before it counts again
    words("recovery"),  # SHA-256 of each code that is left, with a space between
    whole("disabled"),
    moment("created_at"),
    PrimaryKeyConstraint("id", name="pk_users"),
    UniqueConstraint("name", name="uq_users_name"),
    CheckConstraint("totp_on IN (0, 1) AND disabled IN (0, 1) AND password_short IN (0, 1)", name="ck_users_flags"),
)

SESSIONS = table(
    "sessions",
    words("id"),
    words("digest"),  # SHA-256 of the reference in the cookie
    words("user_id"),
    moment("opened_at"),
    moment("used_at"),
    moment("proved_at", optional=True),  # when the person last proved who they are
    words("address"),
    words("agent"),  # what the browser says of itself
    PrimaryKeyConstraint("id", name="pk_sessions"),
    UniqueConstraint("digest", name="uq_sessions_digest"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user", ondelete="CASCADE"),
)
Index("ix_sessions_user", SESSIONS.c.user_id)

TOKENS = table(
    "tokens",
    words("id"),
    words("name"),
    words("digest"),  # SHA-256 of the token
    words("user_id", optional=True),  # whose it is; none for one made by the operator of the machine
    words("scopes"),
    words("environment"),
    words("addresses"),  # networks it works from; empty for all
    whole("per_minute", optional=True),  # requests
    moment("created_at"),
    moment("expires_at", optional=True),
    moment("used_at", optional=True),
    moment("revoked_at", optional=True),
    PrimaryKeyConstraint("id", name="pk_tokens"),
    UniqueConstraint("name", name="uq_tokens_name"),
    UniqueConstraint("digest", name="uq_tokens_digest"),
    ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_tokens_user", ondelete="CASCADE"),
)
Index("ix_tokens_user", TOKENS.c.user_id)

__all__ = ["CURSORS", "DELIVERIES", "HOOKS", "METADATA", "SESSIONS", "SIGNALS", "TARGETS", "TOKENS", "USERS"]
