"""The rules: values in, values or domain errors out; no clock, no I/O, no logging."""
