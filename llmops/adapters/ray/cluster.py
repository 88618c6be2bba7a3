"""Work in processes of a Ray cluster (port `Runner`).

Rules, in order:

1. `RAY_ADDRESS` names a cluster to join; without it one is started on this machine, on the loopback address, and ended
   with the run. No dashboard, no statistics of use.
2. Work is a function of the package, named and never copied: each node has llmops installed, and the repository at the
   same path.
3. Ray repeats nothing by itself: who is lost is told, and the run decides.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from llmops.errors import CannotAsk

ADDRESS = "RAY_ADDRESS"


class Cluster:
    """A cluster that is open; `tasks` run at once."""

    def __init__(self, ray: Any, function: Callable[[Any, Any], Any], job: Any, tasks: int) -> None:
        self.tasks = tasks
        self._ray = ray
        self._task = ray.remote(function).options(num_cpus=1, max_retries=0)
        self._job = ray.put(job)
        self._numbers: dict[Any, int] = {}

    def submit(self, number: int, shard: Any) -> None:
        """Start a task."""
        self._numbers[self._task.remote(self._job, shard)] = number

    def finished(self) -> tuple[int, Any]:
        """The next task that is done, with what it gave; None where its process was lost. Waits for it."""
        (reference,), _ = self._ray.wait(list(self._numbers), num_returns=1)
        number = self._numbers.pop(reference)
        raised = self._ray.exceptions
        try:
            return number, self._ray.get(reference)
        except (raised.WorkerCrashedError, raised.NodeDiedError, raised.OutOfMemoryError, raised.ObjectLostError):
            return number, None


@contextmanager
def opened(
    function: Callable[[Any, Any], Any], job_of: Callable[[int], Any], most: Callable[[int], int]
) -> Iterator[Cluster]:
    """A cluster whose tasks call `function` with the job and what was submitted. `job_of` makes the job for so many
    tasks at once, `most` says how many of the cluster's processors may be used.

    Raises: CannotAsk EXTRA_MISSING, RAY_UNAVAILABLE.
    """
    ray = _imported()
    address = os.environ.get(ADDRESS, "")
    where: dict[str, Any] = {"address": address} if address else {"include_dashboard": False}
    if not address:
        where |= {"_node_ip_address": "127.0.0.1", "num_cpus": os.cpu_count() or 1}
    try:
        ray.init(log_to_driver=False, logging_level="ERROR", **where)
    except (ray.exceptions.RayError, OSError, RuntimeError, ValueError) as error:
        what = f"no Ray cluster: {' '.join(str(error).split())[:300]}"
        hint = f"mend {ADDRESS}, or leave it out to start one here" if address else "see what Ray says"
        raise CannotAsk("RAY_UNAVAILABLE", what, where=address, hint=hint) from error
    try:
        tasks = most(max(1, int(ray.cluster_resources().get("CPU", 1))))
        yield Cluster(ray, function, job_of(tasks), tasks)
    finally:
        ray.shutdown()


def _imported() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.exceptions
    except ImportError as error:
        what, hint = "--runner ray needs Ray, which is not installed", "pip install 'llmops[ray]'"
        raise CannotAsk("EXTRA_MISSING", what, hint=hint) from error
    return ray
