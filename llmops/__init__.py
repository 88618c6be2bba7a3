"""llmops: GitOps for language-model applications."""

__version__ = "0.1.0"
