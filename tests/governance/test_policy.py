"""The policy mapping: every problem has its rule; default deny."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import canonical
from llmops.errors import CannotAsk, InvalidDocuments, Location
from llmops.governance import policy
from llmops.governance.policy import Role
from tests.governance.builders import a_key, a_person, a_policy, an_environment, with_environments


def rules(mapping: Any) -> list[str]:
    return [finding.rule for finding in policy.check(mapping)]


def people(**more: object) -> dict[str, object]:
    base = a_policy()["principals"]
    assert isinstance(base, dict)
    return {"principals": {**base, **more}}


PROBLEMS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"classses": {}}, "policy-unknown-key"),
    "unknown role": (people(eve=a_person("eve", "auditor")), "policy-unknown-role"),
    "person without key": (people(eve={"roles": ["reviewer"]}), "policy-keys"),
    "no key at all": (people(eve={"keys": ["ssh-dss AAAA"], "roles": []}), "policy-keys"),
    "key of another": (people(eve={"keys": [a_key("ravi").public], "roles": []}), "policy-keys"),
    "address of another": (people(eve=a_person("eve", emails=["RAVI@example.com"])), "policy-emails"),
    "nobody is root": ({"principals": {"eve": a_person("eve", "operator")}}, "policy-root"),
    "a machine is root": ({"principals": {"eve": a_person("eve", "root", machine=True)}}, "policy-root"),
    "root threshold": ({"root_threshold": 2}, "policy-unsupported"),
    "exclusive roles": ({"exclusive": [["reviewer", "compliance"]]}, "policy-exclusive"),
    "no pair": ({"exclusive": [["reviewer"]]}, "policy-shape"),
    "soak": ({"environments": {"staging": an_environment(soak="1d")}}, "policy-unsupported"),
    "deny windows": ({"environments": {"staging": an_environment(deny=[])}}, "policy-unsupported"),
    "break glass": ({"environments": {"staging": an_environment(break_glass={})}}, "policy-unsupported"),
    "hotfix": ({"environments": {"staging": an_environment(hotfix={})}}, "policy-unsupported"),
    "unknown environment before": (
        {"environments": {"production": an_environment(after=["stagin"])}},
        "policy-unknown-environment",
    ),
    "a circle": (
        {"environments": {"a": an_environment(after=["b"]), "b": an_environment(after="a")}},
        "policy-after",
    ),
    "approvals unsaid": ({"environments": {"staging": {"judges": ["advisory"]}}}, "policy-approvals"),
    "unknown judge": ({"environments": {"staging": an_environment(judges=["any"])}}, "policy-unknown-judge"),
    "early passes, by another word": (
        {"environments": {"staging": an_environment(until_decided="yes")}},
        "policy-unknown-value",
    ),
    "floor without direction": (
        {"environments": {"staging": an_environment(floors={"groundedness": 0.8})}},
        "policy-floors",
    ),
    "floor that is no number": (
        {"environments": {"staging": an_environment(floors={"groundedness": {"min": "high"}})}},
        "policy-floors",
    ),
    "floor that is not finite": (
        {"environments": {"staging": an_environment(floors={"groundedness": {"min": "nan"}})}},
        "policy-floors",
    ),
    "no count": (
        {"environments": {"staging": an_environment(approvals=[{"role": "reviewer", "count": 0}])}},
        "policy-shape",
    ),
    "unknown method": (
        {"environments": {"staging": an_environment(approvals=[{"role": "reviewer", "accept": ["fax"]}])}},
        "policy-unknown-method",
    ),
    "unknown class": ({"classes": {"sistem": {"approvals": []}}}, "policy-unknown-key"),
    "no environment": ({"environments": {}}, "policy-shape"),
    "branch is no name": ({"base_branch": 3}, "policy-shape"),
    "environment name": ({"environments": {"Prod!": an_environment()}}, "policy-shape"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_each_problem_has_its_rule(name: str) -> None:
    changes, rule = PROBLEMS[name]
    mapping = a_policy(**changes)
    assert rule in rules(mapping)
    with pytest.raises(InvalidDocuments):
        policy.parse(mapping)


def test_all_problems_are_reported_at_once() -> None:
    mapping = a_policy(root_threshold=3, exclusive=[["reviewer"]], classes={"sistem": {"approvals": []}})
    assert set(rules(mapping)) >= {"policy-unsupported", "policy-shape", "policy-unknown-key"}


def test_a_finding_names_its_place() -> None:
    mapping = a_policy(environments={"staging": an_environment(judges=["any"])})
    found = policy.check(mapping, locate=lambda place: Location(path="/".join(map(str, place)), line=3))
    assert [str(item.location) for item in found] == ["governance/environments/staging/judges/0:3"]


def test_a_sound_policy_has_no_findings() -> None:
    assert policy.check(a_policy()) == ()


def test_a_key_names_its_person_whatever_the_comment() -> None:
    parsed = policy.parse(a_policy())
    owner = parsed.owner_of(a_key("ravi").public + " ravi@laptop")
    assert owner is not None
    assert owner.name == "ravi"
    assert parsed.owner_of(a_key("stranger").public) is None


def a_short_rsa_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.mark.parametrize(
    ("line", "code", "what"),
    [
        (a_short_rsa_key(), "KEY_WEAK", "rsa of 2048 bits, at least 3072 are required"),
        ("ssh-dss AAAAB3NzaC1kc3M=", "KEY_INVALID", "keys of type ssh-dss are not accepted"),
        ("nothing", "KEY_INVALID", "no SSH public key"),
    ],
)
def test_a_key_that_nobody_may_sign_with_is_named_with_its_remedy(line: str, code: str, what: str) -> None:
    with pytest.raises(CannotAsk) as caught:
        policy.parse(a_policy()).owner_of(line)
    assert caught.value.code == code
    assert what in caught.value.what
    assert "ssh-keygen -t ed25519" in caught.value.hint


def test_judges_are_calibrated_unless_the_policy_says_more() -> None:
    mapping = a_policy(environments={"production": {"approvals": []}})
    rules_there = policy.parse(mapping).environment("production")
    assert rules_there is not None
    assert rules_there.judges == {"calibrated"}


def test_nothing_passes_early_unless_the_policy_says_so() -> None:
    for said, allowed in (({}, False), ({"until_decided": "denied"}, False), ({"until_decided": "allowed"}, True)):
        rules_there = policy.parse(a_policy(environments={"demo": an_environment(**said)})).environment("demo")
        assert rules_there is not None
        assert rules_there.allows_early_pass is allowed


def test_system_prompts_need_compliance_unless_the_policy_says_otherwise() -> None:
    mapping = a_policy()
    del mapping["classes"]
    parsed = policy.parse(mapping)
    needed = parsed.required("staging", is_system=True)
    assert [(rule.role, rule.count) for rule in needed] == [(Role.COMPLIANCE, 1), (Role.REVIEWER, 1)]
    assert [rule.role for rule in parsed.required("staging", is_system=False)] == [Role.REVIEWER]


def test_a_class_can_be_narrowed_to_environments() -> None:
    extra = {"approvals": [{"role": "compliance"}], "environments": ["production"]}
    parsed = policy.parse(a_policy(classes={"system": extra}))
    assert [rule.role for rule in parsed.required("staging", is_system=True)] == [Role.REVIEWER]
    assert Role.COMPLIANCE in [rule.role for rule in parsed.required("production", is_system=True)]


def test_environments_stand_in_their_order() -> None:
    mapping = with_environments(production={"after": ["staging"]}, staging={"after": "dev"}, dev={})
    assert [item.name for item in policy.parse(mapping).environments] == ["dev", "staging", "production"]


def test_the_frozen_form_means_the_same_and_fits_a_record() -> None:
    floors = {"groundedness": {"min": 0.55, "slices": {"numeric": {"min": 1.0}}}}
    mapping = a_policy(environments={"staging": an_environment(floors=floors)})
    frozen = policy.freeze(mapping)
    canonical.record_bytes(frozen)
    assert policy.parse(frozen) == policy.parse(mapping)
    bar = policy.parse(frozen).environments[0].floors[0]
    assert (bar.minimum, bar.slices[0].minimum) == (0.55, 1.0)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PLACES = st.sampled_from(["principals", "environments", "exclusive", "classes", "root_threshold", "base_branch"])


@given(PLACES, ANYTHING)
def test_anything_at_any_place_is_checked_without_falling_over(place: str, value: Any) -> None:
    policy.check(a_policy(**{place: value}))
    policy.check(a_policy(principals={"dana": value}))
    policy.check(a_policy(environments={"staging": value, "other": {"approvals": value, "floors": value}}))
    policy.check(a_policy(environments={"staging": an_environment(after=value, judges=value, floors={"m": value})}))


def test_yaml_and_mapping_agree() -> None:
    assert policy.parse(yaml.safe_load(yaml.safe_dump(a_policy()))) == policy.parse(a_policy())
