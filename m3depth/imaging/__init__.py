"""Numbers to pictures: colours, colour bars, bytes."""
