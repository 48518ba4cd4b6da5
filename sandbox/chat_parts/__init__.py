"""What simulated customers and agents talk about, and how."""
