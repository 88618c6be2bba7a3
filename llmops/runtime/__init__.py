"""What runs inside other people's services: `llmops.get_prompt`. Standard library, PyYAML and Jinja2 only."""
