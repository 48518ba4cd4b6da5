"""The service: what is received, decided, launched, judged and promoted."""
