"""Builders: persons with real keys, a release, and a small world whose records are written through the real door."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from llmops.documents import canonical
from llmops.documents.releases import Release
from llmops.documents.trees import Contributor, FileChange, MemoryTree
from llmops.governance import drafting, policy, predicates, records, sshsig, transitions, verification
from llmops.governance.ledger import Ledger
from llmops.governance.pointers import Pointer, Weight

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REPOSITORY = "6f1c9e0a-1111-4222-8333-123456789abc"
EVALSET = hashlib.sha256(b"evalset").hexdigest()
INDEX = hashlib.sha256(b"index").hexdigest()
PROMPT = "mortgage-assistant"


def wire(data: bytes) -> bytes:
    return len(data).to_bytes(4) + data


@dataclass(frozen=True)
class Key:
    """An ed25519 key that signs as `ssh-keygen -Y sign` does."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> str:
        return self.private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    def blob(self, message: bytes, namespace: str, hash_name: str = "sha512") -> bytes:
        space, name = namespace.encode(), hash_name.encode()
        digest = hashlib.new(hash_name, message).digest()
        signed = b"SSHSIG" + wire(space) + wire(b"") + wire(name) + wire(digest)
        inner = wire(b"ssh-ed25519") + wire(self.private.sign(signed))
        key = sshsig.parse_public_key(self.public).blob
        return b"SSHSIG\x00\x00\x00\x01" + wire(key) + wire(space) + wire(b"") + wire(name) + wire(inner)

    def sign(self, message: bytes, namespace: str) -> str:
        return sshsig.armor(self.blob(message, namespace))


@cache
def a_key(name: str) -> Key:
    """The key of this person: the same in every run."""
    return Key(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest()))


def a_person(name: str, *roles: str, **more: object) -> dict[str, object]:
    return {"keys": [a_key(name).public], "roles": list(roles), "emails": [f"{name}@example.com"], **more}


def a_policy(**changes: object) -> dict[str, object]:
    """A team: dana does the work, ravi and mina judge it, opal operates, otto is on call."""
    return {
        "base_branch": "main",
        "records_branch": "main",
        "principals": {
            "dana": a_person("dana", "root", "author", "publisher", "evaluator"),
            "ravi": a_person("ravi", "reviewer", "compliance"),
            "mina": a_person("mina", "reviewer", "compliance"),
            "opal": a_person("opal", "operator"),
            "otto": a_person("otto", "rollback"),
        },
        "environments": {
            "staging": an_environment(),
            "production": an_environment(after=["staging"]),
        },
        "classes": {"system": {"approvals": [], "environments": []}},
        **changes,
    }


def an_environment(**changes: object) -> dict[str, object]:
    rules: dict[str, object] = {
        "judges": ["advisory", "calibrated"],
        "approvals": [{"role": "reviewer", "count": 1}],
        **changes,
    }
    return rules


def with_environments(**changes: dict[str, object]) -> dict[str, object]:
    base = a_policy()
    environments = {name: an_environment(**rules) for name, rules in changes.items()}
    return {**base, "environments": environments}


def a_release(
    version: str = "1.2.0",
    *,
    base: str = "",
    text: str = "You answer.",
    role: str = "user",
    fallback: str | None = "Please call us.",
    quarantine: tuple[dict[str, str], ...] = (),
) -> Release:
    messages = [{"role": role, "content": f"{text} {version}"}]
    return Release(
        behaviour={"messages": messages, "model": "m", "temperature": 0.1, "fallback": fallback},
        bars={
            "evalset": {"name": "short", "digest": EVALSET},
            "judge": "embedded-lexical",
            "quarantine": list(quarantine),
        },
        about={"name": PROMPT, "version": version, "base": base, "changelog": "c", "owner": "o", "use_case": "u"},
    )


