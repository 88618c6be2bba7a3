"""What plan shows: what each rule can tell, where it cannot tell what it asks for, and where the noise comes from."""

from __future__ import annotations

from collections.abc import Sequence

from llmops.documents.bars import DecideOn
from llmops.evaluation.planning.components import Design, Part
from llmops.evaluation.planning.plan import PlannedRule, Way
from llmops.render.page import Cell, Page
from llmops.render.text.evaluate import figure, interval_text
from llmops.usecases.results.planning import Noise, Planned

_SIGNS = {"min": ">=", "max": "<=", "require": "all >=", "max_drop": "drop <="}


def planned(page: Page, result: Planned) -> None:
    """A plan: the design, a row a rule, what cannot be told and what would tell it, then the noise."""
    where = f" for {result.environment}" if result.environment else ""
    page.line(Cell(f"{result.prompt} {result.version}", "bold"), f"{where}: {_design(result.design)}")
    page.paragraph(f"{result.evalset}; judge {_judge(result)}; {_asked(result)}", indent=2, hanging=4, style="dim")
    page.paragraph(f"known from {_known(result)}", indent=2, hanging=4, style="dim")
    page.blank()
    _rules(page, result)
    page.paragraph(
        f"tells: the smallest difference that is decided rightly in {_percent(result.power)} of the gates. right: how "
        "often the one that the rule asks for is; of a mean, how often such a release passes on other cases. cases: "
        "how many the rule's own difference takes.",
        indent=2,
        style="dim",
    )
    page.blank()
    _said(page, result)
    _noise(page, result)


def _rules(page: Page, result: Planned) -> None:
    """A row a rule; where that is too wide, without the deviation, which stands under the noise as well."""
    header: tuple[str, ...] = ("metric", "figure", "bar", "sd", "tells", "right", "cases")
    right: tuple[int, ...] = (1, 3, 4, 5, 6)
    rows = [_row(rule) for rule in result.rules]
    if not _fits(page, header, rows):
        header, rows, right = (*header[:3], *header[4:]), [(*row[:3], *row[4:]) for row in rows], (1, 3, 4, 5)
    page.table(header, rows, right=right)


def _fits(page: Page, header: Sequence[str], rows: Sequence[Sequence[str | Cell]]) -> bool:
    """Whether a table is no wider than the page."""
    tried = Page(width=page.width)
    tried.table(header, rows)
    return all(len(line) <= page.width for line in tried.lines)


def _judge(result: Planned) -> str:
    """The judge with its standing, as the gate has it."""
    named = ", ".join(result.calibrated)
    return f"{result.judge.removesuffix(' (advisory)')} (calibrated: {named})" if named else result.judge


def _design(design: Design) -> str:
    parts = [f"{design.cases:,} case{'' if design.cases == 1 else 's'}"]
    if design.repeats > 1:
        parts.append(f"{design.repeats} repeats")
    if design.judge_repeats > 1:
        parts.append(f"{design.judge_repeats} judgements")
    return " x ".join(parts)


def _asked(result: Planned) -> str:
    return f"{_running(result.asked)} a release{_once(result.asked)}"


def _way(way: Way) -> str:
    return f"{_running(way)}{_once(way)}"


def _running(way: Way) -> str:
    """What every release costs."""
    money = "" if way.nano_usd is None else f", ${(way.nano_usd - way.once_nano_usd) / 1e9:.4f}"
    return f"{way.calls:,} requests{money}"


def _once(way: Way) -> str:
    """What is paid once."""
    return f", and ${way.once_nano_usd / 1e9:,.2f} once for new cases" if way.once_nano_usd else ""


def _known(result: Planned) -> str:
    stated = [item.metric for item in result.noise if item.is_assumed]
    parts = [result.evidence] if result.evidence else []
    if result.other:
        parts.append(f"beside {result.other}")
    if stated:
        parts.append(f"stated: {', '.join(stated)}")
    return "; ".join(parts)


def _row(rule: PlannedRule) -> tuple[str | Cell, ...]:
    mean = " (mean)" if rule.decide_on is DecideOn.MEAN and rule.rule in ("min", "max") else ""
    right = rule.others if rule.chance is None else rule.chance
    return (
        _name(rule),
        figure(rule.figure, rule.metric),
        f"{_SIGNS[rule.rule]} {_short(rule.bar, rule.metric)}{mean}",
        figure(rule.sd, rule.metric),
        figure(rule.detects, rule.metric),
        Cell("-" if right is None else _percent(right), "warn" if rule.is_open else ""),
        "-" if rule.needed is None else f"{rounded(rule.needed):,}",
    )


def _short(value: float, metric: str) -> str:
    text = figure(value, metric)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _percent(share: float) -> str:
    """A share in percent, never rounded to none or all."""
    if 0 < share < 0.01:
        return "< 1 %"
    return "> 99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"


