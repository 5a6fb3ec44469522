"""What a fit minimises: terms, their weights over the fit, and where it starts."""
