"""The judge `embedded-lexical`: does the retrieved text hold the words of the answer? No model, no network, no cost.

It measures overlap, not truth: good for invented numbers and names and for the direction between two versions on the
same cases; blind to paraphrase, negation and inference (docs/embedded-judge.md has figures and examples). Hence
every score carries the label `embedded-lexical (advisory)`.

The method, in order:

1. The answer is cut into sentences; citation markers are taken off first. A sentence that declines ("the guidelines
   do not say") claims nothing and is left out, and so is one without content words ("Yes.").
2. Each remaining term weighs by its inverse document frequency (Robertson and Zaragoza, "The Probabilistic Relevance
   Framework", 2009, equation 3.3 with one added inside the logarithm) over the knowledge passages and the retrieved
   contexts: a rare word is evidence, a common one is not. Numbers, dates and names weigh double, because they are
   what a claim stands on and what a model invents.
3. `coverage` is the weight of the terms that the contexts hold, over the weight of all. `bigrams` is the same over
   neighbouring pairs of terms, held where one context sentence has both: words that stand in the contexts, but
   nowhere together, support less. support = (2 coverage + bigrams) / 3; a sentence of one term has coverage alone.
4. A number that no context holds makes a sentence wrong whatever else it says: its support is halved.

`groundedness` is the support of the worst sentence, because one invented sentence spoils an answer. `faithfulness`
is the share of the sentences whose support is at least one half, as users of claim-by-claim scores expect. An answer
in which every sentence declines scores 1 on both: it claims nothing that could be false (whether it ought to have
declined is for `contains` and `answer_similarity` to say). With contexts absent, a claim has support 0.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from llmops.documents import canonical
from llmops.evaluation.scoring import words
from llmops.evaluation.scoring.refusals import declines
from llmops.evaluation.scoring.words import Term

JUDGE = "embedded-lexical"
LABEL = "embedded-lexical (advisory)"
VERSION = 1
SPECIFIC_WEIGHT = 2.0
UNMATCHED_NUMBER = 0.5
SUPPORTED_FROM = 0.5


def judge_digest() -> str:
    """Names this judge in evidence: its version and every number in it."""
    return canonical.digest(
        {
            "judge": JUDGE,
            "version": VERSION,
            "specific_weight": SPECIFIC_WEIGHT,
            "unmatched_number": UNMATCHED_NUMBER,
            "supported_from": SUPPORTED_FROM,
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """In how many of `texts` passages each term stands."""

    texts: int = 0
    frequencies: Mapping[str, int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Background:
        """Counted over the knowledge passages; built once a run."""
        count, frequencies = 0, Counter[str]()
        for text in texts:
            count += 1
            frequencies.update({term.key for term in words.terms(text)})
        return cls(texts=count, frequencies=frequencies)


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceVerdict:
    """How far the contexts support one sentence (0 to 1), and what they do not hold of it."""

    text: str
    support: float
    reason: str

    @property
    def is_supported(self) -> bool:
        return self.support >= SUPPORTED_FROM


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalVerdict:
    """The verdict on an answer: its claims, sentence by sentence. `declines`: it claims nothing and says so."""

    sentences: tuple[SentenceVerdict, ...]
    declines: bool

    @property
    def groundedness(self) -> float | None:
        """The support of the worst sentence; None where there is nothing to judge."""
        if self.sentences:
            return min(sentence.support for sentence in self.sentences)
        return 1.0 if self.declines else None

    @property
    def faithfulness(self) -> float | None:
        """The share of supported sentences; None where there is nothing to judge."""
        if self.sentences:
            return sum(sentence.is_supported for sentence in self.sentences) / len(self.sentences)
        return 1.0 if self.declines else None

    @property
    def reason(self) -> str:
        """What is wrong with the sentences that are not supported, the worst first."""
        weak = sorted((item for item in self.sentences if not item.is_supported), key=lambda item: item.support)
        if weak:
            # A small model says a thing several times; once is enough to know it.
            return " · ".join(dict.fromkeys(f"“{item.text}”: {item.reason}" for item in weak))
        if self.sentences:
            return "the contexts hold every sentence"
        return "the answer declines and claims nothing" if self.declines else "the answer has no sentence to judge"


def judge(answer: str, contexts: Sequence[str], background: Background | None = None) -> LexicalVerdict:
    """How far `contexts` support `answer`. `background`: the knowledge passages, for the weights of words."""
    found = words.sentences(answer)
    source = _Source.of(contexts, background)
    claims = [(text, words.terms(text)) for text in found if not declines(text)]
    return LexicalVerdict(
        sentences=tuple(_verdict(text, terms, source) for text, terms in claims if terms),
        declines=any(declines(text) for text in found),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """What the contexts hold: their terms, the term sets of their sentences, and the weights of words."""

    held: frozenset[str]
    sentences: tuple[frozenset[str], ...]
    texts: int
    frequencies: Mapping[str, int]

    @classmethod
    def of(cls, contexts: Sequence[str], background: Background | None) -> _Source:
        sentences = [
            frozenset(term.key for term in words.terms(sentence))
            for context in contexts
            for sentence in words.sentences(context)
        ]
        # Without knowledge passages the sentences of the contexts are the documents.
        own = Counter(key for sentence in sentences for key in sentence)
        return cls(
            held=frozenset(own),
            sentences=tuple(sentences),
            texts=background.texts if background else len(sentences),
            frequencies=background.frequencies if background else own,
        )

    def weight(self, term: Term) -> float:
        frequency = min(self.frequencies.get(term.key, 0), self.texts)
        idf = math.log1p((self.texts - frequency + 0.5) / (frequency + 0.5))
        return idf * (SPECIFIC_WEIGHT if term.is_number or term.is_name else 1.0)

    def holds_pair(self, one: str, other: str) -> bool:
        return any(one in sentence and other in sentence for sentence in self.sentences)


def _verdict(text: str, terms: Sequence[Term], source: _Source) -> SentenceVerdict:
    unheld = [term for term in terms if term.key not in source.held]
    support = _support(terms, source)
    if any(term.is_number for term in unheld):
        support *= UNMATCHED_NUMBER
    return SentenceVerdict(text=words.without_markers(text).strip(), support=support, reason=_reason(unheld, support))


def _support(terms: Sequence[Term], source: _Source) -> float:
    weights = [source.weight(term) for term in terms]
    coverage = _share(weights, [term.key in source.held for term in terms])
    if len(terms) < 2:
        return coverage
    pairs = [source.holds_pair(one.key, other.key) for one, other in pairwise(terms)]
    return (2 * coverage + _share([one + other for one, other in pairwise(weights)], pairs)) / 3


def _share(weights: Sequence[float], held: Sequence[bool]) -> float:
    total = math.fsum(weights)
    return math.fsum(weight for weight, is_held in zip(weights, held, strict=True) if is_held) / total if total else 1.0


def _reason(unheld: Sequence[Term], support: float) -> str:
    if not unheld:
        return "the contexts hold its words" + ("" if support >= SUPPORTED_FROM else ", but nowhere together")
    numbers = dict.fromkeys(term.text for term in unheld if term.is_number)
    names = dict.fromkeys(term.text for term in unheld if term.is_name and not term.is_number)
    others = dict.fromkeys(term.text for term in unheld if not (term.is_name or term.is_number))
    kinds = (("number", numbers), ("name", names), ("word", others))
    listed = [f"{kind}{'s' if len(found) > 1 else ''} {', '.join(found)}" for kind, found in kinds if found]
    return f"no context holds the {'; the '.join(listed)}"
