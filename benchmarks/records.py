"""Signed records: verifying a long log, and a rollback from command to committed pointer in front of one."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks.figures import LLMOPS, Figure, alternate, cost, cpu_of, exponent, git
from llmops.documents import canonical
from llmops.documents.releases import Release
from llmops.documents.trees import MemoryTree
from llmops.evaluation import evidence, pooling
from llmops.evaluation.evidence import EvidenceRow, measured
from llmops.governance import drafting, predicates, records, verification
from tests.governance.builders import PROMPT, World, a_key, a_release, a_world, evaluation

SIZES = (250, 500, 1_000)
SIGNER = "otto"


def run() -> list[Figure]:
    world = _served()
    costs = {}
    for size in SIZES:
        _grow(world, size)
        tree = MemoryTree(dict(world.files))
        report = verification.verify(tree)
        if not report.ok or len(report.ledger.entries) != size:
            raise AssertionError(f"{len(report.ledger.entries)} records, faults {report.faults}")
        costs[size] = cpu_of(lambda tree=tree: verification.verify(tree), times=3)
    with tempfile.TemporaryDirectory() as name:
        wall, floor, verify = _rolling_back(Path(name), world)
    count = SIZES[-1]
    return [
        Figure(
            name=f"verify {count} signed records, CPU a record",
            measured=costs[count] / count * 1e6,
            unit="us",
            goal=600,
            floor="an ed25519 check: 110 us",
            note="100,000 in 30 s on two cores",
        ),
        Figure(name="verify, growth over 4x", measured=exponent(costs), unit="exp", goal=1.1),
        Figure(name=f"audit verify of {count}, whole process", measured=verify, unit="s", floor=""),
        Figure(
            name=f"rollback before {count} records, whole process",
            measured=wall,
            unit="s",
            goal=1.0,
            floor=f"git commit: {floor * 1000:.0f} ms",
        ),
    ]


def _served() -> World:
    """Two releases that served one after the other, so that there is something to go back to."""
    world = a_world()
    for release in (a_release("1.2.0"), a_release("1.3.0", base="1.2.0")):
        world.publish(release)
        said, shard = _evaluation(release, release.version)
        world.write("dana", said, evidence=(shard,))
        world.approve("ravi", release)
        world.promote(release)
    return world


def _evaluation(release: Release, name: str) -> tuple[predicates.Evaluation, bytes]:
    """What an evaluation of one case says, and its evidence."""
    row = EvidenceRow(
        case=f"case-{name}",
        input_digest=canonical.sha256(name.encode()),
        request_digest=canonical.sha256(f"request {name}".encode()),
        answer=f"The answer is {name}.",
        scores={"groundedness": measured(0.75)},
    )
    (shard,) = evidence.shards((row,))
    found = pooling.recompute((shard,))
    counts = {"cases": found.cases, "rows": found.rows}
    return evaluation(release, shard, means=dict(found.means), counts=counts), shard


def _grow(world: World, size: int) -> None:
    """Evaluations by dana until there are `size` records, each on top of the last."""
    ledger, release = world.ledger, a_release("1.3.0", base="1.2.0")
    tree = MemoryTree(world.files)
    while len(ledger.entries) < size:
        world.now += timedelta(minutes=1)
        said, shard = _evaluation(release, str(len(ledger.entries)))
        draft = drafting.draft(ledger, said, issued_at=ledger.issue_at(world.now), op_id=f"bench-{len(ledger.entries)}")
        sealed = drafting.seal(draft, a_key("dana").sign(draft.message, draft.namespace))
        world.files[sealed.path] = sealed.data
        world.files[records.evidence_path(canonical.sha256(shard))] = shard
        ledger = drafting.advance(tree, sealed)


def _rolling_back(root: Path, world: World) -> tuple[float, float, float]:
    """Wall seconds of `llmops rollback`, of a plain commit, and of `llmops audit verify`."""
    folder = root / "repository"
    for path, data in world.files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    key = root / "key"
    key.write_bytes(a_key(SIGNER).private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    key.chmod(0o600)
    (root / "key.pub").write_text(a_key(SIGNER).public + "\n", encoding="utf-8")
    git(folder, "init", "-q", "-b", "main")
    for name, value in {
        "user.name": SIGNER,
        "user.email": f"{SIGNER}@example.com",
        "user.signingkey": str(key),
    }.items():
        git(folder, "config", name, value)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "records")
    start = git(folder, "rev-parse", "HEAD")
    plain = alternate({"commit": ("git", "commit", "-q", "--allow-empty", "-m", "plain")}, folder=folder, times=5)
    verify = cost((*LLMOPS, "audit", "verify"), folder=folder)
    rollback = alternate(
        {"rollback": (*LLMOPS, "rollback", PROMPT, "--env", "staging", "--reason", "bench")},
        folder=folder,
        times=5,
        before=lambda _, _turn: _reset(folder, start),
    )
    return rollback["rollback"].wall, plain["commit"].wall, verify.wall


def _reset(folder: Path, commit: str) -> None:
    git(folder, "reset", "-q", "--hard", commit)
