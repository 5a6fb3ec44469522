"""What a fit leaves: numbers, files for viewers, pictures and a page."""
