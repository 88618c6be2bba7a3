"""The strict door: bytes come in, plain JSON values and findings go out.

It never raises on bad input. Rules, in order:

1. Size first, then text: UTF-8 (a byte order mark is fine), no NUL, no control characters.
2. One document of mappings, sequences and scalars. Refused with a fix: tags, merge keys, duplicate keys, keys that are
   no text, more than 64 levels, aliases that expand to more than 1,000 nodes or hold themselves. Events are judged as
   they come from the scanner and aliases share their value, so nothing hostile is ever expanded.
3. Scalars follow the core schema of YAML 1.2: only `true`, `false`, `null`, `~`, nothing, integers and floats are more
   than text. `no`, `on`, `1:30` and dates are text.
4. A number keeps its source text. Where the schema wants a text, `schemas.check` puts exactly that text back, so
   `version: 1.10` is "1.10" and never 1.1. The door itself knows no schema.
5. Every key and every value has a line and a column, so every later finding can say where.

JSON and JSON lines come through `json_door`, with the same kind of result and the same refusals.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

from llmops.documents.canonical import LARGEST_INTEGER
from llmops.documents.reading.parsed import CONTROL, DEEPEST, Parsed, Pointer, Position, finding, read_text
from llmops.errors import Finding

__all__ = ["LARGEST_YAML", "Parsed", "Pointer", "Position", "parse"]

LARGEST_YAML = 2**20
MOST_ALIASED_NODES = 1_000

_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(
    r"(?P<int>[-+]?[0-9]+)|(?P<oct>0o[0-7]+)|(?P<hex>0x[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<odd>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_CONSTANTS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


def parse(data: bytes, path: str, *, largest: int = LARGEST_YAML) -> Parsed:
    """The YAML document in `data`. Never raises: whatever is wrong is a finding with line and column."""
    text, findings = read_text(data, path, largest)
    if text is None:
        return Parsed(path=path, value=None, findings=findings)
    builder = _Builder(path)
    try:
        builder.read(_Parser(text))
    except yaml.MarkedYAMLError as error:
        builder.refuse_syntax(error, text)
    except yaml.YAMLError as error:
        builder.refuse("yaml-syntax", (0, 0), f"not YAML: {error}", "mend the file")
    value = None if builder.findings else builder.value
    return Parsed(
        path=path,
        value=value,
        findings=tuple(builder.findings),
        keys=builder.keys,
        values=builder.values,
        texts=builder.texts,
        source=text,
    )


class _Stop(Exception):
    """Reading further would cost more than it tells."""


@dataclass(slots=True)
class _Frame:
    """A mapping or sequence that is being read. `key` is the mapping's key that waits for its value."""

    pointer: Pointer
    value: dict[str, Any] | list[Any]
    anchor: str | None
    key: str | None = None
    wants_key: bool = False
    is_kept: bool = True
    nodes: int = 1