def rounded(count: int) -> int:
    """Two figures, upwards: more would claim to know the spread better than it is known."""
    size: int = 10 ** max(0, len(str(count)) - 2)
    return -(-count // size) * size


def _said(page: Page, result: Planned) -> None:
    """First what cannot be told; then what is chance; then what all of it rests on, each thing once."""
    for rule in result.rules:
        if not rule.is_good:
            page.paragraph(f"{_name(rule)}: {_fails(rule)}", indent=2, hanging=4, style="warn")
        if rule.is_open and rule.chance is not None:
            page.paragraph(f"{_name(rule)}: {_cannot(rule)}", indent=2, hanging=4, style="warn")
            page.paragraph(_would(rule, result), indent=4, hanging=4)
        elif rule.is_open or _is_unknown(rule):
            page.paragraph(f"{_name(rule)}: cannot be planned: {rule.note}", indent=2, hanging=4, style="warn")
    for rule in result.rules:
        if rule.rule == "require":
            page.paragraph(f"{_name(rule)}: {_all_pass(rule, result.power)}", indent=2, hanging=4)
        elif _is_by_chance(rule):
            page.paragraph(f"{_name(rule)}: {_by_chance(rule)}", indent=2, hanging=4)
    if any(rule.decide_on is DecideOn.MEAN and rule.rule in ("min", "max") for rule in result.rules):
        text = "(mean): always decided, with no word on how sure that is; `decide_on: interval` would say it"
        page.paragraph(text, indent=2, hanging=4, style="dim")
    for text, names in _gathered(result.rules).items():
        page.paragraph(f"{text}: {', '.join(names)}", indent=2, hanging=4, style="dim")


def _name(rule: PlannedRule) -> str:
    return f"{rule.metric} [{rule.slice}]" if rule.slice else rule.metric


def _is_unknown(rule: PlannedRule) -> bool:
    """True for a rule that nothing is said about but why."""
    return bool(rule.note) and rule.rule != "require" and rule.figure is rule.chance is rule.others is None


def _fails(rule: PlannedRule) -> str:
    """What becomes of a release that stands on the wrong side of its bar."""
    side = "below" if rule.rule == "min" else "above"
    seen = "" if rule.judged is None else f" (the judge's own {_short(rule.judged, rule.metric)}, corrected)"
    already = _is_beyond(rule)
    shown = f": as it was evaluated it fails ({interval_text(rule.interval, rule.metric)})" if already else ""
    stands = f"{figure(rule.figure, rule.metric)}{seen} is {side} the bar {_short(rule.bar, rule.metric)}{shown}"
    then = "it fails" if rule.decide_on is DecideOn.MEAN else "no number of cases passes"
    return f"{stands}; if that figure holds, {then}"


def _is_beyond(rule: PlannedRule) -> bool:
    """True where the gate's interval on what was seen lies wholly on the wrong side."""
    if rule.interval is None:
        return False
    return rule.interval.high < rule.bar if rule.rule == "min" else rule.interval.low > rule.bar


def _is_by_chance(rule: PlannedRule) -> bool:
    """True for a mean that chance turns in more than one of twenty gates."""
    known = [share for share in (rule.again, rule.others) if share is not None]
    return rule.chance is None and any(0.05 < share < 0.95 for share in known)


def _gathered(rules: Sequence[PlannedRule]) -> dict[str, list[str]]:
    """Remarks, each with the metrics that it is about."""
    found: dict[str, dict[str, None]] = {}
    for rule in rules:
        if rule.note and not (rule.is_open and rule.chance is None) and not _is_unknown(rule):
            found.setdefault(rule.note, {}).setdefault(_name(rule))
        if rule.labelled:
            found.setdefault(_CORRECTED, {}).setdefault(_by_labels(rule))
        if rule.design_effect > 1.05 and not rule.slice:
            share = f"{rule.metric} {100 / rule.design_effect:.0f} %"
            found.setdefault(_ALIKE, {}).setdefault(share)
    return {text: list(names) for text, names in found.items()}


_CORRECTED = "as people would have it, corrected for the judge's errors as the gate does it"
_ALIKE = "cases of one group are alike, and count as fewer"


def _by_labels(rule: PlannedRule) -> str:
    seen = "" if rule.judged is None else f" (the judge's own {_short(rule.judged, rule.metric)})"
    return f"{_name(rule)} by {rule.labelled} labels{seen}"


def _cannot(rule: PlannedRule) -> str:
    cases, right = rule.design.cases, f"in {_percent(rule.chance or 0.0)} of the gates"
    difference, bar = _short(rule.difference or 0.0, rule.metric), _short(rule.bar, rule.metric)
    if rule.rule == "max_drop":
        is_own = rule.difference == rule.bar
        release = "just as good" if is_own else f"{difference} better than that"
        return f"max_drop {bar} with {cases} cases: a release that is {release} passes {right}"
    verb, side = ("passes", "better") if rule.is_good else ("fails", "worse")
    return f"with {cases} cases, a release {difference} {side} than the bar {bar} {verb} {right}"


def _would(rule: PlannedRule, result: Planned) -> str:
    parts = []
    if rule.needed is not None:
        parts.append(f"{rounded(rule.needed):,} cases")
    best = rule.cheapest
    if (
        best
        and best.design.cases != rule.needed
        and (best.design.repeats, best.design.judge_repeats)
        != (
            rule.design.repeats,
            rule.design.judge_repeats,
        )
    ):
        parts.append(f"{_design(best.design)} ({_way(best)}, the cheapest)")
    if rule.same:
        parts.append(f"{_design(rule.same.design)} ({_way(rule.same)})")
    tells = "" if rule.detects is None else f"; as it is, it tells {_short(rule.detects, rule.metric)}"
    if rule.judged is not None:
        parts += _more_labels(rule)
        tells += _floor(rule)
    if not parts:
        most = "of cases" if rule.judged is not None else "of cases up to a million"
        return f"no number {most} is enough{tells}"
    return f"{', or '.join(parts)} would reach {_percent(result.power)}{tells}"


def _more_labels(rule: PlannedRule) -> list[str]:
    if rule.labels is None:
        return []
    cases = f" with {rounded(rule.labels_cases):,} cases" if rule.labels_cases != rule.design.cases else ""
    return [f"{rounded(rule.labels):,} labels in place of {rule.labelled}{cases}"]


def _floor(rule: PlannedRule) -> str:
    """Where more cases end to help."""
    if rule.floor is None:
        return f"; with {rule.labelled} labels not even a perfect release is told, however many cases there are"
    nearest = _short(rule.floor, rule.metric)
    return f"; with {rule.labelled} labels no number of cases tells less than {nearest} from the bar"


def _by_chance(rule: PlannedRule) -> str:
    others = "" if rule.others is None else f"passes in {_percent(rule.others)} of the gates on other cases like these"
    again = "" if rule.again is None else f"in {_percent(rule.again)} when the same cases are asked again"
    return f"such a release {', and '.join(text for text in (others, again) if text)}"


def _all_pass(rule: PlannedRule, power: float) -> str:
    caught = "-" if rule.detects is None else _percent(rule.detects)
    return (
        f"{rule.design.cases} cases catch a release that fails {caught} of all cases, in {_percent(power)} of the gates"
    )


def _noise(page: Page, result: Planned) -> None:
    if not result.noise:
        return
    page.blank()
    page.line(Cell("where the noise comes from", "bold"), " (deviation, and share in the variance of the mean)")
    has_groups = any(item.components.group.is_measured for item in result.noise)
    groups = ("groups",) if has_groups else ()
    header = ("metric", *groups, "cases", "generator", "judge", "lower it by")
    rows = [_noise_row(item, has_groups=has_groups) for item in result.noise]
    if _fits(page, header, rows):
        page.table(header, rows)
    else:
        page.table(header[:-1], [row[:-1] for row in rows])
        for item in result.noise:
            page.paragraph(f"{item.metric} (lower it by): {item.advice}", indent=2, hanging=4)
    for text in _notes(result):
        page.paragraph(text, indent=2, hanging=4, style="dim")


def _noise_row(item: Noise, *, has_groups: bool) -> tuple[str | Cell, ...]:
    found = item.components
    groups = (_part(found.group, item, "group"),) if has_groups else ()
    return (
        item.metric,
        *groups,
        _part(found.case, item, "case"),
        _part(found.generator, item, "generator"),
        _part(found.judge, item, "judge"),
        item.advice,
    )


def _part(part: Part, item: Noise, name: str) -> str:
    if part.note and not part.variance:
        return "-" if not part.is_measured else "0"
    share = item.shares.get(name)
    shown = figure(part.variance**0.5, item.metric.partition(".")[0])
    return shown if share is None else f"{shown} {_percent(share)}"


def _notes(result: Planned) -> list[str]:
    notes = []
    for name in ("case", "generator", "judge"):
        said: dict[str, list[str]] = {}
        for item in result.noise:
            note = getattr(item.components, name).note
            if note:
                said.setdefault(note, []).append(item.metric)
        for note, metrics in said.items():
            whose = "" if len(metrics) == len(result.noise) else f": {', '.join(metrics)}"
            notes.append(f"{name}: {note}{whose}")
    if any(not item.components.generator.is_measured and not item.is_assumed for item in result.noise):
        notes.append("`repeats: 2` (and judge_repeats) in thresholds.yaml, evaluated once, tells these parts apart")
    return notes
