"""Things to try llmops with."""
