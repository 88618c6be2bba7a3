"""Rows of evidence as columns: the form of their lines, what each metric says in them, and rows made when asked for."""
