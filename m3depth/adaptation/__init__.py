"""A trained network on another organ, scope or patient: adapted without labels, and judged."""
