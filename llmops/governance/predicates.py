"""What each kind of record says, typed, and its spelling in JSON.

A field's declaration is its format: `_field(pattern)` names what a text may look like, the type names the rest. Reading
is strict: unknown keys, absent keys, wrong types, texts that do not fit are all `PredicateError`. A field that came
later is left out where it is empty, so that older records keep their bytes. Kinds that are not in
`KINDS` are read by later versions; here they are void, not fatal.

JSON keys are the field names in camelCase, as in-toto writes them. The subject (what the record is about) is computed
from the predicate, so the two can never disagree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from llmops.documents import canonical
from llmops.documents.trees import Contributor
from llmops.governance.pointers import Weight

LONGEST_TEXT = 20_000
MOST_ITEMS = 10_000
IDENTIFIER = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,126}[a-z0-9])?")
DIGEST = re.compile(r"[0-9a-f]{64}")
_OPTIONAL_DIGEST = re.compile(r"(?:[0-9a-f]{64})?")
_VERSION = re.compile(r"(0|[1-9]\d{0,8})(\.(0|[1-9]\d{0,8})){2}(-[0-9A-Za-z.-]{1,64})?(\+[0-9A-Za-z.-]{1,64})?")
_OPTIONAL_VERSION = re.compile(rf"(?:{_VERSION.pattern})?")
_DECIMAL = re.compile(r"-?(0|[1-9]\d{0,20})(\.\d{1,330})?(e[+-]\d{1,3})?")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class PredicateError(ValueError):
    """A payload that says something no record of its kind can say."""


def time_text(moment: datetime) -> str:
    """A time as records spell it: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def time_value(text: Any) -> datetime:
    """The time that `text` spells. Raises: PredicateError."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        raise PredicateError(f"{text!r} is no time: expected YYYY-MM-DDTHH:MM:SS.mmmZ")
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise PredicateError(f"{text!r} is no time: {error}") from error


def _text(pattern: re.Pattern[str] | None = None, **more: Any) -> Any:
    return field(metadata={"read": _Text(pattern), "write": str}, **more)


def _texts(pattern: re.Pattern[str] | None = None) -> Any:
    return field(metadata={"read": _items(_Text(pattern)), "write": list})


def _of(read: Callable[[Any], Any], write: Callable[[Any], Any], **more: Any) -> Any:
    return field(metadata={"read": read, "write": write}, **more)


def _later(read: Callable[[Any], Any], write: Callable[[Any], Any], **more: Any) -> Any:
    """A field that older records do not have: absent where it is empty, never there and empty."""
    return field(metadata={"read": _filled(read), "write": write, "is_later": True}, **more)


def _filled(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def inner(value: Any) -> Any:
        found = read(value)
        if not found:
            raise PredicateError(f"{_short(value)} is empty: it is left out then")
        return found

    return inner


def _time() -> Any:
    return _of(time_value, time_text)


@dataclass(frozen=True, slots=True)
class _Text:
    pattern: re.Pattern[str] | None

    def __call__(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > LONGEST_TEXT:
            raise PredicateError(f"{_short(value)} is no text of at most {LONGEST_TEXT} characters")
        if self.pattern and not self.pattern.fullmatch(value):
            raise PredicateError(f"{_short(value)} does not fit {self.pattern.pattern}")
        return value


def _items(read: Callable[[Any], Any]) -> Callable[[Any], tuple[Any, ...]]:
    def inner(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > MOST_ITEMS:
            raise PredicateError(f"{_short(value)} is no list of at most {MOST_ITEMS} items")
        return tuple(read(item) for item in value)

    return inner


def _mapping(read: Callable[[Any], Any]) -> Callable[[Any], dict[str, Any]]:
    def inner(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > MOST_ITEMS:
            raise PredicateError(f"{_short(value)} is no mapping")
        return {key: read(item) for key, item in value.items()}

    return inner


def _integer(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise PredicateError(f"{_short(value)} is no whole number from 0")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise PredicateError(f"{_short(value)} is neither true nor false")
    return value


def _scalar(value: Any) -> str | int:
    return _integer(value) if isinstance(value, int) else _Text(None)(value)


def _percent(value: Any) -> int:
    number = _integer(value)
    if not 1 <= number <= 100:
        raise PredicateError(f"{number} is no percentage from 1 to 100")
    return number


def _any_mapping(value: Any) -> dict[str, Any]:
    return _mapping(lambda item: item)(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _exact(value: Any, keys: tuple[str, ...], later: frozenset[str] = frozenset()) -> Mapping[str, Any]:
    """`value`, which must be an object with just these keys; those of `later` may be absent."""
    if not isinstance(value, dict):
        raise PredicateError(f"{_short(value)} is no object")
    unknown, absent = sorted(set(value) - set(keys)), sorted(set(keys) - set(value) - later)
    if unknown or absent:
        parts = [f"unknown key {name!r}" for name in unknown] + [f"missing key {name!r}" for name in absent]
        raise PredicateError(", ".join(parts))
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source file of a release, as it was on the base branch."""

    path: str
    sha256: str


