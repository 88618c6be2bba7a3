"""May this judge decide here? A judge is calibrated for a metric by a record of the very judge that scored.

Rules, in order:

1. Asked is for each metric that the release's own bars and the environment's floors name and that a judge scored. An
   evaluation names what was measured by rule (`by_rule`); in an older one, which does not, all metrics count as judged.
2. A calibration counts for the judge of its digest, its metric and the version of its scorer: change the model, a
   parameter or the words of the judge, and it is another judge that nobody has looked at.
3. Where a bar is on a rate (`pass_at`), the calibration has to draw the line between pass and fail where the bar does.
4. Where advisory judges may decide, calibrated ones may.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmops.documents import canonical
from llmops.governance.ledger import EvaluationEntry, Ledger, PublishedRelease, Reason
from llmops.governance.policy import EnvironmentRules
from llmops.governance.predicates import Calibration, Evaluation, made_of

CODES = frozenset({"ADVISORY_JUDGE", "CALIBRATION_OTHER_JUDGE", "CALIBRATION_OTHER_VERSION"})


def deciding_metrics(published: PublishedRelease, rules: EnvironmentRules) -> tuple[str, ...]:
    """The metrics that decide about this release there; of a ratio the quality that it is paid for."""
    return tuple(sorted({metric for metric, _ in _deciding(published, rules)}))


def _deciding(published: PublishedRelease, rules: EnvironmentRules) -> Iterator[tuple[str, float | None]]:
    """Each metric that decides, with the line of a rate."""
    own = published.release.bars.get("thresholds", {})
    for metric, fields in own.items():
        # A release file is data: what is no bar must not stop a verifier.
        said = fields if isinstance(fields, Mapping) else {}
        line, quality = said.get("pass_at"), said.get("quality")
        yield metric, float(line) if isinstance(line, int | float) else None
        if isinstance(quality, str):
            yield quality, None
    for floor in rules.floors:
        yield floor.metric, floor.pass_at
        if floor.quality:
            yield floor.quality, None


def why_not_admitted(
    ledger: Ledger, item: EvaluationEntry, published: PublishedRelease, rules: EnvironmentRules
) -> Reason | None:
    """Why the judge of this evaluation may not decide in this environment; None where it may."""
    metrics, said = deciding_metrics(published, rules), item.evaluation
    standing = ledger.judge_standing(said, metrics)
    if standing == "none" or "advisory" in rules.judges:
        return None
    if standing in rules.judges:
        return _other_line(ledger, said, published, rules)
    doubted = [name for name in said.judged(metrics) if ledger.calibration_of(said, name) is None]
    admits = f"{rules.name} admits {', '.join(sorted(rules.judges))}"
    if not doubted:
        text = (
            f"the judge {said.judge} is {ledger.judge_standing(said, metrics)}, {admits}: evaluate with a calibrated "
            f"judge, or let a root person add `advisory` to the judges of {rules.name}"
        )
        return Reason(code="ADVISORY_JUDGE", text=text)
    code, why = _why_doubted(ledger, said, doubted[0])
    text = (
        f"the judge {said.judge} is advisory, {admits}: {why}; calibrate it (`llmops calibrate "
        f"{published.published.prompt} --metric {doubted[0]} --record`), or let a root person add `advisory` to the "
        f"judges of {rules.name}"
    )
    return Reason(code=code, text=text)


def _other_line(
    ledger: Ledger, said: Evaluation, published: PublishedRelease, rules: EnvironmentRules
) -> Reason | None:
    for metric, line in _deciding(published, rules):
        if line is None or metric not in said.judged([metric]):
            continue
        wanted, version = canonical.decimal(line), said.metrics.get(metric, "")
        if ledger.calibration(said.judge_digest, metric, version, wanted) is None:
            text = (
                f"the bars pass a case at {metric} {wanted}, and no calibration of the judge {said.judge} draws the "
                f"line there: `llmops calibrate {published.published.prompt} --metric {metric} --pass-at {wanted} "
                "--record`"
            )
            return Reason(code="ADVISORY_JUDGE", text=text)
    return None


def _why_doubted(ledger: Ledger, said: Evaluation, metric: str) -> tuple[str, str]:
    """The code, and what there is instead of a calibration that counts."""
    near = [item for item in ledger.calibrations if item.calibration.metric == metric]
    same = [item for item in near if item.calibration.judge_digest == said.judge_digest]
    if same:
        other, version = same[-1].calibration.metric_version, said.metrics.get(metric, "none")
        why = f"record {same[-1].entry.sequence} is about version {other} of {metric}, measured was version {version}"
        return "CALIBRATION_OTHER_VERSION", why
    named = [item for item in near if item.calibration.judge == said.judge]
    if named:
        why = f"record {named[-1].entry.sequence} is about another judge: {judges_apart(named[-1].calibration, said)}"
        return "CALIBRATION_OTHER_JUDGE", why
    return "ADVISORY_JUDGE", f"no calibration of {metric} by it is recorded"


def judges_apart(one: Calibration, other: Evaluation | Calibration) -> str:
    """Both judges by name, digest and what they are made of, and the parts that differ."""
    names = sorted({*one.judge_parts, *other.judge_parts})
    apart = [name for name in names if one.judge_parts.get(name) != other.judge_parts.get(name)]
    sides = " and ".join(_named(said) for said in (one, other))
    return f"{sides} differ in {', '.join(apart)}" if apart else f"{sides} have other digests"


def _named(said: Evaluation | Calibration) -> str:
    words = made_of(said.judge_parts)
    return f"{said.judge} {said.judge_digest[:12]}{f' ({words})' if words else ''}"
