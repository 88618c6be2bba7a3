"""A model door that is opened when something is asked of it.

Who measures can often be said without asking a model for its identity; the door brings event loops, clients and TLS
along, which take a tenth of a second to import.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from llmops.documents.config import ModelConfig

if TYPE_CHECKING:
    from llmops.usecases.ports import ModelDoor


def late_door(cache: Path, models: Mapping[str, ModelConfig]) -> ModelDoor:
    """The door over these models, opened on first use; never left as a context, as nothing is sent through it."""
    return cast("ModelDoor", _Late(cache, models))


class _Late:
    def __init__(self, cache: Path, models: Mapping[str, ModelConfig]) -> None:
        self._cache = cache
        self._models = models

    @cached_property
    def _door(self) -> ModelDoor:
        from llmops.adapters.models.door import open_door
        from llmops.cli.session import say

        return open_door(self._cache, self._models, say=say)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._door, name)
