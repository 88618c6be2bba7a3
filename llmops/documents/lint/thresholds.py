"""Rules over bars: metrics, judges, slices and cases that exist, and bars that can be met at all."""

from __future__ import annotations

from llmops.documents.config import EMBEDDED_JUDGE
from llmops.documents.evalset_files import EvalsetFolder
from llmops.documents.lint.found import Findings, error, warning
from llmops.documents.project import Project, PromptFolder
from llmops.documents.reading.document import Document
from llmops.documents.reading.shapes import nearest
from llmops.errors import Finding


def check(folder: PromptFolder, project: Project) -> Findings:
    """The evalset that a prompt names, and what its thresholds name."""
    name = folder.prompt.value.get("evalset", "")
    manifest = project.manifest(name) if name else None
    if name and manifest is None:
        yield _no_evalset(folder, project)
    bars = folder.thresholds
    if bars is None or not bars.is_valid:
        return
    for part in ("release", "production"):
        yield from metrics_in(bars, (part,), project)
        yield from _impossible(bars, part)
        yield from _out_of_range(bars, part, project.vocabulary.shares)
        yield from _no_rate(bars, part, project)
        yield from _quality(bars, part, project)
        yield from _no_drop(bars, part, project)
        yield from _wrong_way(bars, part, project)
    if bars.value.get("production"):
        what = "production monitors are not watched by this version"
        fix = "remove them, or know that nothing watches them yet"
        yield warning("thresholds-unsupported", bars.at_key("production"), what, fix)
    yield from _judge(bars, project)
    yield from _target(bars, project)
    if manifest is not None and manifest.is_valid:
        yield from _slices(bars, manifest)
        evalset = project.evalset(name) if "quarantine" in bars.value else None
        yield from _quarantine(bars, evalset) if evalset else ()


def _no_evalset(folder: PromptFolder, project: Project) -> Finding:
    name = folder.prompt.value["evalset"]
    near = nearest(name, project.evalset_names)
    hint = f", did you mean '{near}'?" if near else ""
    what = f"there is no evalsets/{name}/evalset.yaml{hint}"
    return error("evalset-missing", folder.prompt.at("evalset"), what, "write the evalset, or mend the name")


def metrics_in(document: Document, pointer: tuple[str, ...], project: Project) -> Findings:
    """Names of metrics that nobody can measure, among the keys of the mapping at `pointer`."""
    value = document.value
    for part in pointer:
        value = value.get(part, {})
    known = (*project.vocabulary.metrics, *project.settings.metrics) if project.vocabulary.metrics else ()
    for name in value if known else ():
        if name not in known:
            near = nearest(name, known)
            hint = f", did you mean '{near}'?" if near else ""
            fix = f"write '{near}'" if near else f"write one of {', '.join(known)}"
            yield error("metric-unknown", document.at_key(*pointer, name), f"there is no metric '{name}'{hint}", fix)


def _impossible(bars: Document, part: str) -> Findings:
    for metric, bar in bars.value.get(part, {}).items():
        low, high = bar.get("min"), bar.get("max")
        if low is not None and high is not None and low > high:
            what = f"{part}.{metric} wants at least {low} and at most {high}: nothing can pass"
            yield error("threshold-impossible", bars.at(part, metric), what, "keep one of the two, or swap them")


def _out_of_range(bars: Document, part: str, shares: tuple[str, ...]) -> Findings:
    """A score from 0 to 1 is never 40: somebody thought of percent."""
    for metric, bar in bars.value.get(part, {}).items():
        for key in ("min", "max", "max_drop") if metric in shares else ():
            value = bar.get(key)
            if isinstance(value, int | float) and not 0 <= value <= 1:
                what = f"{part}.{metric}.{key} is {value}, scores of {metric} lie from 0 to 1"
                yield error("threshold-out-of-range", bars.at(part, metric, key), what, "write 0.4 for 40 percent")


def _no_rate(bars: Document, part: str, project: Project) -> Findings:
    """Spend and speed have no score that a case could pass at."""
    shares = project.vocabulary.shares
    for metric, bar in bars.value.get(part, {}).items():
        if shares and "pass_at" in bar and metric not in (*shares, *project.settings.metrics):
            what = f"{part}.{metric} has `pass_at`, which is for scores from 0 to 1"
            yield error("threshold-no-rate", bars.at(part, metric, "pass_at"), what, "remove it")
        elif "pass_at" in bar and metric in project.vocabulary.lower:
            what = f"{part}.{metric} has `pass_at`, and less of it is better: no case passes by scoring that or more"
            yield error("threshold-no-rate", bars.at(part, metric, "pass_at"), what, "remove it, and set `max`")
        elif bar.get("pass_at") == 0:
            what = f"{part}.{metric}.pass_at is 0: every case passes"
            fix = "write the least score that is good"
            yield error("threshold-no-rate", bars.at(part, metric, "pass_at"), what, fix)


