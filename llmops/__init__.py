"""llmops: GitOps for language-model applications.

`llmops.get_prompt` is what services call; everything else is the command `llmops`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmops.runtime.errors import PromptError
    from llmops.runtime.lookup import get_prompt
    from llmops.runtime.prompt import Prompt

__all__ = ["Prompt", "PromptError", "get_prompt"]
__version__ = "0.1.0"

# Read on first use: `import llmops` costs next to nothing, for services and for `llmops --version`.
_LAZY = {
    "get_prompt": "llmops.runtime.lookup",
    "Prompt": "llmops.runtime.prompt",
    "PromptError": "llmops.runtime.errors",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'llmops' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value
