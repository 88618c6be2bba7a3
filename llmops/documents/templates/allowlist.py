"""Which templates are let through: an allow-list on the parsed AST, held before anything is compiled.

Rules, in order:

1. The source is at most 200,000 characters, parses, and nests at most 40 levels (Python's own compiler gives up on
   deep nesting with errors that name nothing).
2. Every node is of a kind listed here; what is not listed is refused, whatever Jinja may learn later.
3. No name, key or attribute begins with an underscore; `self`, `super`, `caller`, `varargs` and `kwargs` are no names.
4. Filters are the twelve of `filters`, with arguments that fit them; tests are `defined`, `undefined`, `none`.
"""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Iterator
from typing import Final

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from llmops.documents.templates.filters import FILTERS
from llmops.documents.templates.values import Problem

LONGEST_SOURCE: Final = 200_000
DEEPEST_NESTING: Final = 40
TESTS: Final = ("defined", "undefined", "none")

_ALLOWED: Final = frozenset(
    {
        *("Template", "Output", "TemplateData", "If", "For", "Assign"),
        *("Name", "Const", "Getattr", "Getitem", "Tuple", "List", "Filter", "Keyword", "Test"),
        *("Compare", "Operand", "And", "Or", "Not", "Neg", "Pos", "Add", "Concat", "CondExpr"),
    }
)
_NOT_NAMES: Final = ("self", "super", "caller", "varargs", "kwargs")

_CALL = ("a call", "pass the value in as a variable; templates only place values")
_ARITHMETIC = ("arithmetic other than `+`", "compute the value outside and pass it in as a variable")
_OTHER_FILE = ("another template", "write the text into this template: a prompt is one file")
_MACRO = ("a macro or block", "write the text where it is needed")
_REFUSED: Final = {
    "Call": _CALL,
    "CallBlock": _CALL,
    **dict.fromkeys(("Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"), _ARITHMETIC),
    **dict.fromkeys(("Include", "Import", "FromImport", "Extends"), _OTHER_FILE),
    **dict.fromkeys(("Macro", "Block", "FilterBlock", "AssignBlock"), _MACRO),
    "With": ("`with`", "use `{% set name = value %}`"),
    "Slice": ("a slice", "pass a shorter list in as a variable"),
    "Dict": ("a mapping written in the template", "pass the mapping in as a variable"),
    "NSRef": ("an assignment to an attribute", "use `{% set name = value %}`"),
}

# Used to parse only: nothing is ever compiled or rendered in it.
_PARSER: Final = ImmutableSandboxedEnvironment()


def check(source: str) -> tuple[Problem, ...]:
    """Every reason why `source` is refused, by line."""
    tree = parse(source)
    if isinstance(tree, Problem):
        return (tree,)
    found = dict.fromkeys(_problems(tree, source.splitlines()))
    return tuple(sorted(found, key=lambda problem: (problem.line, problem.column, problem.message)))


def parse(source: str) -> nodes.Template | Problem:
    """The AST of `source`, not yet held against the list; or why there is none."""
    if len(source) > LONGEST_SOURCE:
        message = f"the template has {len(source)} characters, at most {LONGEST_SOURCE} are allowed"
        return Problem(line=1, column=0, message=message, fix="move what varies into variables or into the knowledge")
    try:
        tree = _PARSER.parse(source)
    except TemplateSyntaxError as error:
        message = f"not a template: {error.message or 'syntax error'}"
        return Problem(line=error.lineno, column=0, message=message, fix=_fix_of_syntax(message))
    except (ValueError, OverflowError) as error:
        return Problem(line=1, column=0, message=f"not a template: {error}", fix="write a smaller number")
    except RecursionError:
        return _too_deep(1)
    deepest = next((node for node, depth in _walk(tree) if depth > DEEPEST_NESTING), None)
    return tree if deepest is None else _too_deep(deepest.lineno)


def _too_deep(line: int) -> Problem:
    message = f"the template nests deeper than {DEEPEST_NESTING} levels"
    return Problem(line=line, column=0, message=message, fix="split the expression with `{% set name = value %}`")


def _fix_of_syntax(message: str) -> str:
    if "unknown tag" in message:
        return "templates know the tags if, for, set and raw"
    return "write literal braces as {{ '{{' }}, or between {% raw %} and {% endraw %}"


