"""How well retrieval found what a case is labelled with.

Rules, in order:

1. A label `page#section` is found by the passage of that id and by its pieces (`~2`, `~3`); a label `page` by any
   passage of the page. A label that another label of the case covers is dropped.
2. A label counts once: the first passage that finds it. Further pieces of it are relevant, but no new gain.
3. A case without labels is not measured: its scores are missing with a reason, never 0.

recall_at_k, mrr and ndcg are R@k, RR and nDCG@k of `ir_measures` over labels; precision_at_k is P@k over passages (the
divisor is k, also where fewer were found). Of all that was retrieved:

- context_precision = sum over relevant ranks i of P@i, divided by the number of relevant passages: "Context Precision"
  of the ragas documentation, in its form without a model, relevance being decided by ids. 0 where nothing is relevant.
- context_recall = labels found / labels: "ID based context recall" of the ragas documentation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

METRICS: Final = ("recall_at_k", "precision_at_k", "mrr", "ndcg", "context_precision", "context_recall")
NOT_LABELLED: Final = "the case names no relevant passages"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalScore:
    """One score, from 0 to 1; or None with the reason why it was not measured."""

    metric: str
    value: float | None
    reason: str = ""


def matches(passage: str, label: str) -> bool:
    """True where the passage of this id is what the label names, or a piece of it."""
    if "#" not in label:
        return passage.partition("#")[0] == label
    whole, _, piece = passage.rpartition("~")
    return passage == label or (whole == label and piece.isdigit())


def score(retrieved: Sequence[str], relevant: Sequence[str], *, k: int) -> tuple[RetrievalScore, ...]:
    """Every metric of `METRICS` for one case: ids of the retrieved passages, best first, and the case's labels."""
    labels = _covering(relevant)
    if not labels:
        return tuple(RetrievalScore(metric=metric, value=None, reason=NOT_LABELLED) for metric in METRICS)
    passages = tuple(dict.fromkeys(retrieved))
    hits = [any(matches(passage, label) for label in labels) for passage in passages]
    values = {
        **_ranked(passages, labels, hits, k),
        "context_precision": _average_precision(hits),
        "context_recall": _share_found(passages, labels),
    }
    return tuple(RetrievalScore(metric=metric, value=values[metric]) for metric in METRICS)


def _covering(relevant: Sequence[str]) -> tuple[str, ...]:
    pages = {label for label in relevant if "#" not in label}
    return tuple(dict.fromkeys(label for label in relevant if label in pages or label.partition("#")[0] not in pages))


def _ranked(passages: Sequence[str], labels: Sequence[str], hits: Sequence[bool], k: int) -> Mapping[str, float]:
    from ir_measures import RR, P, R, nDCG

    relevant = {passage: 1 for passage, hit in zip(passages, hits, strict=True) if hit}
    by_label = _measure((R @ k, RR, nDCG @ k), dict.fromkeys(labels, 1), _gains(passages, labels))
    by_passage = _measure((P @ k,), relevant, passages)
    return {
        "recall_at_k": by_label[R @ k],
        "mrr": by_label[RR],
        "ndcg": by_label[nDCG @ k],
        "precision_at_k": by_passage[P @ k],
    }


def _gains(passages: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """The ranking with each label in the place of the first passage that finds it."""
    open_labels = list(labels)
    ranking = []
    for rank, passage in enumerate(passages):
        found = next((label for label in open_labels if matches(passage, label)), None)
        if found is not None:
            open_labels.remove(found)
        ranking.append(f"#{rank}" if found is None else found)
    return tuple(ranking)


def _measure(measures: Sequence[Any], relevant: Mapping[str, int], ranking: Sequence[str]) -> dict[Any, float]:
    import ir_measures

    if not relevant or not ranking:
        return dict.fromkeys(measures, 0.0)
    run = {name: float(len(ranking) - rank) for rank, name in enumerate(ranking)}
    measured = ir_measures.calc_aggregate(measures, {"case": dict(relevant)}, {"case": run})
    return {measure: float(measured[measure]) for measure in measures}


def _average_precision(hits: Sequence[bool]) -> float:
    precisions = [sum(hits[:rank]) / rank for rank, hit in enumerate(hits, start=1) if hit]
    return sum(precisions) / len(precisions) if precisions else 0.0


def _share_found(passages: Sequence[str], labels: Sequence[str]) -> float:
    return sum(any(matches(passage, label) for passage in passages) for label in labels) / len(labels)
