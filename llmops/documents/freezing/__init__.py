"""Freezing: documents to a release and back, and what differs between two releases."""
