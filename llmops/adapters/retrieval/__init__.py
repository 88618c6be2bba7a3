"""Retrieval: indexes that are held in memory, by words, by vectors, and by both."""
