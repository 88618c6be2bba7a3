"""`python -m benchmarks [--only NAME] [--slow] [--json]`: every figure beside its goal, in one table.

Machines are shared and noisy: ratios are of one run, CPU seconds stand before wall seconds. Exit code 1 where a goal
was missed.
"""

from __future__ import annotations

import argparse
import compileall
import dataclasses
import importlib
import importlib.util
import inspect
import json
import os
import platform
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.figures import Figure, skipped

SUBJECTS = (
    "startup",
    "validation",
    "objects",
    "records",
    "deciding",
    "serving",
    "gate_statistics",
    "evaluation",
    "scale",
    "engine",
    "judge",
    "calibration",
    "safety",
    "xquad",
    "simulation",
)
WIDTH = 80


def main() -> int:
    options = _options()
    _compile()
    found: dict[str, list[Figure]] = {}
    for name in options.only or SUBJECTS:
        sys.stderr.write(f"measuring {name}\n")
        found[name] = _measure(name, slow=options.slow)
    sys.stdout.write(_as_json(found) if options.json else _as_table(found))
    return 1 if any(figure.verdict == "MISSED" for figures in found.values() for figure in figures) else 0


def _compile() -> None:
    """Byte code for our package and what it starts with, as installers and first runs leave it: some environments
    forbid Python to write it, and then every start would be measured with a compilation in it."""
    for name in ("llmops", "typer", "jinja2", "yaml"):
        spec = importlib.util.find_spec(name)
        for folder in spec.submodule_search_locations or () if spec else ():
            compileall.compile_dir(folder, quiet=2)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Every figure beside its goal.")
    parser.add_argument("--only", action="append", choices=SUBJECTS, help="one subject; may be repeated")
    parser.add_argument("--slow", action="store_true", help="also what takes minutes")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser.parse_args()


def _measure(name: str, *, slow: bool) -> list[Figure]:
    module = importlib.import_module(f"benchmarks.{name}")
    takes_slow = "slow" in inspect.signature(module.run).parameters
    try:
        figures: list[Figure] = module.run(slow=slow) if takes_slow else module.run()
    except subprocess.CalledProcessError as failed:
        said = (failed.stderr or failed.stdout or "").strip() if isinstance(failed.stderr, str) else ""
        return [skipped(name, f"{' '.join(map(str, failed.cmd[:3]))} exited {failed.returncode}: {said[-200:]}")]
    return figures


def machine() -> str:
    """What the figures were measured on."""
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}, load {load:.1f}"


def _as_json(found: dict[str, list[Figure]]) -> str:
    rows = {
        name: [{**dataclasses.asdict(figure), "verdict": figure.verdict} for figure in figures]
        for name, figures in found.items()
    }
    return json.dumps({"machine": machine(), "figures": rows}, indent=2) + "\n"


def _as_table(found: dict[str, list[Figure]]) -> str:
    return "\n".join([machine(), "", *table(found)]) + "\n"


def table(found: Mapping[str, Sequence[Figure]]) -> list[str]:
    """The lines of a table of figures by subject."""
    lines = [f"{'figure':<44}{'measured':>11}{'goal':>12}  verdict"]
    for name, figures in found.items():
        lines += ["", f"[{name}]"]
        for figure in figures:
            lines += _lines(figure)
    return lines


def _lines(figure: Figure) -> Iterable[str]:
    measured = "-" if figure.measured is None else f"{_number(figure.measured)} {figure.unit}".rstrip()
    bound = ">=" if figure.at_least else "<="
    goal = "" if figure.goal is None else f"{bound} {_number(figure.goal)}"
    yield f"{figure.name:<44}{measured:>11}{goal:>12}  {figure.verdict}".rstrip()
    remarks = "; ".join(remark for remark in (figure.floor, figure.note) if remark)
    yield from textwrap.wrap(remarks, width=WIDTH, initial_indent="    ", subsequent_indent="    ")


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


if __name__ == "__main__":
    sys.exit(main())