def _source(value: Any) -> Source:
    found = _exact(value, ("path", "sha256"))
    return Source(path=_Text(None)(found["path"]), sha256=_Text(DIGEST)(found["sha256"]))


def _contributor(value: Any) -> Contributor:
    found = _exact(value, ("name", "email"))
    return Contributor(name=_Text(None)(found["name"]), email=_Text(None)(found["email"]))


def _weight(value: Any) -> Weight:
    found = _exact(value, ("version", "digest", "index", "percent"))
    return Weight(
        version=_Text(_VERSION)(found["version"]),
        digest=_Text(DIGEST)(found["digest"]),
        index=_Text(_OPTIONAL_DIGEST)(found["index"]),
        percent=_percent(found["percent"]),
    )


def _write_objects(names: tuple[str, ...]) -> Callable[[Any], list[dict[str, Any]]]:
    return lambda items: [{name: getattr(item, name) for name in names} for item in items]


_WEIGHTS = (_items(_weight), _write_objects(("version", "digest", "index", "percent")))


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """The `governance:` mapping in its frozen form (`policy.freeze`), and the policy record that it follows."""

    governance: Mapping[str, Any] = _of(_any_mapping, dict)
    previous_policy: str = _text(_OPTIONAL_DIGEST)

    @property
    def subject(self) -> tuple[str, str]:
        return "governance", canonical.digest(self.governance)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePublished:
    """A release that was merged: its digests, where it comes from, who had a hand in it."""

    prompt: str = _text(IDENTIFIER)
    version: str = _text(_VERSION)
    release: str = _text(DIGEST)
    behaviour: str = _text(DIGEST)
    base: str = _text(_OPTIONAL_VERSION)
    sources: tuple[Source, ...] = _of(_items(_source), _write_objects(("path", "sha256")))
    contributors: tuple[Contributor, ...] = _of(_items(_contributor), _write_objects(("name", "email")))
    changelog: str = _text()

    @property
    def subject(self) -> tuple[str, str]:
        return f"{self.prompt}@{self.version}", self.release


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Scores of one behaviour. `results` are the digests of the evidence shards, in order.

    `judge` is "" where no metric needs one; `judge_parts` say what it is made of (model, parameters …). `means` are
    decimal strings; `detached`: the evidence is too large for the repository and kept elsewhere. `by_rule` are the
    metrics that no judge scored; records that are older than it name none.
    """

    prompt: str = _text(IDENTIFIER)
    behaviour: str = _text(DIGEST)
    evalset: str = _text(IDENTIFIER)
    evalset_digest: str = _text(DIGEST)
    metrics: Mapping[str, str] = _of(_mapping(_Text(None)), dict)
    judge: str = _text()
    judge_digest: str = _text(_OPTIONAL_DIGEST)
    generator: Mapping[str, str] = _of(_mapping(_Text(None)), dict)
    index: str = _text(_OPTIONAL_DIGEST)
    results: tuple[str, ...] = _texts(DIGEST)
    counts: Mapping[str, int] = _of(_mapping(_integer), dict)
    means: Mapping[str, str] = _of(_mapping(_Text(_DECIMAL)), dict)
    must_pass_failed: tuple[str, ...] = _texts()
    seeds: Mapping[str, int | str] = _of(_mapping(_scalar), dict)
    cost: Mapping[str, int] = _of(_mapping(_integer), dict)
    detached: bool = _of(_flag, bool, default=False)
    judge_parts: Mapping[str, str] = _later(_mapping(_Text(None)), dict, default_factory=dict)
    by_rule: tuple[str, ...] = _later(_items(_Text(None)), list, default=())

    @property
    def subject(self) -> tuple[str, str]:
        return f"behaviour/{self.prompt}", self.behaviour

    def judged(self, metrics: Iterable[str]) -> tuple[str, ...]:
        """Those of `metrics` that a judge scored, as far as the record says."""
        return tuple(name for name in metrics if self.judge and name in self.metrics and name not in self.by_rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One judge against people, by one metric: it passes what scores at least `pass_at` (decimal).

    `labels` is the digest of the file that people's verdicts stand in, `results` those of the labelled rows
    (`labelled`). `behaviour` is the one whose answers they are, "" where they come from several or from elsewhere;
    `drawn_from` are the records of the evaluations that they are a random draw from, () where they are none.
    `counts`: cases, groups, and tp, fp, fn, tn (positive: people pass the answer).
    """

    judge: str = _text()
    judge_digest: str = _text(DIGEST)
    metric: str = _text()
    metric_version: str = _text()
    pass_at: str = _text(_DECIMAL)
    evalset: str = _text(IDENTIFIER)
    evalset_digest: str = _text(DIGEST)
    behaviour: str = _text(_OPTIONAL_DIGEST)
    labels: str = _text(DIGEST)
    drawn_from: tuple[str, ...] = _texts(DIGEST)
    results: tuple[str, ...] = _texts(DIGEST)
    counts: Mapping[str, int] = _of(_mapping(_integer), dict)
    judge_parts: Mapping[str, str] = _later(_mapping(_Text(None)), dict, default_factory=dict)

    @property
    def is_drawn(self) -> bool:
        """Whether it can correct the very evaluations that its answers were drawn from."""
        return bool(self.drawn_from)

    @property
    def subject(self) -> tuple[str, str]:
        return f"judge/{self.judge}", self.judge_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person agrees to one rollout: this release, there, in place of that one, in these steps, until then."""

    prompt: str = _text(IDENTIFIER)
    version: str = _text(_VERSION)
    release: str = _text(DIGEST)
    environment: str = _text(IDENTIFIER)
    stable: str = _text(_OPTIONAL_DIGEST)
    ramp: tuple[int, ...] = _of(_items(_percent), list)
    evidence: tuple[str, ...] = _texts(DIGEST)
    bars: tuple[str, ...] = _texts()
    role: str = _text(IDENTIFIER)
    method: str = _text(re.compile("key|forge"))
    approver: str = _text(IDENTIFIER)
    finish_by: datetime = _time()  # noqa: RUF009 - a field, as the others are

    @property
    def subject(self) -> tuple[str, str]:
        return f"{self.prompt}@{self.version}", self.release


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """One person does not agree to one rollout; it withdraws what that person agreed to before."""

    prompt: str = _text(IDENTIFIER)
    version: str = _text(_VERSION)
    release: str = _text(DIGEST)
    environment: str = _text(IDENTIFIER)
    stable: str = _text(_OPTIONAL_DIGEST)
    role: str = _text(IDENTIFIER)
    method: str = _text(re.compile("key|forge"))
    approver: str = _text(IDENTIFIER)
    reason: str = _text()

    @property
    def subject(self) -> tuple[str, str]:
        return f"{self.prompt}@{self.version}", self.release


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A release takes a share of the traffic. `from_record` is the record of the pointer it replaces."""

    prompt: str = _text(IDENTIFIER)
    version: str = _text(_VERSION)
    release: str = _text(DIGEST)
    index: str = _text(_OPTIONAL_DIGEST)
    environment: str = _text(IDENTIFIER)
    from_record: str = _text(DIGEST)
    generation: int = _of(_integer, int)
    weights: tuple[Weight, ...] = _of(*_WEIGHTS)
    evidence: tuple[str, ...] = _texts(DIGEST)
    approvals: tuple[str, ...] = _texts(DIGEST)
    exceptions: tuple[str, ...] = _texts()
    release_hold: bool = _of(_flag, bool)

    @property
    def subject(self) -> tuple[str, str]:
        return f"{self.prompt}@{self.version}", self.release


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollback:
    """Back to a release that served there, or `off`: then `release` is the one whose fallback is served."""

    prompt: str = _text(IDENTIFIER)
    target: str = _text(re.compile(rf"off|{_VERSION.pattern}"))
    release: str = _text(DIGEST)
    index: str = _text(_OPTIONAL_DIGEST)
    environment: str = _text(IDENTIFIER)
    from_record: str = _text(DIGEST)
    generation: int = _of(_integer, int)
    weights: tuple[Weight, ...] = _of(*_WEIGHTS)
    incident: str = _text()
    reason: str = _text()
    exceptions: tuple[str, ...] = _texts()

    @property
    def subject(self) -> tuple[str, str]:
        return f"{self.prompt}@{self.target}", self.release


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentArm:
    """One behaviour that took part, with what its evidence (`results`) gives, as an evaluation says it.

    `evaluation` is the digest of the record that says the same of it, "" where the behaviour is no locked release's.
    """

    label: str = _text()
    version: str = _text(_VERSION)
    model: str = _text()
    behaviour: str = _text(DIGEST)
    evaluation: str = _text(_OPTIONAL_DIGEST)
    generator: Mapping[str, str] = _of(_mapping(_Text(None)), dict)
    index: str = _text(_OPTIONAL_DIGEST)
    metrics: Mapping[str, str] = _of(_mapping(_Text(None)), dict)
    results: tuple[str, ...] = _texts(DIGEST)
    counts: Mapping[str, int] = _of(_mapping(_integer), dict)
    means: Mapping[str, str] = _of(_mapping(_Text(_DECIMAL)), dict)
    must_pass_failed: tuple[str, ...] = _texts()


