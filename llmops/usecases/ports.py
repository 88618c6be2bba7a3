"""Ports: what the use cases ask of the world. Adapters implement them; tests run the same checks on fake and real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from llmops.documents.chat import ChatReply, ChatRequest
from llmops.documents.spending import Ledger
from llmops.documents.targets import Answered, Question
from llmops.documents.trees import Contributor, Plan, Tree
from llmops.evaluation.evidence import Score
from llmops.evaluation.judging.identity import JudgeIdentity
from llmops.evaluation.metrics import MetricInfo
from llmops.evaluation.scoring.cases import Observation
from llmops.retrieval.passages import Passage

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Clock(Protocol):
    """The time, asked once a run."""

    def now(self) -> datetime:
        """The present, UTC, aware."""
        ...


class Repository(Protocol):
    """One git repository: reading by ref, and the one door for writing."""

    @property
    def root(self) -> str:
        """The absolute path of the work tree."""
        ...

    def branch(self) -> str | None:
        """The full ref name that HEAD points to (born or not), or None where HEAD is detached."""
        ...

    def resolve(self, revision: str) -> str | None:
        """The commit that `revision` names, or None."""
        ...

    def tree_at(self, commit: str) -> Tree:
        """The tree of a commit."""
        ...

    def index_tree(self) -> Tree:
        """What is staged."""
        ...

    def work_tree(self) -> Tree:
        """What lies in the folder, without what git ignores."""
        ...

    def records_tip(self, branch: str) -> str | None:
        """The newest commit of the records branch: the local or the remote-tracking ref, whichever contains the
        other; None where neither exists. Raises: CannotAsk RECORDS_DIVERGED."""
        ...

    def contributors(self, paths: Sequence[str], *, since: str | None, until: str) -> tuple[Contributor, ...]:
        """Authors and co-authors of the commits in `since..until` that touched `paths`, each once."""
        ...

    def introduced(self, path: str, *, until: str) -> str | None:
        """The newest commit at or before `until` that added `path`, or None."""
        ...

    def history(self, folder: str, *, until: str, most: int) -> tuple[str, ...]:
        """The newest commits at or before `until` that changed anything below `folder`, newest first."""
        ...

    def config(self, key: str) -> str | None:
        """One value of git's configuration, or None."""
        ...

    def apply(self, plan: Plan) -> str:
        """Write `plan`: all of it or nothing. Returns the new commit ("" for a plan without a ref).
        Raises: LostRace where the ref has moved; CannotAsk where our own paths are dirty or the disk is full."""
        ...


class Signer(Protocol):
    """One person's signing key."""

    @property
    def public_key(self) -> str:
        """`ssh-ed25519 AAAA…`: type and base64, no comment."""
        ...

    def sign(self, message: bytes, *, namespace: str) -> str:
        """An armored SSH signature (SSHSIG) over `message`. Raises: CannotAsk SIGNING_FAILED."""
        ...


class ModelDoor(Protocol):
    """The one way to any model: cached by content, committed per call, so that a killed run continues."""

    def identity(self, model: str) -> Mapping[str, Any]:
        """What names the model behind a name in evidence: provider, model, weights digest or endpoint model id."""
        ...

    async def chat(self, request: ChatRequest) -> ChatReply:
        """Raises: CannotAsk. `InputRefused` where this request alone is at fault and others may succeed; anything else
        says that the model cannot be asked (MODEL_UNAVAILABLE, MODEL_REFUSED, OFFLINE, MAX_COST, …)."""
        ...

    async def embed(self, texts: Sequence[str], model: str = "") -> NDArray[Any]:
        """Unit vectors of the texts, shape (len(texts), dimensions), float32. `model` "": the embedded encoder."""
        ...

    async def count_tokens(self, model: str, text: str) -> int:
        """How many tokens `text` is to `model`: exact for the embedded one, an estimate for endpoints."""
        ...

    def at_once(self, model: str) -> int:
        """How many requests to `model` may be in flight; 0 for a model that is not configured."""
        ...

    def price(self, model: str, *, input_tokens: int, output_tokens: int) -> int | None:
        """What so many tokens cost, in nano-USD; None where nobody knows."""
        ...

    def is_kept(self, request: ChatRequest) -> bool:
        """True where the answer is in the cache: asking costs nothing."""
        ...

    @property
    def calls(self) -> int:
        """How many requests went to a model since the door was opened (cached ones are not counted)."""
        ...

    @property
    def ledger(self) -> Ledger:
        """What was asked since the door was opened, by stage."""
        ...


class Judge(Protocol):
    """Who scores what no rule can. Metrics and cases are asked for all at once; the door keeps the limits."""

    @property
    def identity(self) -> JudgeIdentity:
        """What names the judge in evidence."""
        ...

    @property
    def metrics(self) -> Sequence[MetricInfo]:
        """What it can score; its description of a metric replaces the common one of that name."""
        ...

    async def score(self, seen: Observation, metrics: Sequence[str]) -> Mapping[str, Score]:
        """A score for each of `metrics`, missing with a reason where the judge's replies cannot be used. What several
        metrics asked alike is booked on the first of them. Raises: CannotAsk where its model cannot be asked."""
        ...


class OwnMetric(Protocol):
    """A metric of the repository's own. `identity` is a digest of what measures it."""

    @property
    def info(self) -> MetricInfo: ...
    @property
    def identity(self) -> str: ...

    async def score(self, seen: Observation) -> Score:
        """Missing with a reason for whatever goes wrong in it. Raises: CannotAsk where its model cannot be asked."""
        ...

    async def close(self) -> None:
        """Give back what it holds; called once, after the run."""
        ...


class SchemaChecker(Protocol):
    """Checks answers against a schema that may take long, within a deadline."""

    async def json_valid(self, answer: str, schema: Mapping[str, Any]) -> Score:
        """What the rule says; missing with the reason where it does not say it in time."""
        ...

    async def close(self) -> None:
        """Give back what it holds; called once, after the run."""
        ...


class Target(Protocol):
    """What answers a case: the prompt's own model, answers that the evalset brings, or an application."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What names it in evidence."""
        ...

    async def answer(self, question: Question) -> Answered:
        """Raises: InputRefused where this case alone cannot be answered; CannotAsk where none can."""
        ...


class Retriever(Protocol):
    """A built index over the knowledge of one retrieval config."""

    @property
    def index_digest(self) -> str:
        """Names the built index: config digest and knowledge digest together."""
        ...

    async def retrieve(self, question: str) -> tuple[Passage, ...]:
        """The passages for a question, best first, at most `top_k`."""
        ...


class Runner(Protocol):
    """Processes that work on shards of an evaluation at once."""

    tasks: int

    def submit(self, number: int, shard: Any) -> None:
        """Start work on a shard (`usecases.evaluate.sharding.Shard`)."""
        ...

    def finished(self) -> tuple[int, Any]:
        """The next shard that is done, with its `Done`; None where its process was lost."""
        ...


class Spool(Protocol):
    """A place for lines beside memory, gone with whoever opened it."""

    def write(self, line: bytes) -> int:
        """Where the line, which ends with a line feed, can be read again."""
        ...

    def read(self, place: int) -> bytes:
        """The line that was written to this place."""
        ...


class Progress(Protocol):
    """Where long work says how far it is."""

    def step(self, done: int, total: int, *, spent_nano_usd: int = 0) -> None:
        """`done` of `total` cases are finished."""
        ...
