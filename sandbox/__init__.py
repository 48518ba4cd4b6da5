"""A Labelbox that the unmodified SDK talks to, with simulated labelers."""