def _arm(value: Any) -> ExperimentArm:
    return ExperimentArm(**_fields_in(ExperimentArm, value))


def _write_arms(arms: tuple[ExperimentArm, ...]) -> list[dict[str, Any]]:
    return [_written(arm) for arm in arms]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """Behaviours of one prompt, compared on one evalset by one judge. `experiment` is the digest of its file; the first
    arm is the baseline, `front` the labels of the arms that no other dominated by the metrics in `objectives`.

    It opens nothing: the gate reads evaluations alone.
    """

    name: str = _text(IDENTIFIER)
    experiment: str = _text(DIGEST)
    prompt: str = _text(IDENTIFIER)
    evalset: str = _text(IDENTIFIER)
    evalset_digest: str = _text(DIGEST)
    judge: str = _text()
    judge_digest: str = _text(_OPTIONAL_DIGEST)
    objectives: tuple[str, ...] = _texts()
    arms: tuple[ExperimentArm, ...] = _of(_items(_arm), _write_arms)
    front: tuple[str, ...] = _texts()

    @property
    def subject(self) -> tuple[str, str]:
        return f"experiment/{self.name}", self.experiment


Predicate = (
    PolicyChange
    | ReleasePublished
    | Evaluation
    | Experiment
    | Calibration
    | Approval
    | Rejection
    | Promotion
    | Rollback
)
KINDS: Mapping[str, type[Predicate]] = {
    "policy": PolicyChange,
    "release": ReleasePublished,
    "evaluation": Evaluation,
    "experiment": Experiment,
    "calibration": Calibration,
    "approval": Approval,
    "rejection": Rejection,
    "promotion": Promotion,
    "rollback": Rollback,
}


