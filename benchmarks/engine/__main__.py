"""`make bench-eval`: evaluations against a scripted endpoint of 200 ms, in one table.

    python -m benchmarks.engine [--only clean|faults|peers] [--cases 200] [--json]

Exit code 1 where a goal was missed.
"""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks import __main__ as table

PARTS = ("clean", "faults", "peers")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="one part; may be repeated")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="one JSON object")
    options = parser.parse_args()
    table._compile()
    found = {}
    for part in options.only or PARTS:
        sys.stderr.write(f"measuring {part}\n")
        found[part] = importlib.import_module(f"benchmarks.engine.{part}").run(cases=options.cases)
    sys.stdout.write(table._as_json(found) if options.json else table._as_table(found))
    return 1 if any(figure.verdict == "MISSED" for figures in found.values() for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
