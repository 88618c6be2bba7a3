"""Rules over documents: whether what was written makes sense together.

Each rule is a small function over one prompt, evalset or llmops.yaml, and yields findings. A document that broke its
schema has those findings; rules that need its values wait until it is mended.
"""

from __future__ import annotations

from llmops.documents.lint.units import UnitResult, check, check_unit, context_digest, units

__all__ = ["UnitResult", "check", "check_unit", "context_digest", "units"]
