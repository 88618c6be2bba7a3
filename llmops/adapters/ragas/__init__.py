"""ragas as a judge. Its requests go through the model door, its scores are its own.

`judge` implements the port, `catalogue` says which metrics there are, `asking` calls ragas, `llm` and `completions`
lead its requests to the door, `calls` keeps the account of one score. ragas is imported by `load`, at the latest with
the first score.
"""
