"""Alembic's folder: how `desk.db` came to be, step by step."""