def made_of(parts: Mapping[str, str]) -> str:
    """The words that tell one judge from another at a glance (kind, models), "" where nobody recorded them."""
    return ", ".join(parts[name] for name in ("kind", "model", "classifier") if name in parts)


def kind_of(predicate: Predicate) -> str:
    """The kind of record that carries `predicate`."""
    return next(kind for kind, shape in KINDS.items() if isinstance(predicate, shape))


def prompt_of(predicate: Predicate) -> str:
    """The prompt that `predicate` is about, "" for a policy and for a calibration, which is about a judge."""
    return "" if isinstance(predicate, PolicyChange | Calibration) else predicate.prompt


def write(predicate: Predicate) -> dict[str, Any]:
    """The JSON object of `predicate`."""
    return _written(predicate)


def _written(value: Any) -> dict[str, Any]:
    written = {item: item.metadata["write"](getattr(value, item.name)) for item in fields(value)}
    return {_key(item.name): said for item, said in written.items() if said or not _is_later(item)}


def read(kind: str, value: Mapping[str, Any]) -> Predicate:
    """The predicate in `value`. Raises: PredicateError, also for a kind that is not in KINDS."""
    if kind not in KINDS:
        raise PredicateError(f"no record kind is called {kind!r}")
    shape = KINDS[kind]
    return shape(**_fields_in(shape, value))


def _fields_in(shape: Any, value: Any) -> dict[str, Any]:
    """What the fields of `shape` read from a JSON object with just their keys."""
    later = frozenset(_key(item.name) for item in fields(shape) if _is_later(item))
    found = _exact(value, tuple(_key(item.name) for item in fields(shape)), later)
    arguments = {}
    for item in (item for item in fields(shape) if _key(item.name) in found):
        try:
            arguments[item.name] = item.metadata["read"](found[_key(item.name)])
        except PredicateError as error:
            raise PredicateError(f"{_key(item.name)}: {error}") from error
    return arguments


def _is_later(item: Field[Any]) -> bool:
    return bool(item.metadata.get("is_later"))


def _key(name: str) -> str:
    """`from_record` is spelled `from`, `finish_by` `finishBy`."""
    first, *rest = name.removesuffix("_record").split("_")
    return first + "".join(part.capitalize() for part in rest)
