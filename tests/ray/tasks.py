"""What workers of the tests do."""

from __future__ import annotations

import os


def answer(job: str, shard: int) -> str:
    """Shard 1 ends its process."""
    if shard == 1:
        os._exit(1)
    return f"{job} {shard}"
