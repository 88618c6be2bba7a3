import pytest

from llmops.evaluation.evidence import Absence, Score, measured
from llmops.evaluation.judging.fences import RULE, section
from llmops.evaluation.judging.forms import CLOSING, REMINDER, NoVerdict, asked, asked_both, embedded
from llmops.evaluation.judging.native import claims
from llmops.evaluation.judging.native.coherence import COHERENCE
from llmops.evaluation.judging.native.registry import METRICS
from llmops.evaluation.judging.steps import Said, Vectors
from tests.evaluation.judging.scripted import run, seen

GOOD = {"reason": "clear", "grade": 5}


def coherence(reply):
    return run(METRICS["coherence"].steps(seen()), reply)


def test_an_unusable_reply_is_asked_for_once_more_and_then_missing():
    found = coherence(lambda _ask: "five")
    assert found.score.absence is Absence.UNMEASURED
    assert found.score.reason == (
        "the judge's reply on coherence cannot be used, asked twice: it holds no JSON object: “five”"
    )
    assert [batch[0].repeat for batch in found.batches] == [0, 1]


def test_the_second_question_is_another_request_with_a_reminder():
    found = coherence(lambda ask: GOOD if ask.repeat else "")
    first, second = (batch[0] for batch in found.batches)
    assert found.score.value == 1
    assert second.messages[0] == first.messages[0]
    assert second.messages[1]["content"] == f"{first.messages[1]['content']}\n{REMINDER}"


@pytest.mark.parametrize(
    "reply",
    [
        Said(text="", is_refusal=True),
        Said(text="", finish_reason="content_filter"),
        Said(text="I'm sorry, but I cannot help with that."),
        Said(text="", failure="413 too large"),
    ],
)
def test_a_refusal_is_missing_at_once(reply):
    found = coherence(lambda _ask: reply)
    assert found.score.absence is Absence.UNMEASURED
    assert found.calls == 1


def test_only_the_questions_without_an_answer_are_asked_again():
    asks = claims.support(("one", "two", "three"), ("source",))
    good = {"reason": "", "verdict": "supported"}

    def reply(ask):
        return "?" if "\ntwo\n" in ask.messages[1]["content"] and not ask.repeat else good

    def steps():
        verdicts = yield from asked(asks)
        return measured(len(verdicts))

    found = run(steps(), reply)
    assert found.sizes == [3, 1]
    assert found.score.value == 3


def test_one_question_without_an_answer_ends_the_metric_and_is_named():
    def steps():
        yield from asked(claims.support(("one", "two"), ("source",)))
        return Score(value=1)

    def reply(ask):
        return "?" if "\ntwo\n" in ask.messages[1]["content"] else {"reason": "", "verdict": "supported"}

    with pytest.raises(NoVerdict, match="on the claim “two”"):
        run(steps(), reply)


def test_two_kinds_of_questions_are_one_batch_and_come_back_apart():
    def steps():
        ones, others = yield from asked_both(
            claims.support(("one", "two"), ("source",)), (COHERENCE.ask(section("answer", "x")),)
        )
        assert [one.reason for one in ones] == ["ok", "ok"]
        return measured(others[0].grade)

    def reply(ask):
        return GOOD if "grade" in ask.schema["properties"] else {"reason": "ok", "verdict": "partly"}

    found = run(steps(), reply)
    assert found.sizes == [3]
    assert found.score.value == 5


def test_no_question_is_no_batch():
    def steps():
        return measured(len((yield from asked(()))))

    assert run(steps(), lambda _ask: "").batches == []


@pytest.mark.parametrize(
    ("reply", "reason"),
    [(Said(text="", failure="too long"), "no embeddings: too long"), (Vectors(rows=((1.0,),)), "1 embeddings of 2")],
)
def test_embeddings_that_are_not_there_end_the_metric(reply, reason):
    def steps():
        yield from embedded(("a", "b"))
        return Score(value=1)

    with pytest.raises(NoVerdict, match=reason):
        run(steps(), lambda _embed: reply)


def test_a_request_says_the_task_and_the_rule_first_and_the_task_again_last():
    (ask,) = coherence(lambda _ask: GOOD).batches[0]
    system, user = ask.messages
    assert system["role"] == "system"
    assert system["content"].endswith(RULE)
    assert user["content"].endswith(CLOSING)
    assert "6%" not in system["content"]
