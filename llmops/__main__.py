"""The console script. `--version` is answered before anything heavy is imported."""

from __future__ import annotations

import gc
import os
import sys


def main() -> int:
    """Run the command line on the process's arguments; returns the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from llmops import __version__

        sys.stdout.write(f"llmops {__version__}\n")
        return 0
    # Before numpy is imported anywhere: its thread pools cost more to start than our statistics take.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Imports and rows are hardly ever garbage: looking at every 700th object takes a thirtieth of a short command.
    gc.set_threshold(50_000, 20, 20)
    from llmops.cli.app import run

    code = run(sys.argv[1:])
    # The process ends here: the interpreter would first search all that is left for garbage.
    gc.freeze()
    return code


if __name__ == "__main__":
    sys.exit(main())
