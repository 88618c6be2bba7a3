"""How a template is rendered: Jinja's sandbox with everything metered.

Rules, in order:

1. Only what `allowlist` lets through is compiled.
2. Before compiling, `~`, `+`, comparisons and what loops go through are replaced by metered steps: Jinja would run
   them as plain Python. Constants are never folded: folding would run filters without a meter.
3. `.name` and `[key]` resolve to keys of mappings, indexes of lists, and the fields of `loop`; to nothing else.
4. Output is summed while it is produced, and stops at its limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, cast

from jinja2 import StrictUndefined, Template, TemplateError, Undefined, UndefinedError, nodes
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from llmops.documents.templates import allowlist, filters
from llmops.documents.templates.values import Limits, Problem
from llmops.errors import CannotAsk

LOOP_FIELDS: Final = frozenset(
    ("index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem")
)
_FILE: Final = "<prompt template>"


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox: no loader, no globals, no Python attributes."""

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, optimized=False, autoescape=False, finalize=filters.text_of)
        self.globals.clear()
        self.filters = {**filters.FILTERS, **filters.STEPS}
        self.tests = {name: self.tests[name] for name in allowlist.TESTS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext):
            return getattr(obj, attribute) if attribute in LOOP_FIELDS else self._nothing("loop", attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Undefined):
            str(obj)  # raises, and names what is missing
        if isinstance(obj, Mapping) and isinstance(argument, str):
            return obj[argument] if argument in obj else self._nothing(_shown_keys(obj), argument)
        if isinstance(obj, list | tuple) and isinstance(argument, int) and not isinstance(argument, bool):
            return obj[argument] if -len(obj) <= argument < len(obj) else self._nothing("a shorter list", argument)
        return self._nothing(filters.kind_of(obj), argument)

    def _nothing(self, holder: str, key: Any) -> Undefined:
        shown = repr(key) if isinstance(key, str | int) else filters.kind_of(key)
        return self.undefined(hint=f"{shown} is not in {holder}")


def _shown_keys(mapping: Mapping[Any, Any]) -> str:
    keys = sorted(map(str, mapping))
    return f"a mapping with {', '.join(keys[:5]) or 'no keys'}{', …' if len(keys) > 5 else ''}"


class _Metered(NodeTransformer):
    """Puts the metered steps in place."""

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _step(node, "concatenate", *node.nodes)

    def visit_Add(self, node: nodes.Add) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _step(node, "add", node.left, node.right)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.expr = _step(node, "weigh", node.expr)
        return node

    def visit_Operand(self, node: nodes.Operand) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        node.expr = _step(node, "weigh", node.expr)
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        weight = 1 + sum(1 for part in node.iter_child_nodes(only=("body", "test")) for _ in part.find_all(nodes.Node))
        self.generic_visit(node)
        node.iter = _step(node, "count passes", cast("nodes.Expr", node.iter), nodes.Const(weight, lineno=node.lineno))
        return node


def _step(place: nodes.Node, name: str, first: nodes.Expr, *others: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(first, name, list(others), [], None, None, lineno=place.lineno)


@lru_cache(maxsize=1)
def _environment() -> _Environment:
    return _Environment()


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    problems = allowlist.check(source)
    if problems:
        raise _refusal(problems)
    tree = _Metered().visit(cast("nodes.Template", allowlist.parse(source)))
    environment = _environment()
    try:
        code = environment.compile(tree.set_environment(environment), filename=_FILE)
    except (TemplateError, SyntaxError, RecursionError, MemoryError) as error:
        hint = "write it in simpler steps"
        raise CannotAsk("TEMPLATE_INVALID", f"the template cannot be compiled: {error}", hint=hint) from error
    return Template.from_code(environment, code, {})


def _refusal(problems: tuple[Problem, ...]) -> CannotAsk:
    first, more = problems[0], len(problems) - 1
    what = first.message + (f", and {more} more problem{'s' if more > 1 else ''}" if more else "")
    return CannotAsk("TEMPLATE_INVALID", what, where=f"line {first.line} of the template", hint=first.fix)


def render(source: str, values: Mapping[str, Any], limits: Limits) -> str:
    """The text that `source` gives for `values`. Raises: CannotAsk TEMPLATE_…"""
    template = _compiled(source)
    meter = filters.Meter(limits)
    context = template.new_context({**values, filters.METER: meter}, shared=True)
    try:
        text = "".join(filters.chunks_within(template.root_render_func(context), limits, meter))
        text.encode("utf-8")
    except (UndefinedError, TypeError, ValueError, RecursionError, filters.LimitReached) as error:
        raise _failure(error, template) from error
    return text


def _failure(error: Exception, template: Template) -> CannotAsk:
    where = _place(error.__traceback__, template)
    match error:
        case filters.LimitReached():
            hint = "shorten the values or the loops: a prompt this large fits no model"
            return CannotAsk(error.code, f"the template takes too much: {error}", where=where, hint=hint)
        case UndefinedError():
            hint = "declare it under `variables`, give it a value, or write default('…')"
            return CannotAsk("TEMPLATE_UNDEFINED", str(error.message), where=where, hint=hint)
        case UnicodeEncodeError():
            hint = "write the character itself"
            return CannotAsk("TEMPLATE_TYPE", "the text holds half of a surrogate pair", where=where, hint=hint)
    hint = "pass a value of the kind that the template expects"
    return CannotAsk("TEMPLATE_TYPE", f"a value does not fit: {error}", where=where, hint=hint)


def _place(traceback: TracebackType | None, template: Template) -> str:
    line = 0
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == _FILE:
            line = template.get_corresponding_lineno(traceback.tb_lineno)
        traceback = traceback.tb_next
    return f"line {line} of the template" if line else "the template"
