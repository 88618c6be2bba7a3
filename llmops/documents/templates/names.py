"""Which names a template takes from outside, and which parts of them.

A walk over the AST with the scopes of Jinja: a loop opens one (its target and what is set inside end with it), a
branch does not; a name is given only after all branches have set it. A loop's target, and a name set to another, stand
for what they were given, so that `{% for context in contexts %}{{ context.text }}` uses `contexts` and `[].text` of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from jinja2 import nodes

from llmops.documents.templates import allowlist
from llmops.documents.templates.values import Problem
from llmops.errors import CannotAsk

# A place a name stands for: the outer name and the path into it; None: a value the template made itself.
_Place = tuple[str, str] | None
_Scope = dict[str, _Place]


# Every case of a run and every call of a service renders the same few templates; reading one takes 100 µs.
@lru_cache(maxsize=256)
def variables_of(source: str) -> Mapping[str, tuple[str, ...]]:
    """Outer name → the parts of it that are used, both sorted. Raises: CannotAsk TEMPLATE_INVALID."""
    tree = allowlist.parse(source)
    if isinstance(tree, Problem):
        raise CannotAsk("TEMPLATE_INVALID", tree.message, where=f"line {tree.line} of the template", hint=tree.fix)
    uses = _Uses()
    _Walk(uses).statements(tree.body, {})
    return MappingProxyType({name: tuple(sorted(uses.paths[name])) for name in sorted(uses.paths)})


@dataclass(slots=True)
class _Uses:
    paths: dict[str, set[str]] = field(default_factory=dict)

    def add(self, place: _Place) -> None:
        if place is not None:
            self.paths.setdefault(place[0], set()).add(place[1])


@dataclass(slots=True)
class _Walk:
    uses: _Uses

    def statements(self, body: Iterable[nodes.Node], scope: _Scope) -> None:
        for node in body:
            self.statement(node, scope)

    def statement(self, node: nodes.Node, scope: _Scope) -> None:
        match node:
            case nodes.If():
                self._branches(node, scope)
            case nodes.For():
                self._loop(node, scope)
            case nodes.Assign():
                place = self.place(node.node, scope)
                is_alias = isinstance(node.target, nodes.Name)
                scope.update(dict.fromkeys(_stored(node.target), place if is_alias else None))
            case _:
                self.expressions(node, scope)

    def _branches(self, node: nodes.If, scope: _Scope) -> None:
        ends: list[_Scope] = []
        for branch in (node, *node.elif_):
            self.expressions(branch.test, scope)
            ends.append(self._after(branch.body, scope))
        ends.append(self._after(node.else_, scope))
        for name in set.intersection(*(set(end) for end in ends)):
            places = {end[name] for end in ends}
            scope[name] = places.pop() if len(places) == 1 else None

    def _after(self, body: Iterable[nodes.Node], scope: _Scope) -> _Scope:
        end = dict(scope)
        self.statements(body, end)
        return end

    def _loop(self, node: nodes.For, scope: _Scope) -> None:
        place = self.place(node.iter, scope)
        inner = dict(scope)
        item = (place[0], f"{place[1]}[]") if place and isinstance(node.target, nodes.Name) else None
        inner.update(dict.fromkeys(_stored(node.target), item))
        if node.test is not None:
            self.expressions(node.test, dict(inner))
        self.statements(node.body, {**inner, "loop": None})
        self.statements(node.else_, dict(scope))

    def expressions(self, node: nodes.Node, scope: _Scope) -> None:
        """Everything that is read within `node`."""
        if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
            self.place(node, scope)
            return
        for child in node.iter_child_nodes():
            self.expressions(child, scope)

    def place(self, node: nodes.Node, scope: _Scope) -> _Place:
        """The place that an expression reads, booked as used; None where it makes a new value."""
        place = self._find(node, scope)
        self.uses.add(place)
        return place

    def _find(self, node: nodes.Node, scope: _Scope) -> _Place:
        match node:
            case nodes.Name(name=str(name)):
                return scope.get(name, (name, ""))
            case nodes.Getattr(node=inner, attr=str(key)) | nodes.Getitem(node=inner, arg=nodes.Const(value=str(key))):
                return _into(self._find(inner, scope), f".{key}")
            case nodes.Getitem(node=inner, arg=key):
                self.expressions(key, scope)
                return _into(self._find(inner, scope), "[]")
        self.expressions(node, scope)
        return None


def _into(place: _Place, step: str) -> _Place:
    return None if place is None else (place[0], (place[1] + step).lstrip("."))


def _stored(target: nodes.Node) -> tuple[str, ...]:
    if isinstance(target, nodes.Name):
        return (target.name,)
    return tuple(name.name for name in target.find_all(nodes.Name))
