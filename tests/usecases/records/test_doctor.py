"""doctor: one bad probe hides no other."""

from __future__ import annotations

from llmops.errors import CannotAsk, Refusal
from llmops.usecases.records import doctor


def test_every_probe_is_asked_and_problems_carry_their_remedy() -> None:
    def broken() -> str:
        raise CannotAsk("NO_SSH_KEY", "no key", where="~/.ssh", hint="ssh-keygen")

    def refused() -> str:
        raise Refusal("VERIFICATION_FAILED", "2 faults", details=("one", "two"))

    found = doctor.run((("key", broken), ("records", refused), ("git", lambda: "git 2.47")))
    assert [(check.name, check.state) for check in found.checks] == [
        ("key", "problem"),
        ("records", "problem"),
        ("git", "ok"),
    ]
    assert (found.checks[0].message, found.checks[0].fix) == ("~/.ssh: no key", "ssh-keygen")
    assert found.checks[1].message == "2 faults; one; two"
