"""What the trainer remembers: rows in SQLite, bytes in folders beside it."""
