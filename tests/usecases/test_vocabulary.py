"""Documents may name what can be measured, and nothing else; saying so imports no judge."""

from __future__ import annotations

import subprocess
import sys

from llmops.adapters.ragas import catalogue
from llmops.evaluation.judging.native import registry
from llmops.evaluation.metrics import BY_MODEL, LOWER_BY_MODEL, Direction
from llmops.usecases.vocabulary import vocabulary


def test_what_judges_with_a_model_score_is_what_may_be_named() -> None:
    assert set(BY_MODEL) == set(registry.METRICS)
    assert set(BY_MODEL) == {info.name for info in catalogue.metrics("0.4.3")}
    assert set(BY_MODEL) <= set(vocabulary().metrics)


def test_only_what_no_other_judge_offers_needs_a_model() -> None:
    assert set(vocabulary().needs_model) == {"coherence", "factual_correctness", "noise_sensitivity"}


def test_the_words_are_known_without_importing_a_judge() -> None:
    code = (
        "import sys; from llmops.usecases.vocabulary import vocabulary; vocabulary();"
        "print([name for name in sys.modules if name.startswith('llmops.evaluation.') and 'judging' in name])"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_metrics_of_which_less_is_better_are_those_that_the_judges_say() -> None:
    found = {name for name, one in registry.METRICS.items() if one.info.direction is Direction.LOWER}
    assert found == set(LOWER_BY_MODEL)
    assert found <= set(vocabulary().lower)
