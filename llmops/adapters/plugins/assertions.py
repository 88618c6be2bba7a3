"""A promptfoo assertion file as one metric."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from llmops.adapters.plugins import options
from llmops.adapters.plugins.asking import Asking, Door
from llmops.adapters.plugins.checking import SchemaChecker
from llmops.adapters.plugins.deadlines import Deadline
from llmops.adapters.plugins.matching import Matcher
from llmops.documents import canonical
from llmops.documents.config import MetricConfig
from llmops.documents.trees import Tree
from llmops.errors import CannotAsk, InputRefused
from llmops.evaluation.evidence import Score
from llmops.evaluation.judging.steps import Embed, Said, Vectors
from llmops.evaluation.metrics import Kind, MetricInfo
from llmops.evaluation.plugins.promptfoo import grading, reading
from llmops.evaluation.plugins.promptfoo.asserts import Assert, Found, Imported
from llmops.evaluation.plugins.promptfoo.combining import combine
from llmops.evaluation.plugins.promptfoo.measuring import Asked, Check, Match, Steps, Told, measure
from llmops.evaluation.plugins.promptfoo.support import SUPPORTED, Means
from llmops.evaluation.scoring.cases import Observation

VERSION = 1
_OPTION = "embeddings"


class AssertionFile:
    """The asserts of one file, measured on one answer and combined."""

    def __init__(self, *, info: MetricInfo, identity: str, imported: Imported, asking: Asking, embeddings: str) -> None:
        self.info = info
        self.identity = identity
        self._imported = imported
        self._asking = asking
        self._embeddings = embeddings
        self._matcher = Matcher()
        self._checker = SchemaChecker()

    async def score(self, seen: Observation) -> Score:
        """The weighted mean of its asserts. Raises: CannotAsk where its model cannot be asked."""

        async def made(_deadline: Deadline) -> Score:
            each = [self._carried(measure(one, seen, self._imported.variables)) for one in self._imported.each()]
            return combine(self._imported, await _all(each))

        return await self._asking.score(made, self.info.kind)

    async def close(self) -> None:
        """Ends the processes that look for expressions and check schemas."""
        await self._matcher.close()
        await self._checker.close()

    async def _carried(self, steps: Steps) -> Found:
        """What the steps come to; the requests of a batch are made at once."""
        try:
            batch = next(steps)
            while True:
                batch = steps.send(tuple(await _all([self._answer(request) for request in batch])))
        except StopIteration as stop:
            found: Found = stop.value
            return found

    async def _answer(self, request: Asked) -> Told:
        try:
            if isinstance(request, Check):
                return await self._checker.check(request)
            if isinstance(request, Match):
                return await self._matcher.match(request)
            if isinstance(request, Embed):
                return Vectors(rows=await self._asking.embed(request.texts, self._embeddings))
            reply = await self._asking.chat(request.messages, schema=request.schema, repeat=request.repeat)
        except InputRefused as error:
            return Said(text="", failure=error.what)
        return Said(text=reply.text, finish_reason=reply.finish_reason, is_refusal=reply.is_refusal)


async def _all(awaitables: list[Any]) -> list[Any]:
    """What all of them give. None is left running where one of them fails."""
    found = await asyncio.gather(*awaitables, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return found


def load(config: MetricConfig, door: Door, tree: Tree) -> AssertionFile:
    """The metric of an assertion file. Raises: CannotAsk PLUGIN_OPTIONS, PLUGIN_MISSING, PLUGIN_EMPTY, PLUGIN_MODEL;
    InvalidDocuments."""
    imported = read(config, tree)
    means = {SUPPORTED[one.kind].means for one in imported.each()}
    asks = bool(means & {Means.MODEL, Means.MODEL_AND_EMBEDDINGS})
    embeds = bool(means & {Means.EMBEDDINGS, Means.MODEL_AND_EMBEDDINGS})
    _check(config, imported, asks=asks, embeds=embeds)
    embeddings = config.options.get(_OPTION, "")
    model = config.model if asks else ""
    named = {
        "kind": config.kind,
        "version": VERSION,
        "files": dict(imported.files),
        "prompts": grading.prompts_digest() if asks else None,
        "model": dict(door.identity(model)) if asks else None,
        "embeddings": dict(_encoder(door, embeddings)) if embeds else None,
    }
    return AssertionFile(
        info=_info(config, imported),
        identity=canonical.digest(named),
        imported=imported,
        asking=Asking(door, name=config.name, model=model, seconds=options.SECONDS, concurrency=options.CONCURRENCY),
        embeddings=embeddings,
    )


def read(config: MetricConfig, tree: Tree) -> Imported:
    """What is taken from the file of a metric, and what is left."""
    options.only(config, _OPTION)
    data = tree.read(config.source)
    if data is None:
        hint = "write the path of the assertion file from the repository's root"
        raise CannotAsk("PLUGIN_MISSING", f"there is no file {config.source}", where=options.where(config), hint=hint)
    return reading.read(data, config.source, tree.read)


def _check(config: MetricConfig, imported: Imported, *, asks: bool, embeds: bool) -> None:
    where = options.where(config)
    if not any(item.weight for item in imported.asserts):
        why = f"; {imported.left[0].what}: {imported.left[0].why}" if imported.left else ""
        what = f"{config.source} has no assert that counts{why}"
        raise CannotAsk("PLUGIN_EMPTY", what, where=where, hint="write asserts that apply to every case")
    if asks and not config.model:
        asker = next(one.label for one in imported.each() if _asks(one))
        what = f"{config.source}: {asker} asks a model, and none is named"
        raise CannotAsk("PLUGIN_MODEL", what, where=where, hint="write `model:` with one of `models`")
    if config.model and not asks:
        what = f"no assert of {config.source} asks a model, but `model: {config.model}` is written"
        raise CannotAsk("PLUGIN_MODEL", what, where=where, hint="remove `model`")
    embeddings = config.options.get(_OPTION, "")
    if not isinstance(embeddings, str) or (embeddings and not embeds):
        what = f"no assert of {config.source} compares embeddings, but the option `{_OPTION}` is {embeddings!r}"
        raise CannotAsk("PLUGIN_OPTIONS", what, where=where, hint="remove it, or name one of `models` with it")


def _asks(one: Assert) -> bool:
    return SUPPORTED[one.kind].means in (Means.MODEL, Means.MODEL_AND_EMBEDDINGS)


def _encoder(door: Door, embeddings: str) -> Mapping[str, Any]:
    from llmops.adapters.models.identities import embedding_identity

    return door.identity(embeddings) if embeddings else embedding_identity()


def _info(config: MetricConfig, imported: Imported) -> MetricInfo:
    counting = [item for item in imported.asserts if item.weight]
    alone = counting[0] if len(counting) == 1 else None
    is_binary = isinstance(alone, Assert) and SUPPORTED[alone.kind].is_binary
    method = f"weighted mean of the {len(imported.asserts)} asserts taken from {config.source}"
    return MetricInfo(
        name=config.name, method=method, version=VERSION, kind=Kind.BINARY if is_binary else Kind.CONTINUOUS
    )
