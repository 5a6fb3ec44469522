"""Being here puts this folder's helpers on the path of the tests in the folders below."""