@dataclass
class World:
    """A records tree that grows record by record; `now` moves on by a minute each time."""

    files: dict[str, bytes] = field(default_factory=dict)
    now: datetime = NOW
    mapping: dict[str, object] = field(default_factory=a_policy)

    @property
    def tree(self) -> MemoryTree:
        return MemoryTree(dict(self.files))

    def report(self, **more: object) -> verification.Report:
        return verification.verify(self.tree, **more)  # type: ignore[arg-type]

    @property
    def ledger(self) -> Ledger:
        report = self.report()
        assert report.faults == ()
        return report.ledger

    def write(self, who: str, predicate: predicates.Predicate, **more: object) -> records.Record:
        """Write a record that must be effective, as a use case does."""
        self.now += timedelta(minutes=1)
        ledger = self.ledger
        draft = self._draft(ledger, predicate)
        sealed = drafting.seal(draft, a_key(who).sign(draft.message, draft.namespace))
        self.apply(drafting.changes(self.tree, sealed, **more))  # type: ignore[arg-type]
        return records.parse(sealed.data, sealed.path)

    def force(self, who: str, predicate: predicates.Predicate, **place: object) -> str:
        """Append a record past all checks, as an attacker with push rights would; returns its path."""
        self.now += timedelta(minutes=1)
        draft = self._draft(self.report().ledger, predicate, **place)
        sealed = drafting.seal(draft, a_key(who).sign(draft.message, draft.namespace))
        self.files[sealed.path] = sealed.data
        return sealed.path

    def apply(self, changes: tuple[FileChange, ...]) -> None:
        for change in changes:
            assert change.content is not None
            self.files[change.path] = change.content

    def _draft(self, ledger: Ledger, predicate: predicates.Predicate, **place: object) -> drafting.Draft:
        given: dict[str, object] = {"issued_at": ledger.issue_at(self.now), "op_id": f"op-{len(self.files)}", **place}
        if ledger.is_empty:
            given.setdefault("repository", REPOSITORY)
        return drafting.draft(ledger, predicate, **given)  # type: ignore[arg-type]

    def found(self) -> World:
        self.set_policy(self.mapping)
        return self

    def set_policy(self, mapping: dict[str, object], who: str = "dana") -> records.Record:
        previous = self.ledger.policy_record
        return self.write(who, predicates.PolicyChange(governance=policy.freeze(mapping), previous_policy=previous))

    def publish(self, release: Release, who: str = "dana", authors: tuple[str, ...] = ("dana",)) -> records.Record:
        return self.write(who, published(release, authors), release=release)

    def evaluate(self, release: Release, who: str = "dana", **changes: object) -> records.Record:
        shard = f'{{"release":"{release.version}","changes":"{sorted(changes)}"}}\n'.encode()
        return self.write(who, evaluation(release, shard, **changes), evidence=(shard,))

    def approve(self, who: str, release: Release, environment: str = "staging", **changes: object) -> records.Record:
        return self.write(who, self.approval(who, release, environment, **changes))

    def approval(
        self, who: str, release: Release, environment: str = "staging", **changes: object
    ) -> predicates.Approval:
        state = self.ledger.state(environment, PROMPT)
        said = predicates.Approval(
            prompt=PROMPT,
            version=release.version,
            release=release.digest,
            environment=environment,
            stable=state.stable_digest if state else "",
            ramp=(100,),
            evidence=(),
            bars=(),
            role="reviewer",
            method="key",
            approver=who,
            finish_by=NOW + timedelta(days=7),
        )
        return replace(said, **changes)  # type: ignore[arg-type]

    def plan(self, release: Release, environment: str = "staging", **changes: object) -> transitions.Transition:
        return transitions.plan_promotion(self.ledger, self.request(release, environment, **changes))

    def request(
        self, release: Release, environment: str = "staging", **changes: object
    ) -> transitions.PromotionRequest:
        self.now += timedelta(minutes=1)
        asked = transitions.PromotionRequest(
            prompt=PROMPT,
            version=release.version,
            environment=environment,
            actor="opal",
            now=self.now,
            gate=transitions.GateResult(passed=True),
        )
        return replace(asked, **changes)  # type: ignore[arg-type]

    def promote(self, release: Release, environment: str = "staging", **changes: object) -> records.Record:
        planned = self.plan(release, environment, **changes)
        assert planned.refusals == ()
        return self.carry_out("opal", planned)

    def roll_back(self, environment: str = "staging", who: str = "otto", **changes: object) -> records.Record:
        planned = self.plan_rollback(environment, who, **changes)
        assert planned.refusals == ()
        return self.carry_out(who, planned)

    def plan_rollback(
        self, environment: str = "staging", who: str = "otto", **changes: object
    ) -> transitions.Transition:
        self.now += timedelta(minutes=1)
        asked = transitions.RollbackRequest(prompt=PROMPT, environment=environment, actor=who, now=self.now)
        return transitions.plan_rollback(self.ledger, replace(asked, **changes))  # type: ignore[arg-type]

    def carry_out(self, who: str, planned: transitions.Transition) -> records.Record:
        assert planned.predicate is not None
        self.now = planned.issued_at - timedelta(minutes=1)
        return self.write(who, planned.predicate, pointer=planned.pointer)

    def ready(self, *releases: Release) -> World:
        """Published, evaluated and approved for staging by ravi."""
        for release in releases:
            self.publish(release)
            self.evaluate(release)
            self.approve("ravi", release)
        return self

    def serve(self, release: Release, environment: str = "staging") -> World:
        """Published, evaluated, approved and promoted to one environment."""
        if self.ledger.published(PROMPT, release.version) is None:
            self.publish(release)
            self.evaluate(release)
        self.approve("ravi", release, environment)
        self.promote(release, environment)
        return self


