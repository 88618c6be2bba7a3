"""Scanning: what a text may hold that must not pass: secrets, personal data, expressions that take for ever."""
