"""The losses: pure functions that return maps, and the terms that weigh and add them."""
