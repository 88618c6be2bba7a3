"""What is asked and what it costs: the books, and the cap."""
