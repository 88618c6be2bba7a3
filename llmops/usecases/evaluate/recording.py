"""Evaluations as records: what a run leaves on the records branch, and how the gate finds it again.

Rules of finding, in order:

1. Looked at is every evaluation of the behaviour, on the evalset, by the judge at hand or by none, answered by the
   target that the bars name: what an application or an evalset answered says nothing of the prompt's own model.
2. Figures come from the evaluations of the newest key (`EvidenceKey`, its scorers left out), pooled. Those of other
   keys, say another generator or index, are kept aside: a case that must pass and failed in any of them has failed.
   Of each metric the first score by its newest scorer counts: measuring one metric more rolls no dice again.
3. What serves is compared by the same judge, metric by metric by the same scorer: a score by another version of its
   scorer is taken out, so that the gate asks for a new evaluation instead of comparing two yardsticks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from llmops.documents import canonical
from llmops.documents.bars import PROMPT, answered_by
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk
from llmops.evaluation import evidence, metrics, pooling
from llmops.evaluation.evidence import COST, TOKENS, EvidenceKey, EvidenceRow
from llmops.evaluation.judging.identity import JudgeIdentity
from llmops.evaluation.panels import Panel
from llmops.evaluation.sheets import reading
from llmops.evaluation.sheets.sheet import Sheet, joined
from llmops.governance.ledger import EvaluationEntry
from llmops.governance.predicates import Evaluation, made_of
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.records.ledgers import Desk, Records, Step, digest_of
from llmops.usecases.results.evaluating import Evaluated


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Stored evidence of one behaviour on one evalset; `records` are the digests of all records that count, `pooled` of
    those whose figures do.

    `key` names the evaluations that the figures come from, `scorers` (metric → version) what measured them.
    """

    key: EvidenceKey
    scorers: Mapping[str, str]
    pool: pooling.Pool
    records: tuple[str, ...]
    pooled: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Yardstick:
    """What a candidate was measured by: the judge's digest, and the version of each metric's scorer."""

    judge: str
    scorers: Mapping[str, str]


def yardstick_of(found: Found | None, panel: Panel) -> Yardstick:
    """What the stored evidence was measured by; without any, what `panel` would measure by."""
    if found is not None:
        return Yardstick(judge=found.key.judge, scorers=found.scorers)
    return Yardstick(judge=panel.judge.digest, scorers=panel.versions)


def record(desk: Desk, subject: Subject, evaluated: Evaluated) -> Evaluated:
    """Write the evaluation of a locked release; returns it with its record."""
    shards = evidence.shards(evaluated.rows)
    predicate = predicate_of(subject, evaluated, shards)
    what = f"evaluate {subject.release.name} {subject.release.version} on {subject.evalset.name}"
    (written,) = desk.write(lambda _: Step(predicate=predicate, summary=what, evidence=shards))
    return replace(evaluated, record=written)


def predicate_of(subject: Subject, evaluated: Evaluated, shards: Sequence[bytes]) -> Evaluation:
    """What the record of an evaluation says."""
    found = pooling.recompute(shards)
    return Evaluation(
        prompt=subject.release.name,
        behaviour=subject.release.behaviour_digest,
        evalset=subject.evalset.name,
        evalset_digest=subject.evalset.digest,
        metrics=dict(evaluated.scorers),
        judge=evaluated.judge_identity.name,
        judge_digest=evaluated.judge_identity.digest,
        generator={key: str(value) for key, value in evaluated.generator.items()},
        index=subject.index,
        results=tuple(digest_of(shard) for shard in shards),
        counts={"cases": found.cases, "rows": found.rows},
        means=dict(found.means),
        must_pass_failed=tuple(found.must_pass_failed),
        seeds=_seeds(subject, evaluated),
        cost=_cost(evaluated),
        judge_parts=dict(evaluated.judge_identity.parts),
        by_rule=tuple(sorted(set(evaluated.scorers) - found.judged)),
    )


