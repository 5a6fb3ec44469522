"""Pipeline layouts: how each is written, how it is read, and what its readers expect."""
