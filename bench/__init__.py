"""Benchmarks: figures that the issues name, measured side by side in one run on one machine."""
