"""What calibrate shows: the agreement report, one answer to label, and how far labelling is."""

from __future__ import annotations

from collections.abc import Iterable

from llmops.documents.evalsets import Case
from llmops.evaluation.calibration.bias import Bias
from llmops.evaluation.calibration.correcting import Corrected
from llmops.evaluation.calibration.weighing import Estimate
from llmops.render import show
from llmops.render.page import Cell, Page
from llmops.usecases.results.calibrating import Calibrated, Meaning, Sampled

KEYS = "p pass   f fail   s skip   u undo   q quit"
ENDS = 100  # lines of a long text that are shown from its beginning, and as many from its end


def calibrated(page: Page, result: Calibrated) -> None:
    """The judge against people: counts, agreement, bias, and what it means for the gate."""
    page.line(Cell(f"{result.judge} on {result.metric}", "bold"), ": ", _standing(result))
    page.paragraph(
        f"{result.answers} labelled answers to {result.cases} cases in {result.groups} groups, of {result.prompt} on "
        f"{result.evalset}; pass at {result.pass_at:g}; judge {result.judge_digest[:16]}",
        indent=2,
        style="dim",
    )
    page.paragraph(_scores(result), indent=2, style="dim")
    _confusion(page, result)
    _agreement(page, result)
    _people(page, result)
    _bias(page, "length of the answer (characters)", result.by_length)
    _bias(page, "place in the labels file", result.by_position)
    _meaning(page, result)
    _doubts(page, result)
    _ending(page, result)


def _standing(result: Calibrated) -> Cell:
    if not result.is_calibrated:
        return Cell("NOT CALIBRATED", "bad")
    return (
        Cell("calibrated", "good")
        if result.record or result.recorded_as
        else Cell("can be calibrated with these labels", "good")
    )


def _scores(result: Calibrated) -> str:
    asked = f", {result.answers - result.reused} asked for now ({result.asked} requests)"
    return f"{result.reused} scores stand in records{asked if result.answers > result.reused else ''}"


def _confusion(page: Page, result: Calibrated) -> None:
    found = result.agreement.confusion
    page.blank()
    page.table(
        ("", "people pass", "people fail"),
        [
            ("judge passes", str(found.true_pass), str(found.false_pass)),
            ("judge fails", str(found.false_fail), str(found.true_fail)),
        ],
        right=(1, 2),
    )


def _agreement(page: Page, result: Calibrated) -> None:
    found = result.agreement
    weighed = ", weighted back to the run" if result.is_drawn else ""
    page.blank()
    page.table(
        ("", "value", f"95 % interval{weighed}"),
        [
            ("kappa", *_estimate(found.kappa)),
            ("sensitivity (passes what people pass)", *_estimate(found.sensitivity)),
            ("specificity (fails what people fail)", *_estimate(found.specificity)),
            ("accuracy", *_estimate(found.accuracy)),
            ("people pass", *_estimate(found.prevalence)),
        ],
        right=(1,),
    )


def _estimate(found: Estimate) -> tuple[str, str]:
    if found.value is None:
        return "-", "these labels cannot say it"
    interval = found.interval
    return f"{found.value:.3f}", f"{interval.low:.3f} .. {interval.high:.3f}" if interval else "-"


def _people(page: Page, result: Calibrated) -> None:
    between = result.between
    page.blank()
    if not between.pairs:
        names = ", ".join(show.one_line(name, 40) for name in between.annotators)
        page.paragraph(f"annotators: {names}; no answer has two, so nobody knows how well people agree", indent=2)
    for pair in between.pairs:
        kappa = "-" if pair.kappa is None else f"{pair.kappa:.3f}"
        who = f"{show.one_line(pair.first, 40)} and {show.one_line(pair.second, 40)}"
        page.paragraph(f"{who}: kappa {kappa}, the same on {pair.same:.0%} of {pair.answers} answers", indent=2)
    if between.fleiss is not None:
        page.paragraph(f"all annotators: Fleiss' kappa {between.fleiss:.3f}", indent=2)


def _bias(page: Page, name: str, found: Bias) -> None:
    interval = found.difference.interval
    if found.difference.value is None or interval is None:
        page.paragraph(f"bias by {name}: cannot be said", indent=2)
        return
    said = "lenient" if found.difference.value > 0 else "strict"
    verdict = f"the judge is more {said} where it is high" if found.is_found else "none found"
    errors = "; ".join(
        f"{part.low:g} to {part.high:g}: {part.false_pass} + {part.false_fail} of {part.answers}"
        for part in found.thirds
    )
    figure = f"{found.difference.value:+.3f}, {interval.low:+.3f} .. {interval.high:+.3f}"
    page.paragraph(
        f"bias by {name}: {verdict} ({figure}; wrongly passed + failed: {errors})",
        indent=2,
        hanging=4,
        style="warn" if found.is_found else "",
    )


