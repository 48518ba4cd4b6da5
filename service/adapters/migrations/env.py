"""Alembic's entry: it runs inside the transaction that ``sql_engine.migrate`` opened."""

from alembic import context

from service.adapters.sql_tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
