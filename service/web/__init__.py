"""Starlette: bytes to domain values, one use case, a response."""
