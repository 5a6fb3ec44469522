"""What `m3depth bench` measures; timings belong here, never into tests."""