def _seeds(subject: Subject, evaluated: Evaluated) -> dict[str, int | str]:
    """How what is drawn is seeded: the intervals always; the prompt's own model where it is given a seed."""
    seeds: dict[str, int | str] = {"resampling": "digest of the pooled evidence"}
    if answered_by(evaluated.generator) != PROMPT:
        return seeds
    # The embedded model is always given one (docs/embedded-models.md).
    known = {"seed": 0} if evaluated.generator.get("provider") == "embedded" else {}
    seed = {**known, **subject.release.behaviour["parameters"]}.get("seed")
    return seeds if seed is None else {**seeds, "generator": f"{seed} + number of the repeat"}


def _cost(evaluated: Evaluated) -> dict[str, int]:
    """What the answers and their judging took when they were paid for, whoever paid."""
    judging = [score.spent for row in evaluated.rows for score in row.scores.values() if score.spent]
    cost = _answering(evaluated)
    if judging:
        cost["judge_calls"] = sum(spent.calls for spent in judging)
        cost["judge_nano_usd"] = sum(spent.nano_usd for spent in judging)
        cost["judge_input_tokens"] = sum(spent.input_tokens for spent in judging)
        cost["judge_output_tokens"] = sum(spent.output_tokens for spent in judging)
    return cost


def _answering(evaluated: Evaluated) -> dict[str, int]:
    """The totals that somebody said, and of how many rows nobody did."""
    found = evaluated.summary
    totals = {"nano_usd": found.nano_usd, "input_tokens": found.input_tokens, "output_tokens": found.output_tokens}
    unknown = {"unpriced_rows": found.unknown.get(COST, 0), "uncounted_rows": found.unknown.get(TOKENS, 0)}
    return {
        **{name: total for name, total in totals.items() if total is not None},
        **{name: count for name, count in unknown.items() if count},
    }


def find(records: Records, *, behaviour: str, evalset_digest: str, panel: Panel, target: str = PROMPT) -> Found | None:
    """The stored evidence of a behaviour on an evalset by the panel's judge, answered by `target`; None without any."""
    judges = ("", panel.judge.digest)
    entries = [
        entry
        for entry in records.ledger.evaluations_of(behaviour)
        if entry.evaluation.evalset_digest == evalset_digest
        and entry.evaluation.judge_digest in judges
        and answered_by(entry.evaluation.generator) == target
    ]
    return _found(records.tree, entries) if entries else None


def differs(records: Records, *, behaviour: str, evalset_digest: str, panel: Panel, target: str = PROMPT) -> str:
    """How the newest evaluation of a behaviour on an evalset differs from what `find` looks for; "" without any."""
    said = [
        entry.evaluation
        for entry in records.ledger.evaluations_of(behaviour)
        if entry.evaluation.evalset_digest == evalset_digest
    ]
    if not said:
        return ""
    newest, parts = said[-1], []
    if newest.judge_digest not in ("", panel.judge.digest):
        parts.append(_other_judge(newest, panel.judge))
    answered = answered_by(newest.generator)
    if answered != target:
        parts.append(f"answered by {answered}, the bars ask for {target}")
    return "; ".join(parts)


def _other_judge(said: Evaluation, judge: JudgeIdentity) -> str:
    recorded, configured = made_of(said.judge_parts), made_of(judge.parts)
    if (said.judge, recorded) == (judge.name, configured):
        names = sorted({*said.judge_parts, *judge.parts})
        other = ", ".join(name for name in names if said.judge_parts.get(name) != judge.parts.get(name))
        recorded = _with(recorded, f"other {other}" if other else "another digest")
    return f"recorded with {_judge(said.judge, recorded)}, configured is {_judge(judge.name, configured)}"


def _with(words: str, more: str) -> str:
    return f"{words}; {more}" if words else more


def _judge(name: str, words: str) -> str:
    return f"{name} ({words})" if words else name