def _walk(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """Every node with its depth, without recursion: hostile templates nest deeper than Python does."""
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        for child in node.iter_child_nodes():
            child.lineno = child.lineno or node.lineno  # the scopes that Jinja adds stand nowhere
            waiting.append((child, depth + 1))


def _problems(tree: nodes.Template, lines: list[str]) -> Iterator[Problem]:
    for node, _ in _walk(tree):
        for needle, message, fix in _of_node(node):
            line = lines[node.lineno - 1] if 0 < node.lineno <= len(lines) else ""
            yield Problem(line=node.lineno, column=_column(line, needle), message=message, fix=fix)


def _column(line: str, needle: str) -> int:
    """Where `needle` stands as a word of its own: Jinja's nodes know their line only."""
    found = re.search(rf"(?<!\w){re.escape(needle)}(?!\w)", line) if needle else None
    return found.start() + 1 if found else 0


def _of_node(node: nodes.Node) -> Iterator[tuple[str, str, str]]:
    kind = type(node).__name__
    if kind not in _ALLOWED:
        what, fix = _REFUSED.get(kind, (f"`{kind.lower()}`", "templates know if, for, set, comparisons and filters"))
        yield _needle_of(node), f"{what} is not allowed in a template", fix
    match node:
        case nodes.Name():
            yield from _of_name(node.name, "name")
        case nodes.Getattr():
            yield from _of_name(node.attr, "attribute")
        case nodes.Getitem(arg=nodes.Const(value=str(key))):
            yield from _of_name(key, "key")
        case nodes.Filter():
            yield from _of_filter(node)
        case nodes.Test():
            yield from _of_test(node)
        case nodes.For(recursive=True):
            yield "recursive", "a recursive loop is not allowed in a template", "write one loop inside the other"
        case nodes.List() | nodes.Tuple(ctx="load"):
            yield from _of_list(node)


def _needle_of(node: nodes.Node) -> str:
    match node:
        case nodes.Call(node=nodes.Name(name=str(name)) | nodes.Getattr(attr=str(name))):
            return name
        case nodes.Include() | nodes.Import() | nodes.Extends() | nodes.Macro() | nodes.Block() | nodes.With():
            return type(node).__name__.lower()
        case nodes.FromImport():
            return "from"
    return ""


def _of_name(name: str, what: str) -> Iterator[tuple[str, str, str]]:
    if name.startswith("_"):
        yield name, f"the {what} '{name}' begins with an underscore", "only variables and their keys can be read"
    elif what == "name" and name in _NOT_NAMES:
        yield name, f"the name '{name}' is not allowed in a template", "give the variable another name"


def _of_filter(node: nodes.Filter) -> Iterator[tuple[str, str, str]]:
    known = FILTERS.get(node.name)
    if known is None:
        near = difflib.get_close_matches(node.name, FILTERS, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        yield node.name, f"the filter '{node.name}' is not allowed", f"{hint}filters are {', '.join(FILTERS)}"
        return
    if node.node is None or node.dyn_args is not None or node.dyn_kwargs is not None:
        yield node.name, f"the filter '{node.name}' takes its arguments one by one", "write each argument out"
        return
    named: dict[str, nodes.Expr] = {str(each.key): each.value for each in node.kwargs}
    try:
        inspect.signature(known).bind(None, node.node, *node.args, **named)
    except TypeError as error:
        yield node.name, f"the filter '{node.name}' does not take these arguments: {error}", _usage(node.name)


def _usage(name: str) -> str:
    parameters = list(inspect.signature(FILTERS[name]).parameters.values())[2:]
    shown = [each.name if each.default is each.empty else f"{each.name}={each.default!r}" for each in parameters]
    return f"write {name}({', '.join(shown)})"


def _of_test(node: nodes.Test) -> Iterator[tuple[str, str, str]]:
    if node.name not in TESTS or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
        yield node.name, f"the test 'is {node.name}' is not allowed", f"tests are {', '.join(TESTS)}; else use =="


def _of_list(node: nodes.List | nodes.Tuple) -> Iterator[tuple[str, str, str]]:
    # Lists of names could be nested by `set` until their printed form is larger than any memory.
    if not all(isinstance(item, nodes.Const) for item in node.items):
        yield "", "a list in a template holds only texts and numbers", "pass the list in as a variable"
