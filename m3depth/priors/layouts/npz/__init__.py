"""Our own archives."""
