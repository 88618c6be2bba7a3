"""Metrics of one's own, ready for a run: from entry points, promptfoo assertion files and DeepEval."""

from __future__ import annotations

from llmops.adapters.plugins.loading import Described, Status, describe, load

__all__ = ["Described", "Status", "describe", "load"]