def _wrong_way(bars: Document, part: str, project: Project) -> Findings:
    """Of what is spent, a least amount lets the worst through."""
    for metric, bar in bars.value.get(part, {}).items():
        if "min" in bar and metric in project.vocabulary.lower:
            what = f"{part}.{metric} has `min`, and less of it is better: the dearest answers would pass"
            yield error("threshold-wrong-way", bars.at(part, metric, "min"), what, "write `max`")


def _no_drop(bars: Document, part: str, project: Project) -> Findings:
    """A drop is case by case, between two behaviours."""
    for metric, bar in bars.value.get(part, {}).items():
        if "max_drop" not in bar:
            continue
        if metric in project.vocabulary.percentiles:
            what = f"{part}.{metric} is a percentile, which has no drop case by case"
            fix = "remove `max_drop`, or set it on latency_ms"
            yield error("threshold-no-drop", bars.at(part, metric, "max_drop"), what, fix)
        elif bars.value.get("target") == "answers":
            what = f"{part}.{metric}.max_drop compares answers that the evalset brings with themselves"
            fix = "remove it: where no prompt is asked, no version is worse than another"
            yield warning("threshold-no-drop", bars.at(part, metric, "max_drop"), what, fix)


def _quality(bars: Document, part: str, project: Project) -> Findings:
    """A ratio names what it is paid for; nothing else does."""
    ratios, shares = project.vocabulary.ratios, (*project.vocabulary.shares, *project.settings.metrics)
    for metric, bar in bars.value.get(part, {}).items() if ratios else ():
        quality = bar.get("quality")
        if metric in ratios and quality is None:
            what = f"{part}.{metric} does not say which quality the money buys"
            fix = "add `quality: groundedness`, or another metric"
            yield error("threshold-quality", bars.at(part, metric), what, fix)
        elif metric not in ratios and quality is not None:
            what = f"{part}.{metric} has `quality`, which is for {' and '.join(ratios)}"
            yield error("threshold-quality", bars.at(part, metric, "quality"), what, "remove it")
        elif quality is not None and quality in project.vocabulary.lower:
            what = f"{part}.{metric} is by '{quality}', of which less is better: that has no price"
            fix = "name a metric such as groundedness"
            yield error("threshold-quality", bars.at(part, metric, "quality"), what, fix)
        elif quality is not None and quality not in shares:
            what = f"{part}.{metric} is by '{quality}', which is no score from 0 to 1"
            fix = "name a metric such as groundedness"
            yield error("threshold-quality", bars.at(part, metric, "quality"), what, fix)


def _judge(bars: Document, project: Project) -> Findings:
    judge = bars.value.get("judge")
    known = project.settings.judge_names
    if judge is not None and judge not in known and (project.config is None or project.config.is_valid):
        what = f"there is no judge '{judge}'; known: {', '.join(known)}"
        yield error("judge-unknown", bars.at("judge"), what, "add it to `judges` of llmops.yaml, or mend the name")
        return
    config = project.settings.judge(judge or EMBEDDED_JUDGE)
    if config is not None and config.kind == EMBEDDED_JUDGE:
        for name in bars.value.get("release", {}):
            if name in project.vocabulary.needs_model:
                what = f"{name} is judged by a model, and the judge {config.name} asks none"
                fix = "name a judge of kind native or ragas as `judge:`"
                yield error("metric-needs-judge", bars.at_key("release", name), what, fix)


def _target(bars: Document, project: Project) -> Findings:
    known = ("prompt", "answers", *project.settings.targets)
    target = bars.value.get("target", "prompt")
    if target not in known and (project.config is None or project.config.is_valid):
        near = nearest(target, known)
        hint = f", did you mean '{near}'?" if near else ""
        what = f"there is no target '{target}'{hint}; known: {', '.join(known)}"
        yield error("target-unknown", bars.at("target"), what, "add it to `targets` of llmops.yaml, or mend the name")


def _slices(bars: Document, manifest: Document) -> Findings:
    known = tuple(manifest.value.get("slices", ()))
    for metric, bar in bars.value.get("release", {}).items():
        for name in bar.get("slices", ()):
            if name not in known:
                what = f"release.{metric} names the slice '{name}', {manifest.path} has {_listed(known)}"
                fix = "add it to the evalset's `slices`, or mend the name"
                yield error("slice-unknown", bars.at("release", metric, "slices"), what, fix)


def _quarantine(bars: Document, evalset: EvalsetFolder) -> Findings:
    if evalset.evalset is None:
        return
    known = {case.id for case in evalset.evalset.cases}
    for index, item in enumerate(bars.value.get("quarantine", ())):
        if item["case"] not in known:
            what = f"the evalset '{evalset.name}' has no case '{item['case']}'"
            yield warning("quarantine-unknown", bars.at("quarantine", index, "case"), what, "remove the entry")


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
