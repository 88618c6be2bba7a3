"""Rendering: results to text, JSON, Markdown. Never asks, never decides."""
