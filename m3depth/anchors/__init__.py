"""From relative depth to millimetres by what is known of a few places: points, lengths, pairs."""
