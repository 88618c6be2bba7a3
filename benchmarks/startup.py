"""What a command costs before it does anything: CPU against `python -c pass`, in the same run."""

from __future__ import annotations

import sys

from benchmarks.figures import LLMOPS, Figure, alternate

PROMPT = "prompts/mortgage-assistant/prompt.yaml"


def run() -> list[Figure]:
    costs = alternate(
        {
            "pass": (sys.executable, "-c", "pass"),
            "--version": (*LLMOPS, "--version"),
            "--help": (*LLMOPS, "--help"),
            "validate, 1 file": (*LLMOPS, "validate", "--no-cache", PROMPT),
            "validate, 1 file unchanged": (*LLMOPS, "validate", PROMPT),
        },
        times=11,
    )
    base = costs["pass"].cpu
    goals = {"--version": 3.0, "--help": 12.0, "validate, 1 file": 18.0, "validate, 1 file unchanged": 18.0}
    floor = f"python -c pass: {base * 1000:.0f} ms"
    return [
        Figure(name=f"{name}, CPU", measured=costs[name].cpu / base, unit="x", goal=goal, floor=floor)
        for name, goal in goals.items()
    ]
