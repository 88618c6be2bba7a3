"""The wiring of evaluations: which judge, which metrics of one's own and which target stand behind a name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.documents.config import EMBEDDED_JUDGE, JudgeConfig, Settings, TargetConfig
from llmops.errors import CannotAsk

if TYPE_CHECKING:
    from llmops.documents.scanning.hits import Finder
    from llmops.documents.trees import Tree
    from llmops.evaluation.evidence import Score
    from llmops.usecases.evaluate.evaluating import OpenTarget
    from llmops.usecases.evaluate.scorers import Scorers
    from llmops.usecases.evaluate.subjects import Subject
    from llmops.usecases.ports import Judge, ModelDoor, OwnMetric, SchemaChecker, Target

ANSWERS = "answers"
PROMPT = "prompt"


def scorers(settings: Settings, tree: Tree, door: ModelDoor, name: str) -> Scorers:
    """The judge of this name with the metrics of llmops.yaml. Raises: CannotAsk JUDGE_UNKNOWN and what they raise."""
    from llmops.usecases.evaluate.scorers import assemble

    config = settings.judge(name)
    if config is None:
        known = ", ".join(settings.judge_names)
        hint = "add it to `judges` of llmops.yaml, or name another: --judge, `judge:` in thresholds.yaml"
        raise CannotAsk("JUDGE_UNKNOWN", f"there is no judge {name}; known: {known}", where="llmops.yaml", hint=hint)
    own: tuple[OwnMetric, ...] = ()
    if settings.metrics:
        from llmops.adapters import plugins

        own = plugins.load(settings.metrics, door=door, tree=tree)
    finders = tuple(_FINDERS[each]() for each in config.finders)
    judge, prepare = _judge(config, door)
    return assemble(
        _guarded(judge, config, door),
        own,
        finders,
        model=config.model or config.classifier,
        embeddings=_elsewhere(settings, config.embeddings),
        prepare=prepare,
        checker=_LateChecker(),
    )


def _elsewhere(settings: Settings, name: str) -> str:
    """The name of a model of embeddings that does not run in this process, else ""."""
    model = settings.model(name)
    return name if model is not None and model.provider != "embedded" else ""


class _LateChecker:
    """The checker of schemas that may take long, made when the first such schema comes: few prompts have one."""

    def __init__(self) -> None:
        self._checker: SchemaChecker | None = None

    async def json_valid(self, answer: str, schema: Mapping[str, Any]) -> Score:
        if self._checker is None:
            from llmops.adapters.plugins.checking import SchemaChecker as Slow

            self._checker = Slow()
        return await self._checker.json_valid(answer, schema)

    async def close(self) -> None:
        if self._checker is not None:
            await self._checker.close()


def left_out(settings: Settings, tree: Tree) -> tuple[str, ...]:
    """What metrics of llmops.yaml were made from and could not take over, a line each: said, never passed over."""
    if not settings.metrics:
        return ()
    from llmops.adapters.plugins import Status, describe

    return tuple(
        f"metrics.{name}: {part.what} is not measured: {part.why}"
        for name, config in settings.metrics.items()
        for part in describe(config, tree)
        if part.status is not Status.IMPORTED
    )


def _guarded(judge: Judge, config: JudgeConfig, door: ModelDoor) -> Judge:
    if not config.classifier:
        return judge
    from llmops.usecases.evaluate.judging import GuardedJudge

    return GuardedJudge(judge, config, door)


def _judge(config: JudgeConfig, door: ModelDoor) -> tuple[Judge, Callable[[], None]]:
    """The judge, and what has to be called before it scores."""
    if config.kind == EMBEDDED_JUDGE:
        from llmops.usecases.evaluate.scorers import EmbeddedJudge

        return EmbeddedJudge(), _nothing
    if config.kind == "native":
        from llmops.usecases.evaluate.judging import NativeJudge

        return NativeJudge(config, door), _nothing
    if config.kind == "ragas":
        from llmops.adapters.ragas.judge import RagasJudge

        ragas = RagasJudge(config, door)
        return ragas, ragas.load
    what = f"judges.{config.name}.kind is {config.kind}"
    hint = f"write {EMBEDDED_JUDGE}, native or ragas"
    raise CannotAsk("JUDGE_KIND", what, where="llmops.yaml", hint=hint)


def _nothing() -> None:
    """Its modules are imported already."""


def _detect_secrets() -> Finder:
    from llmops.adapters.safety.secrets import detect_secrets_finder

    return detect_secrets_finder()


def _presidio() -> Finder:
    from llmops.adapters.safety.presidio import presidio_finder

    return presidio_finder()


_FINDERS: Mapping[str, Callable[[], Finder]] = {"detect-secrets": _detect_secrets, "presidio": _presidio}


def target(
    settings: Settings, asked: str, *, root: str, cache: Path, is_offline: bool = False, trusted: Tree | None = None
) -> OpenTarget:
    """What `--target` means: `prompt`, `answers`, a name of `targets` in llmops.yaml, or an address. With a `trusted`
    tree, a Python function is the one that stands there. Raises: CannotAsk TARGET_UNKNOWN, OFFLINE."""
    from llmops.usecases.evaluate import evaluating

    if asked in (PROMPT, ANSWERS):
        return evaluating.known_target(asked)
    config = settings.targets.get(asked)
    if config is None and asked.startswith(("python:", "http://", "https://")):
        config = TargetConfig(name=asked, address=asked)
    if config is None:
        known = ", ".join((PROMPT, ANSWERS, *settings.targets))
        hint = "write one of these, python:MODULE:FUNCTION, or an http address"
        raise CannotAsk("TARGET_UNKNOWN", f"there is no target {asked}; known: {known}", hint=hint)
    if is_offline and not config.address.startswith("python:"):
        what = f"the target {asked} is at {config.address}, and this run asks no network"
        raise CannotAsk("OFFLINE", what, hint="leave --offline and --replay out, or take another target")
    return _application(config, root=root, cache=cache, trusted=trusted)


def _application(config: TargetConfig, *, root: str, cache: Path, trusted: Tree | None) -> OpenTarget:
    @asynccontextmanager
    async def opened(_door: ModelDoor, subject: Subject) -> AsyncIterator[Target]:
        from llmops.adapters.targets import sources
        from llmops.adapters.targets.opening import open_target
        from llmops.runtime.evaluation import serving

        if trusted is not None:
            sources.require_trusted(config, root=Path(root), read=trusted.read)
        application = open_target(
            config,
            root=Path(root),
            cache_folder=cache,
            behaviour=subject.release.behaviour_digest,
            evalset=subject.evalset.digest,
            within=lambda: serving(subject.release),
        )
        async with application as answering:
            yield answering
            answering.complete()

    return opened