def published(release: Release, authors: tuple[str, ...] = ("dana",)) -> predicates.ReleasePublished:
    return predicates.ReleasePublished(
        prompt=release.name,
        version=release.version,
        release=release.digest,
        behaviour=release.behaviour_digest,
        base=release.base,
        sources=(predicates.Source(path=f"prompts/{PROMPT}/prompt.yaml", sha256=canonical.sha256(b"p")),),
        contributors=tuple(Contributor(name=name, email=f"{name}@example.com") for name in authors),
        changelog="c",
    )


def evaluation(release: Release, shard: bytes, **changes: object) -> predicates.Evaluation:
    said = predicates.Evaluation(
        prompt=PROMPT,
        behaviour=release.behaviour_digest,
        evalset="short",
        evalset_digest=EVALSET,
        metrics={"groundedness": "1"},
        judge="embedded-lexical",
        judge_digest=canonical.sha256(b"judge"),
        generator={"model": "m"},
        index=INDEX,
        results=(canonical.sha256(shard),),
        counts={"cases": 30},
        means={"groundedness": "0.71"},
        must_pass_failed=(),
        seeds={"resampling": 7},
        cost={"nano_usd": 0},
    )
    return replace(said, **changes)  # type: ignore[arg-type]


def a_world(**policy_changes: object) -> World:
    """A world with its first policy."""
    return World(mapping=a_policy(**policy_changes)).found()


def a_pointer(**changes: object) -> Pointer:
    stable = Weight(version="1.2.0", digest="a" * 64, index="", percent=90)
    candidate = Weight(version="1.3.0", digest="b" * 64, index=INDEX, percent=10)
    pointer = Pointer(
        prompt=PROMPT,
        environment="production",
        status="canary",
        version="1.2.0",
        digest="a" * 64,
        weights=(stable, candidate),
        generation=4,
        record="c" * 64,
    )
    return replace(pointer, **changes)  # type: ignore[arg-type]


def codes(reasons: object) -> list[str]:
    return [reason.code for reason in reasons]  # type: ignore[attr-defined]
