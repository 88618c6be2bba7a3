"""Evaluations as records: what a run leaves on the records branch, and how the gate finds it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from llmops.documents.trees import Tree
from llmops.errors import CannotAsk
from llmops.evaluation import evidence, metrics, pooling
from llmops.evaluation.scoring import lexical
from llmops.governance.ledger import EvaluationEntry
from llmops.governance.predicates import Evaluation
from llmops.usecases.evaluate.run import metric_names
from llmops.usecases.evaluate.subjects import Subject
from llmops.usecases.records.ledgers import Desk, Records, Step, digest_of
from llmops.usecases.results import Evaluated


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Stored evidence of one behaviour on one yardstick, pooled; `records` are the digests of its records."""

    pool: pooling.Pool
    records: tuple[str, ...]
    judge_standing: str


def record(desk: Desk, subject: Subject, evaluated: Evaluated, generator: Mapping[str, Any]) -> Evaluated:
    """Write the evaluation of a locked release; returns it with its record."""
    shards = evidence.shards(evaluated.rows)
    predicate = _predicate(subject, evaluated, shards, generator)
    what = f"evaluate {subject.release.name} {subject.release.version} on {subject.evalset.name}"
    (written,) = desk.write(lambda _: Step(predicate=predicate, summary=what, evidence=shards))
    return replace(evaluated, record=written)


def _predicate(
    subject: Subject, evaluated: Evaluated, shards: Sequence[bytes], generator: Mapping[str, Any]
) -> Evaluation:
    found = pooling.recompute(shards)
    names = metric_names(subject)
    return Evaluation(
        prompt=subject.release.name,
        behaviour=subject.release.behaviour_digest,
        evalset=subject.evalset.name,
        evalset_digest=subject.evalset.digest,
        metrics={name: str(metrics.metric(name).version) for name in names},
        judge=lexical.JUDGE,
        judge_digest=lexical.judge_digest(),
        generator={key: str(value) for key, value in generator.items()},
        index=subject.index,
        results=tuple(digest_of(shard) for shard in shards),
        counts={"cases": len({row.case for row in evaluated.rows}), "rows": len(evaluated.rows)},
        means=dict(found.means),
        must_pass_failed=tuple(found.must_pass_failed),
        seeds={},
        cost={
            "nano_usd": sum(row.nano_usd for row in evaluated.rows),
            "input_tokens": sum(row.tokens.input for row in evaluated.rows),
            "output_tokens": sum(row.tokens.output for row in evaluated.rows),
        },
    )


def find(records: Records, *, behaviour: str, evalset_digest: str) -> Found | None:
    """The stored evidence of a behaviour on an evalset by this build's judge, newest key first; None without any.

    All evidence of one key (generator, index, scorers) counts, so a later failure closes what an earlier pass opened.
    """
    entries = [
        entry
        for entry in records.ledger.evaluations_of(behaviour)
        if entry.evaluation.evalset_digest == evalset_digest
        and entry.evaluation.judge_digest in ("", lexical.judge_digest())
    ]
    if not entries:
        return None
    newest = _key(entries[-1])
    equal = [entry for entry in entries if _key(entry) == newest]
    pool = pooling.pool([_rows(records.tree, entry) for entry in equal])
    return Found(
        pool=pool,
        records=tuple(entry.entry.digest for entry in equal),
        judge_standing=equal[-1].judge_standing,
    )


def _key(entry: EvaluationEntry) -> tuple[Any, ...]:
    said = entry.evaluation
    return (sorted(said.generator.items()), said.index, sorted(said.metrics.items()), said.judge_digest)


def _rows(tree: Tree, entry: EvaluationEntry) -> list[evidence.EvidenceRow]:
    rows: list[evidence.EvidenceRow] = []
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
        rows += evidence.parse(shard, where=path)
    return rows
