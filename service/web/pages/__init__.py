"""The page: what people look at every day, made on the server, read-only."""
