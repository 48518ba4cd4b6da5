"""The steps of a run, one a module: each is idempotent, because any of them may be cut off and come again."""
