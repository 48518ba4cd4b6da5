"""Each module implements one port with one technology."""
