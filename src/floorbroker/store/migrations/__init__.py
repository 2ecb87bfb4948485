"""Alembic's folder: how a journal's database came to be, step by step."""
