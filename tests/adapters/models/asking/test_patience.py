import itertools

import pytest

from llmops.adapters.models.asking.failures import AttemptFailed, Cause, complained, failed, last_word
from llmops.adapters.models.asking.patience import Patience, Tries
from llmops.adapters.models.services.service import Complaint, Kind
from llmops.errors import InputRefused

PATIENCE = Patience(attempts=6, limited=12, timeouts=2, first_contact=3, first_pause_seconds=0.25)


def pauses(*failures, has_answered=True, patience=PATIENCE):
    tries = Tries(patience)
    return [tries.pause_after(failure.trouble, answered=int(has_answered)) for failure in failures]


def complaint(kind, **more):
    return complained(429 if kind is Kind.LIMITED else 500, Complaint(kind=kind, **more))


@pytest.mark.parametrize(
    "kind", [Kind.INPUT, Kind.KEY, Kind.MODEL, Kind.ADDRESS, Kind.REFUSED, Kind.CONTENT_FILTER, Kind.MEND]
)
def test_what_will_not_pass_is_not_tried_again(kind):
    assert pauses(complaint(kind)) == [None]


@pytest.mark.parametrize(
    ("failure", "has_answered", "attempts"),
    [
        (failed(Cause.TIMEOUT, "slow"), True, 2),
        (failed(Cause.CONNECTION, "gone"), False, 3),
        (failed(Cause.CONNECTION, "gone"), True, 6),
        (failed(Cause.MALFORMED, "what"), True, 6),
        (complaint(Kind.AGAIN), True, 6),
        (complaint(Kind.LIMITED), True, 12),
    ],
    ids=["timeout", "first contact", "connection", "malformed", "again", "limited"],
)
def test_each_trouble_has_its_count(failure, has_answered, attempts):
    found = pauses(*[failure] * attempts, has_answered=has_answered)
    assert found[-1] is None
    assert None not in found[:-1]


def test_a_missed_deadline_does_not_use_up_the_patience_with_limits():
    found = pauses(failed(Cause.TIMEOUT, "slow"), *[complaint(Kind.LIMITED)] * 3)
    assert None not in found


def test_pauses_grow_and_the_first_is_short():
    found = pauses(*[complaint(Kind.LIMITED)] * 11)
    assert found[0] <= 0.25
    assert all(a * 4 >= b for a, b in itertools.pairwise(found))
    assert 10.0 <= found[-1] <= 20.0


def test_while_others_are_answered_a_limit_is_waited_out_for_ever_and_the_pauses_stay_short():
    tries, limited = Tries(PATIENCE), complaint(Kind.LIMITED)
    found = [tries.pause_after(limited.trouble, answered=answered) for answered in range(1, 50)]
    assert None not in found
    assert max(found) <= 0.25


def test_what_the_endpoint_asks_is_waited_for_in_full_and_hardly_longer():
    (pause,) = pauses(complaint(Kind.LIMITED, seconds=30.0))
    assert 30.0 <= pause <= 33.0


def test_an_hour_is_not_waited_for():
    assert pauses(complaint(Kind.LIMITED, seconds=3600.0)) == [None]


@pytest.mark.parametrize(
    ("failure", "code", "is_of_this_request"),
    [
        (failed(Cause.TIMEOUT, "slow"), "MODEL_UNAVAILABLE", False),
        (failed(Cause.CERTIFICATE, "no"), "MODEL_REFUSED", False),
        (failed(Cause.REDIRECT, "elsewhere"), "MODEL_ADDRESS", False),
        (failed(Cause.MALFORMED, "what"), "REPLY_MALFORMED", True),
        (failed(Cause.TOO_LARGE, "huge"), "REPLY_TOO_LARGE", True),
        (complaint(Kind.INPUT), "INPUT_REFUSED", True),
        (complaint(Kind.KEY), "KEY_REFUSED", False),
        (complaint(Kind.MODEL), "MODEL_NOT_FOUND", False),
        (complaint(Kind.REFUSED), "MODEL_REFUSED", False),
        (complaint(Kind.LIMITED), "MODEL_UNAVAILABLE", False),
    ],
)
def test_the_last_word_says_whose_fault_it_is_and_what_to_do(failure, code, is_of_this_request):
    assert isinstance(failure, AttemptFailed)
    error = last_word(failure.trouble, where="big", attempts=2)
    assert (error.code, isinstance(error, InputRefused)) == (code, is_of_this_request)
    assert error.where == "big"
    assert error.hint
