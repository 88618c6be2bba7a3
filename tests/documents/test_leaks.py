from hypothesis import given
from hypothesis import strategies as st

from llmops.documents.leaks import GivenText, LeakKind, duplicates, find, lines_of, texts_of
from tests.evaluation.builders import a_case

QUESTION = "How long may a borrower wait before the rate lock ends?"
ANSWER = "The lock ends sixty days after the lender has signed it."


def given_text(text, **fields):
    return GivenText(**{"path": "prompts/a/prompt.yaml", "label": "few_shots[0].user", "text": text, **fields})


def leaks(case, text, **fields):
    found = find(texts_of(case), [given_text(text, **fields)])
    return [(leak.field, leak.kind) for leak in found]


CASE = a_case(question=QUESTION, ground_truth=ANSWER)


def test_a_question_is_found_whatever_its_case_marks_and_spacing():
    assert leaks(CASE, "HOW long may a borrower wait,\tbefore the rate-lock ends") == [("question", LeakKind.EXACT)]


def test_a_question_on_a_line_of_its_own_is_found_behind_its_label():
    assert leaks(CASE, f"[1] Some passage.\n\nQuestion: {QUESTION}\n") == [("question", LeakKind.EXACT)]


def test_an_answer_inside_a_longer_text_is_found_by_its_runs():
    assert leaks(CASE, f"As the guide says: {ANSWER} That is all there is to know.") == [
        ("ground_truth", LeakKind.NGRAM)
    ]


def test_half_of_the_runs_are_enough_and_less_is_not():
    assert leaks(CASE, "the lock ends sixty days after the lender has") == [("ground_truth", LeakKind.NGRAM)]
    assert leaks(CASE, "the lock ends sixty days after the borrower has signed it") == []


def test_short_texts_are_found_whole_or_not_at_all():
    case = a_case(question="What is PMI?", ground_truth="6%")
    assert leaks(case, "What is PMI?") == [("question", LeakKind.EXACT)]
    assert leaks(case, "Tell them what PMI is. It is 6%.") == []
    assert leaks(case, "6%") == []


def test_an_answer_that_several_cases_share_is_a_label():
    label = "Route this to the fair lending desk."
    cases = [a_case(name, question=f"Where does complaint {name} go to?", ground_truth=label) for name in "ab"]
    assert find((text for case in cases for text in texts_of(case)), [given_text(label)]) == ()
    assert [leak.case for leak in find(texts_of(cases[0]), [given_text(label)])] == ["a"]


def test_keys_of_json_answers_are_not_a_cases_own():
    case = a_case(question=QUESTION, ground_truth='{"category": "fees", "urgency": "low", "summary": "late fee twice"}')
    other = '{"category": "fees", "urgency": "low", "summary": "lost letter"}'
    assert leaks(case, other) == []
    assert leaks(case, case.ground_truth) == [("ground_truth", LeakKind.EXACT)]


def test_knowledge_may_hold_answers_but_no_question_word_for_word():
    page = f"# Locks\n\n{ANSWER} Some ask how long a borrower may wait."
    assert leaks(CASE, page, is_knowledge=True) == []
    assert leaks(CASE, f"{page}\n{QUESTION}", is_knowledge=True) == [("question", LeakKind.EXACT)]
    assert leaks(CASE, f"{page} So: {QUESTION} Ask us.", is_knowledge=True) == [("question", LeakKind.NGRAM)]


def test_tags_of_a_template_are_no_words():
    assert leaks(CASE, "{% if x %}how long may a borrower wait before the rate lock ends{% endif %}") == [
        ("question", LeakKind.EXACT)
    ]
    assert leaks(a_case(question="question"), "{{ question }}") == []


def test_lines_worth_comparing_are_long_and_in_knowledge_they_ask():
    text = "Short.\nQuestion: May I pay later than May?\nThe office opens at nine o'clock.\n"
    assert lines_of(given_text(text)) == ("May I pay later than May?", "The office opens at nine o'clock.")
    assert lines_of(given_text(text, is_knowledge=True)) == ("May I pay later than May?",)


def test_cases_that_ask_the_same_are_duplicates_unless_their_contexts_differ():
    cases = [
        a_case("a"),
        a_case("b", question="what is THE rate"),
        a_case("c", contexts=("The rate is 6%.",)),
        a_case("d", question="Who signs?"),
    ]
    assert duplicates(cases) == (("a", "b"),)


@given(
    st.lists(st.sampled_from(["one", "two", "three", "four", "five", "six"]), min_size=4, max_size=12),
    st.text(max_size=40),
)
def test_a_question_is_found_wherever_it_stands(words, around):
    case = a_case(question=" ".join(words), ground_truth="")
    assert leaks(case, f"{around} \n{' '.join(words)}\n {around}") == [("question", LeakKind.EXACT)]
