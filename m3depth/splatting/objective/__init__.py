"""What a fit is asked for: terms, their weights over its course, and where it starts."""
