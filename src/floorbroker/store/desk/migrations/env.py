"""Alembic's entry: runs on the connection that `store/migrate.py` hands in."""

from __future__ import annotations

from alembic import context

from floorbroker.store.desk.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,  # one transaction for all steps: SQLite can, and Alembic does not expect it
)
with context.begin_transaction():
    context.run_migrations()