def _meaning(page: Page, result: Calibrated) -> None:
    page.blank()
    for one in result.meaning:
        page.paragraph(sentence(one), indent=2, hanging=4)


def sentence(one: Meaning) -> str:
    """What becomes of one pass rate, in a sentence."""
    what = (
        f"a naive {_percent(one.naive)} pass rate of {one.cases} cases"
        if one.is_example
        else f"the newest run: {_percent(one.naive)} passed"
    )
    if not isinstance(one.corrected, Corrected):
        return f"{what} cannot be corrected: {one.corrected.what} [{one.corrected.code}]"
    found = one.corrected
    interval = f"{_percent(found.interval.low)} to {_percent(found.interval.high)}"
    would = "would be corrected" if one.is_example else "by the judge, corrected"
    return f"{what} {would} to {_percent(found.rate)} ({interval}; {found.method.value})"


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _doubts(page: Page, result: Calibrated) -> None:
    page.blank()
    if result.problem is not None:
        page.paragraph(f"{result.problem.what}  [{result.problem.code}]", indent=2, hanging=4, style="bad")
        page.paragraph(f"fix: {result.problem.hint}", indent=4, hanging=9)
    if result.not_drawn:
        page.paragraph(f"no draw, so it corrects by the judge's errors alone: {result.not_drawn}", indent=2, hanging=4)
    if result.ties:
        page.paragraph(f"no majority of people on {_named(result.ties)}: left out", indent=2, hanging=4, style="warn")
    for case, reason in result.unscored.items():
        said = f"no score on {show.one_line(case, 60)}: {show.one_line(reason, 160)}"
        page.paragraph(said, indent=2, hanging=4, style="warn")
    for line in result.stale:
        page.paragraph(line, indent=2, hanging=4, style="warn")


def _named(cases: Iterable[str]) -> str:
    return ", ".join(show.one_line(case, 60) for case in cases)


def _ending(page: Page, result: Calibrated) -> None:
    page.blank()
    if result.record:
        page.line(f"recorded {result.record.path}")
    elif result.recorded_as:
        page.line(f"{result.recorded_as} says the same")
    else:
        page.paragraph("not recorded, so the gate does not know it: --record writes it", indent=2, style="dim")


def question(page: Page, metric: str, case: Case, contexts: tuple[str, ...] | None, answer: str) -> None:
    """One answer to label: what was asked, what it was given, what is right, what was said. No verdict, no score."""
    _part(page, "question", case.question)
    for number, text in enumerate(contexts or (), 1):
        _part(page, f"context {number}", text)
    if contexts is None:
        page.paragraph("(the passages that it was given are no longer here)", indent=2, style="warn")
    if case.ground_truth:
        _part(page, "ground truth", case.ground_truth)
    _part(page, "answer", answer or "(nothing)")
    page.blank()
    page.line(Cell(f"does the answer pass by {metric}?", "bold"))
    page.line(f"  {KEYS}")


def _part(page: Page, title: str, text: str) -> None:
    page.blank()
    page.line(Cell(title, "dim"))
    # Indented, so that nothing in a hostile text can stand where our own words stand.
    lines = text.split("\n")
    if len(lines) <= 2 * ENDS:
        page.paragraph(text, indent=4)
        return
    page.paragraph("\n".join(lines[:ENDS]), indent=4)
    page.line(Cell(f"  ({len(lines) - 2 * ENDS:,} of {len(lines):,} lines are left out here)", "warn"))
    page.paragraph("\n".join(lines[-ENDS:]), indent=4)


def sampled(page: Page, result: Sampled, *, same: str = "", mine: str = "") -> None:
    """How far labelling is, and what to do next: with `same`, the options that both commands take, and `mine`, those of
    labelling."""
    done = f"{result.before + result.labelled} of {result.wanted} answers labelled by {result.metric}"
    page.line(Cell(f"{result.prompt} {result.version}", "bold"), f" on {result.evalset}: {done}")
    page.paragraph(
        f"the judge passed {result.passed} answers and failed {result.failed} (at {result.pass_at:g}); drawn from both",
        indent=2,
        style="dim",
    )
    page.paragraph(f"labels of {show.one_line(result.annotator, 60)} are in {result.labels}", indent=2, style="dim")
    if result.skipped:
        said = f"{result.skipped} skipped: while they are left out, the labels are no draw"
        page.paragraph(said, indent=2, hanging=4, style="warn")
    page.blank()
    name = f"{result.prompt}@{result.version} --metric {result.metric}"
    if result.is_over:
        page.line(f"  next: llmops calibrate {name}{show.terminal(same)}")
    else:
        page.line(f"  to go on: llmops calibrate sample {name}{show.terminal(mine + same)}")
