"""What changed between two releases, field by field.

Rules, in order:

1. Parts come in the order behaviour, bars, about; within a part fields are sorted by name, lists go by place.
2. Mappings are compared key by key; in lists equal items are matched first, so an item put in front moves nothing.
3. A field that is on one side only is one change, whole. Texts of several lines carry their line-level hunks.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from llmops.documents import canonical
from llmops.documents.releases import Release

PARTS: Final = ("behaviour", "bars", "about")
_PLAIN_KEY: Final = re.compile(r"[A-Za-z_][\w-]*")


class Kind(StrEnum):
    """What happened to a field."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field that differs: its path (`behaviour.messages[0].content`), old and new value (None: not there).

    The place in a list is that of the new list, of the old one where an item was removed. `hunks` are unified diffs
    (`@@ -1,3 +1,4 @@` and its lines) where old and new are texts and one of them has several lines.
    """

    path: str
    kind: Kind
    part: str
    old: Any
    new: Any
    hunks: tuple[str, ...] = ()


def compare(old: Release | None, new: Release | None) -> tuple[Change, ...]:
    """Every field that differs between two releases; None stands for no release at all."""
    before, after = _parts(old), _parts(new)
    return tuple(change for part in PARTS for change in _mapping(part, part, before[part], after[part]))


def _parts(release: Release | None) -> Mapping[str, Mapping[str, Any]]:
    return {part: {} if release is None else getattr(release, part) for part in PARTS}


def _value(part: str, path: str, old: Any, new: Any) -> Iterator[Change]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        yield from _mapping(part, path, old, new)
    elif _is_list(old) and _is_list(new):
        yield from _list(part, path, old, new)
    elif not _equal(old, new):
        hunks = _hunks(old, new) if isinstance(old, str) and isinstance(new, str) else ()
        yield Change(path=path, kind=Kind.CHANGED, part=part, old=old, new=new, hunks=hunks)


def _mapping(part: str, path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for key in sorted({*old, *new}):
        place = f"{path}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{path}[{canonical.dumps(key).decode()}]"
        if key not in new:
            yield _removed(part, place, old[key])
        elif key not in old:
            yield _added(part, place, new[key])
        else:
            yield from _value(part, place, old[key], new[key])


def _list(part: str, path: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    before, after = ([canonical.dumps(item) for item in items] for items in (old, new))
    matcher = difflib.SequenceMatcher(a=before, b=after, autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        both = min(old_end - old_start, new_end - new_start)
        for step in range(both):
            place = f"{path}[{new_start + step}]"
            yield from _value(part, place, old[old_start + step], new[new_start + step])
        yield from (_removed(part, f"{path}[{place}]", old[place]) for place in range(old_start + both, old_end))
        yield from (_added(part, f"{path}[{place}]", new[place]) for place in range(new_start + both, new_end))


def _added(part: str, path: str, value: Any) -> Change:
    return Change(path=path, kind=Kind.ADDED, part=part, old=None, new=value)


def _removed(part: str, path: str, value: Any) -> Change:
    return Change(path=path, kind=Kind.REMOVED, part=part, old=value, new=None)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _equal(old: Any, new: Any) -> bool:
    """Equal as JSON: 1 and 1.0 are, 1 and true are not."""
    return canonical.dumps(old) == canonical.dumps(new)


def _hunks(old: str, new: str) -> tuple[str, ...]:
    before, after = old.split("\n"), new.split("\n")
    if len(before) == len(after) == 1:
        return ()
    lines = list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]
    starts = [place for place, line in enumerate(lines) if line.startswith("@@")]
    return tuple("\n".join(lines[start:end]) for start, end in zip(starts, [*starts[1:], len(lines)], strict=True))
