"""What two views both show, found by comparing them: nothing is learned here."""
