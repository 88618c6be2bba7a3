"""The console script. `--version` is answered before anything heavy is imported."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line on the process's arguments; returns the exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        from llmops import __version__

        sys.stdout.write(f"llmops {__version__}\n")
        return 0
    from llmops.cli.app import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
