"""The way back: a release as the YAML that people edit. What it writes freezes to the same behaviour and bars.

Left out is what a release does not hold: descriptions, informational fields, production monitors, freshness.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from llmops.documents.prompts import QUESTION_TEMPLATE
from llmops.documents.releases import Release

# Texts that every YAML reader takes for texts, without quotes. Anything else is quoted.
_PLAIN_TEXT: Final = re.compile(r"[A-Za-z][\w./]*([ -][\w./]+)*", re.ASCII)
_VERSION: Final = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
_NO_TEXTS: Final = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
_INDENT: Final = 2


def thaw(release: Release) -> dict[str, bytes]:
    """File name → YAML: prompt.yaml, thresholds.yaml, and rag.yaml where the release retrieves."""
    files = {"prompt.yaml": _prompt(release), "thresholds.yaml": _thresholds(release.bars)}
    if release.behaviour["retrieval"] is not None:
        files["rag.yaml"] = _rag(release.behaviour["retrieval"])
    return {name: dump(value) for name, value in sorted(files.items())}


def _prompt(release: Release) -> dict[str, Any]:
    behaviour, about = release.behaviour, release.about
    parameters = dict(behaviour["parameters"])
    temperature = parameters.pop("temperature", None)
    head = {
        "prompt_name": release.name,
        "version": release.version,
        **{key: about.get(key) for key in ("owner", "use_case", "labels", "changelog")},
        "model": release.model,
        "temperature": temperature,
        "parameters": parameters,
    }
    tail = {
        "variables": _variables(behaviour["variables"]),
        **{key: behaviour[key] for key in ("few_shots", "tools")},
        "rag": "rag.yaml" if behaviour["retrieval"] is not None else None,
        "evalset": release.evalset,
    }
    # An empty schema or fallback is something that was said; None is nothing.
    said = {key: behaviour[key] for key in ("output_schema", "fallback") if behaviour[key] is not None}
    unsaid: tuple[Any, ...] = (None, "", [], {})
    return {**_without(head, unsaid), **_messages(behaviour["messages"]), **_without(tail, unsaid), **said}


def _rag(retrieval: Mapping[str, Any]) -> dict[str, Any]:
    first = {key: retrieval[key] for key in ("sources", "loader")}
    sections = {key: _without(item, (None,)) for key, item in retrieval.items() if key not in first}
    return {**first, **_without(sections, ({},))}


def _messages(messages: list[Mapping[str, str]]) -> dict[str, Any]:
    """`template` where it says the same as the messages: a system message, then the question."""
    roles = [each["role"] for each in messages]
    if roles == ["system", "user"] and messages[1]["content"] == QUESTION_TEMPLATE:
        return _template_unless_it_asks(messages)
    return {"messages": messages}


def _template_unless_it_asks(messages: list[Mapping[str, str]]) -> dict[str, Any]:
    # A template that names the question would be read as one user message.
    content = messages[0]["content"]
    return {"messages": messages} if "question" in content else {"template": content}


def _variables(variables: Mapping[str, Mapping[str, Any]]) -> Any:
    """The short form, a list of names, where no variable says more than that it is a text."""
    if all(fields == {"type": "string"} for fields in variables.values()):
        return list(variables)
    return variables


def _thresholds(bars: Mapping[str, Any]) -> dict[str, Any]:
    value = {key: bars[key] for key in ("judge", "target", "repeats", "min_coverage", "quarantine") if key in bars}
    release = {metric: _without(fields, ({},)) for metric, fields in bars["thresholds"].items()}
    return {**_without(value, ([],)), "release": release}


def _without(value: Mapping[str, Any], unsaid: tuple[Any, ...]) -> dict[str, Any]:
    """`value` without the entries that say nothing. Types count: 0 and False are said."""
    return {
        key: item
        for key, item in value.items()
        if not any(item == each and type(item) is type(each) for each in unsaid)
    }


def dump(value: Mapping[str, Any]) -> bytes:
    """YAML as people write it: keys in their order, no anchors, quotes only around what would be no text."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
            super().increase_indent(flow, False)

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style=_style(data))

    Dumper.add_representer(str, text)
    dumped: str = yaml.dump(
        dict(value), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10**6, indent=_INDENT
    )
    return dumped.encode("utf-8")


def _style(text: str) -> str | None:
    if "\n" in text.rstrip("\n"):
        return "|"
    is_plain = _VERSION.fullmatch(text) or (_PLAIN_TEXT.fullmatch(text) and text.lower() not in _NO_TEXTS)
    return None if is_plain else '"'
