"""Four small applications of well-known frameworks that fetch their prompt from llmops and are evaluated by it."""