class _Builder:
    """Builds value and positions from the scanner's events in one pass."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.value: Any = None
        self.findings: list[Finding] = []
        self.keys: dict[Pointer, Position] = {}
        self.values: dict[Pointer, Position] = {}
        self.texts: dict[Pointer, str] = {}
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Any, int] | None] = {}
        self._aliased = 0
        self._documents = 0

    def read(self, parser: Any) -> None:
        """Takes events until the stream ends or reading on makes no sense."""
        handlers = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._start,
            yaml.SequenceStartEvent: self._start,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        try:
            while (event := parser.get_event()) is not None:
                handler = handlers.get(type(event))
                if handler:
                    handler(event)
        except _Stop:
            return
        finally:
            parser.dispose()

    def refuse(self, rule: str, place: Position, message: str, fix: str) -> None:
        self.findings.append(finding(self.path, rule, place, message, fix))

    def refuse_syntax(self, error: yaml.MarkedYAMLError, text: str) -> None:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        context = f" {error.context}" if error.context else ""
        self.refuse(
            "yaml-syntax",
            place,
            f"not YAML: {error.problem}{context}",
            _syntax_fix(str(error.problem), _line(text, place[0])),
        )

    def _document(self, event: Any) -> None:
        self._documents += 1
        if self._documents > 1:
            fix = "keep one document a file: remove the `---` line and what follows it"
            self.refuse("yaml-several-documents", _place(event), "a second document begins here", fix)
            raise _Stop

    def _scalar(self, event: Any) -> None:
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
        if event.tag is not None:
            self._refuse_tag(event, place)
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.wants_key:
            self._take_key(frame, event, place)
            return
        text = event.value
        value = text
        if event.style == '"':
            self._check_escapes(text, place)
        if not event.style and (text == "" or text[0] in _MAYBE_NOT_TEXT):
            value = self._resolve(text, place)
            if value.__class__ is int or value.__class__ is float:
                self.texts[self._pointer(frame)] = text
        self._put(frame, value, place, event.anchor, 1)

    def _check_escapes(self, text: str, place: Position) -> None:
        found = CONTROL.search(text)
        if found:
            what = f"an escape stands for the control character U+{ord(found.group()):04X}"
            self.refuse("document-control-character", place, what, "remove it")

    def _resolve(self, text: str, place: Position) -> Any:
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        number = _NUMBER.fullmatch(text)
        if number is None:
            return text
        value = _number(number)
        if value is None:
            fix = "write it in quotes if it is a text, or write a smaller, finite number"
            self.refuse("yaml-number", place, f"{text[:40]} is no number that JSON can carry exactly", fix)
            return 0
        return value

    def _take_key(self, frame: _Frame, event: Any, place: Position) -> None:
        key = event.value
        if not event.style:
            self._check_plain_key(key, place)
        pointer = (*frame.pointer, key)
        frame.key, frame.wants_key = key, False
        frame.is_kept = key not in frame.value
        if frame.is_kept:
            self.keys[pointer] = place
        else:
            first = self.keys[pointer][0]
            what = f"the key '{key}' stands here a second time, the first is on line {first}"
            self.refuse("yaml-duplicate-key", place, what, "keep one of the two")
        if event.anchor:
            self._anchors[event.anchor] = (key, 1)

    def _check_plain_key(self, key: str, place: Position) -> None:
        if key == "<<":
            fix = "write the keys out where they belong"
            self.refuse("yaml-merge-key", place, "merge keys (`<<`) are not allowed", fix)
        elif key in _CONSTANTS or _NUMBER.fullmatch(key):
            shown = f"'{key}'" if key else "empty"
            self.refuse("yaml-key-not-text", place, f"the key is {shown}, not a text", f'write it in quotes: "{key}"')

    def _start(self, event: Any) -> None:
        place = _place(event)
        if event.tag is not None:
            self._refuse_tag(event, place)
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.wants_key:
            self.refuse("yaml-key-not-text", place, "a key is a mapping or a list, not a text", "use a text as the key")
            raise _Stop
        if len(self._stack) >= DEEPEST:
            self.refuse("yaml-too-deep", place, f"more than {DEEPEST} levels", "flatten the document")
            raise _Stop
        is_mapping = type(event) is yaml.MappingStartEvent
        pointer = self._pointer(frame)
        if frame is None or frame.is_kept:
            self.values[pointer] = place
        if event.anchor:
            self._anchors[event.anchor] = None
        value: dict[str, Any] | list[Any] = {} if is_mapping else []
        self._stack.append(_Frame(pointer, value, event.anchor, wants_key=is_mapping))

    def _end(self, _event: Any) -> None:
        frame = self._stack.pop()
        parent = self._stack[-1] if self._stack else None
        self._put(parent, frame.value, None, frame.anchor, frame.nodes)

    def _alias(self, event: Any) -> None:
        place = _place(event)
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.wants_key:
            self.refuse("yaml-key-not-text", place, f"the key is the alias *{event.anchor}", "write the key out")
            raise _Stop
        if event.anchor not in self._anchors:
            self.refuse("yaml-unknown-alias", place, f"no anchor &{event.anchor} stands above", "write the value out")
            raise _Stop
        target = self._anchors[event.anchor]
        if target is None:
            self.refuse("yaml-alias-cycle", place, f"*{event.anchor} holds itself", "write the value out")
            raise _Stop
        value, nodes = target
        self._aliased += nodes
        if self._aliased > MOST_ALIASED_NODES:
            what = f"aliases expand to more than {MOST_ALIASED_NODES} values"
            self.refuse("yaml-alias-bomb", place, what, "write the values out")
            raise _Stop
        self._put(frame, value, place, None, nodes)

    def _put(self, frame: _Frame | None, value: Any, place: Position | None, anchor: str | None, nodes: int) -> None:
        """Puts a finished value where it belongs; containers recorded their place when they began."""
        if anchor:
            self._anchors[anchor] = (value, nodes)
        if place is not None and (frame is None or frame.is_kept):
            self.values[self._pointer(frame)] = place
        if frame is None:
            self.value = value
            return
        frame.nodes += nodes
        if isinstance(frame.value, list):
            frame.value.append(value)
            return
        if frame.is_kept:
            frame.value[frame.key] = value  # type: ignore[index]  # a key was read before its value
        frame.wants_key, frame.is_kept = True, True

    def _pointer(self, frame: _Frame | None) -> Pointer:
        if frame is None:
            return ()
        own: str | int | None = len(frame.value) if isinstance(frame.value, list) else frame.key
        return (*frame.pointer, own)  # type: ignore[arg-type]  # a key was read before its value

    def _refuse_tag(self, event: Any, place: Position) -> None:
        fix = "remove the tag; write a text in quotes where it could be read as a number"
        self.refuse("yaml-tag", place, f"tags are not allowed: {event.tag.replace('tag:yaml.org,2002:', '!!')}", fix)


_MAYBE_NOT_TEXT = frozenset("+-.0123456789nNtTfF~")


def _place(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1


def _number(match: re.Match[str]) -> int | float | None:
    """The number that was matched, or None where JSON could not carry it exactly."""
    text, kind = match.group(), match.lastgroup
    if kind == "odd" or len(text) > 400:
        return None
    if kind == "float":
        value = float(text)
        return value if math.isfinite(value) else None
    whole = int(text, {"int": 10, "oct": 8, "hex": 16}[kind or "int"])
    return whole if abs(whole) <= LARGEST_INTEGER else None


def _line(text: str, number: int) -> str:
    lines = text.split("\n", number)
    return lines[number - 1] if 0 < number <= len(lines) else ""


def _syntax_fix(problem: str, line: str) -> str:
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "indent with spaces, not with tabs"
    if "mapping values are not allowed" in problem:
        return "check the indentation, and quote texts that hold `: `"
    return "check indentation, quotes and brackets just above"
