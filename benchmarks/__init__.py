"""What llmops costs, measured: `python -m benchmarks`. Each file holds one subject; its `run()` returns figures."""
