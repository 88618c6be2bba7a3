"""`python -m benchmarks.simulation [SUBJECT ...] [--slow] [--pictures]`: every simulation, and the pictures they make.

Without a subject all are run. `--pictures` draws docs/pictures/*.svg instead. Exit code 1 where a goal was missed.
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.__main__ import table
from benchmarks.simulation import SUBJECTS, figures_of


def main() -> int:
    options = _options()
    if options.pictures:
        from benchmarks.simulation import pictures

        for path in pictures.write():
            sys.stdout.write(f"{path}\n")
        return 0
    missed = False
    for subject in options.subjects or SUBJECTS:
        started = time.process_time()
        figures = figures_of(subject, slow=options.slow)
        missed |= any(figure.verdict == "MISSED" for figure in figures)
        sys.stdout.write("\n".join(table({subject: figures})) + f"\n({time.process_time() - started:.0f} s CPU)\n")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description="Every simulation.")
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"of {', '.join(SUBJECTS)}")
    parser.add_argument("--slow", action="store_true", help="also what takes minutes")
    parser.add_argument("--pictures", action="store_true", help="draw docs/pictures/*.svg")
    options = parser.parse_args()
    unknown = sorted(set(options.subjects) - set(SUBJECTS))
    if unknown:
        parser.error(f"no simulation of {', '.join(unknown)}: {', '.join(SUBJECTS)}")
    return options


if __name__ == "__main__":
    sys.exit(main())
