"""Alembic's migrations: a file a revision, in ``versions``."""
