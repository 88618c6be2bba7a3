"""Records: reading and writing the records branch, and its audit."""
