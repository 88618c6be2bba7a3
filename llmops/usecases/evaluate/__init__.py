"""Evaluate: score one behaviour, and decide from stored evidence."""