def baseline(
    records: Records, *, behaviour: str, evalset_digest: str, yardstick: Yardstick, target: str = PROMPT
) -> Found | None:
    """The stored evidence of what serves, as far as it was measured by `yardstick`; None without any."""
    entries = [
        entry
        for entry in records.ledger.evaluations_of(behaviour)
        if entry.evaluation.evalset_digest == evalset_digest
        and entry.evaluation.judge_digest == yardstick.judge
        and answered_by(entry.evaluation.generator) == target
    ]
    if not entries:
        return None
    found = _found(records.tree, entries)
    others = {name for name, version in found.scorers.items() if yardstick.scorers.get(name, version) != version}
    rows = tuple(_without(row, others) for row in found.pool.rows) if others else found.pool.rows
    return replace(found, pool=replace(found.pool, rows=rows))


def key_of(said: Evaluation) -> EvidenceKey:
    """What names the evidence of an evaluation: only under equal keys is it pooled."""
    return EvidenceKey(
        behaviour=said.behaviour,
        evalset=said.evalset_digest,
        judge=said.judge_digest,
        scorers=metrics.scorers_digest(said.metrics),
        generator=canonical.digest(dict(said.generator)),
        index=said.index,
    )


def _found(tree: Tree, entries: Sequence[EvaluationEntry]) -> Found:
    newest = entries[-1]
    key = key_of(newest.evaluation)
    equal = [entry for entry in entries if _is_equal(key_of(entry.evaluation), key)]
    others = [entry for entry in entries if not _is_equal(key_of(entry.evaluation), key)]
    scorers = {name: version for entry in equal for name, version in entry.evaluation.metrics.items()}
    sheets = [rows_of(tree, entry) for entry in equal]
    runs: Sequence[Sequence[EvidenceRow]] = sheets
    aside = [rows_of(tree, entry) for entry in others]
    if any(entry.evaluation.metrics != scorers for entry in equal):
        aside += sheets
        runs = _completed([_by_newest(entry, rows, scorers) for entry, rows in zip(equal, sheets, strict=True)])
    return Found(
        key=key,
        scorers=scorers,
        pool=pooling.pool(runs, aside=joined(aside)),
        records=tuple(entry.entry.digest for entry in entries),
        pooled=tuple(entry.entry.digest for entry in equal),
    )


def _is_equal(one: EvidenceKey, other: EvidenceKey) -> bool:
    """Equal in all but the scorers."""
    return replace(one, scorers="") == replace(other, scorers="")


def _by_newest(entry: EvaluationEntry, rows: Sequence[EvidenceRow], scorers: Mapping[str, str]) -> list[EvidenceRow]:
    """The rows of one evaluation without scores of scorers that are not the newest."""
    old = {name for name, version in entry.evaluation.metrics.items() if scorers[name] != version}
    return [_without(row, old) for row in rows] if old else list(rows)


def _completed(runs: Sequence[Sequence[EvidenceRow]]) -> list[Sequence[EvidenceRow]]:
    """The rows, the first of each measurement with the scores of metrics that only a later one has."""
    first: dict[tuple[str, int, str], EvidenceRow] = {}
    for row in (row for rows in runs for row in rows):
        known = first.setdefault(row.identity, row)
        if known is not row:
            first[row.identity] = replace(known, scores={**row.scores, **known.scores})
    return [tuple(first.values())]


def _without(row: evidence.EvidenceRow, names: set[str]) -> evidence.EvidenceRow:
    return replace(row, scores={name: score for name, score in row.scores.items() if name not in names})


def rows_of(tree: Tree, entry: EvaluationEntry) -> Sheet:
    """The rows of one evaluation. Raises: CannotAsk EVIDENCE_UNAVAILABLE, EVIDENCE_INVALID."""
    sheets: list[Sheet] = []
    for digest in entry.evaluation.results:
        path = f"audit/evidence/{digest}.jsonl"
        shard = tree.read(path)
        if shard is None:
            raise CannotAsk(
                "EVIDENCE_UNAVAILABLE",
                f"record {entry.entry.sequence} names evidence that is not in this tree",
                where=path,
                hint="fetch the records branch in full; evidence that was redacted for good needs a new evaluation",
            )
        sheets.append(reading.read(shard, where=path))
    return joined(sheets)
