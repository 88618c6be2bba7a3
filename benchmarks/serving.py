"""What `llmops.get_prompt` costs a service: a cached lookup, a rendering beside plain Jinja, and the import."""

from __future__ import annotations

import sys
import timeit
from collections.abc import Callable

import jinja2

import llmops
from benchmarks.figures import CHECKOUT, Figure, alternate
from llmops.documents.releases import parse, path_of
from llmops.runtime import lookup

NAME, VERSION = "mortgage-assistant", "1.3.1"
QUESTION = "How many days is an appraisal valid?"
CHECKOUT_TEXT = str(CHECKOUT)
CONTEXTS = ["An appraisal is valid for 120 days. " * 10, "The appraisal fee is $625. " * 10]


def run() -> list[Figure]:
    return [_lookup(), _look_again(), _render(), _import()]


def _get() -> llmops.Prompt:
    return llmops.get_prompt(NAME, version=VERSION, root=CHECKOUT_TEXT)


def _nanoseconds(number: int, **calls: str | Callable[[], object]) -> dict[str, float]:
    """The best of nine rounds in which the calls take turns: what disturbs only ever adds."""
    timers = {name: timeit.Timer(call, globals=globals()) for name, call in calls.items()}
    rounds = [{name: timer.timeit(number) for name, timer in timers.items()} for _ in range(9)]
    return {name: min(each[name] for each in rounds) / number * 1e9 for name in timers}


def _get_for(seconds: float, number: int) -> float:
    """Nanoseconds of a call while files are looked at again after `seconds`."""
    before, lookup.LOOK_AGAIN_SECONDS = lookup.LOOK_AGAIN_SECONDS, seconds
    lookup.forget()
    try:
        _get()
        # As text: what a service writes, without a function of ours around it.
        call = "llmops.get_prompt('mortgage-assistant', version='1.3.1', root=CHECKOUT_TEXT)"
        return _nanoseconds(number, call=call)["call"]
    finally:
        lookup.LOOK_AGAIN_SECONDS = before
        lookup.forget()


def _lookup() -> Figure:
    took = _get_for(3600.0, 100_000)
    return Figure(name="get_prompt, cached", measured=took, unit=" ns", goal=250.0, floor="a dict: 91 ns")


def _look_again() -> Figure:
    took = _get_for(-1.0, 2_000)
    return Figure(name="get_prompt, looking at its files (once a second)", measured=took / 1000, unit=" us")


def _render() -> Figure:
    path = path_of(NAME, VERSION)
    behaviour = parse((CHECKOUT / path).read_bytes(), path).behaviour
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    plain = [(each["role"], environment.from_string(each["content"])) for each in behaviour["messages"]]

    def by_jinja() -> list[dict[str, str]]:
        contexts = [{"id": str(n), "text": text, "number": n} for n, text in enumerate(CONTEXTS, 1)]
        return [{"role": role, "content": each.render(question=QUESTION, contexts=contexts)} for role, each in plain]

    prompt = _get()
    took = _nanoseconds(2_000, ours=lambda: prompt.render(question=QUESTION, contexts=CONTEXTS), jinja=by_jinja)
    ratio, floor = took["ours"] / took["jinja"], f"jinja2 compiled: {took['jinja'] / 1000:.1f} us"
    return Figure(name="render, limits and checks included", measured=ratio, unit="x", goal=1.2, floor=floor)


def _import() -> Figure:
    costs = alternate(
        {
            "pass": (sys.executable, "-c", "pass"),
            "jinja2 and yaml": (sys.executable, "-c", "import jinja2, yaml"),
            "first": (sys.executable, "-c", f"import llmops; llmops.get_prompt('{NAME}', version='{VERSION}')"),
        },
        times=7,
    )
    floor = f"importing jinja2 and yaml: {(costs['jinja2 and yaml'].cpu - costs['pass'].cpu) * 1000:.0f} ms"
    measured = (costs["first"].cpu - costs["pass"].cpu) * 1000
    return Figure(name="first get_prompt of a process, CPU", measured=measured, unit=" ms", floor=floor)
