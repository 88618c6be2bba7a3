"""What templates are refused for, and what is let through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import templates
from llmops.errors import CannotAsk

REFUSED = {
    "{{ 'A' * 10**9 }}": "arithmetic",
    "{{ 10 ** 9 }}": "arithmetic",
    "{{ 7 - 1 }}": "arithmetic",
    "{{ 7 / 1 }}": "arithmetic",
    "{{ 7 // 1 }}": "arithmetic",
    "{{ '%100000000s' % 'x' }}": "arithmetic",
    "{{ 'x'|center(100000000) }}": "filter 'center'",
    "{{ 'x'|format('y') }}": "filter 'format'",
    "{{ x|attr('__class__') }}": "filter 'attr'",
    "{{ x|map('upper') }}": "filter 'map'",
    "{{ x|indent(*y) }}": "one by one",
    "{{ x|indent(**y) }}": "one by one",
    "{{ x|indent(1, 2, 3, 4) }}": "does not take these arguments",
    "{{ x|replace('a') }}": "does not take these arguments",
    "{{ x|trim(chars='a') }}": "does not take these arguments",
    "{% filter upper %}x{% endfilter %}": "macro or block",
    "{% include 'other' %}": "another template",
    "{% import 'other' as other %}": "another template",
    "{% from 'other' import thing %}": "another template",
    "{% extends 'other' %}": "another template",
    "{% macro m() %}x{% endmacro %}": "macro",
    "{% block b %}x{% endblock %}": "block",
    "{% call m() %}x{% endcall %}": "call",
    "{% set x %}text{% endset %}": "block",
    "{% set x.y = 1 %}": "assignment to an attribute",
    "{% with x = 1 %}{{ x }}{% endwith %}": "with",
    "{% autoescape true %}x{% endautoescape %}": "not allowed",
    "{{ x.__class__ }}": "attribute '__class__' begins with an underscore",
    "{{ x['__class__'] }}": "key '__class__' begins with an underscore",
    "{{ x._private }}": "underscore",
    "{{ _x }}": "name '_x' begins with an underscore",
    "{% set _x = 1 %}": "underscore",
    "{% for _x in y %}{% endfor %}": "underscore",
    "{{ self }}": "name 'self'",
    "{{ caller }}": "name 'caller'",
    "{{ f() }}": "a call",
    "{{ x.upper() }}": "a call",
    "{{ range(10) }}": "a call",
    "{{ loop.cycle(1, 2) }}": "a call",
    "{{ x[1:2] }}": "a slice",
    "{{ {'a': 1} }}": "a mapping written",
    "{{ [x, x] }}": "holds only texts and numbers",
    "{{ (x, x) }}": "holds only texts and numbers",
    "{% for x in y recursive %}{% endfor %}": "recursive",
    "{% if x is divisibleby(3) %}{% endif %}": "test 'is divisibleby'",
    "{% if x is callable %}{% endif %}": "test 'is callable'",
    "{% do x %}": "unknown tag",
    "{{ x": "not a template",
    "{% if x %}": "not a template",
    "{{ " + "1" * 5000 + " }}": "not a template",
    "{{ " + "(" * 5000 + "x" + ")" * 5000 + " }}": "nests deeper",
    "{{ " + "not " * 200 + "x }}": "nests deeper",
    "{{ x" + " + x" * 200 + " }}": "nests deeper",
    "x" * 200_001: "200001 characters",
}


@pytest.mark.parametrize("source", REFUSED, ids=lambda source: source[:40])
def test_template_is_refused_before_it_runs(source):
    messages = [problem.message for problem in templates.check(source)]
    assert any(REFUSED[source] in message for message in messages), messages
    with pytest.raises(CannotAsk) as caught:
        templates.render(source, {"x": "value", "y": [], "f": str})
    assert caught.value.code == "TEMPLATE_INVALID"


ALLOWED = (
    "Plain text, even with { braces } and 100 %.",
    "{{ a }} {{ a.b }} {{ a['b'] }} {{ a[0] }}",
    "{% if a == 1 and not b or c != 2 %}x{% elif d in ['x', 'y'] %}y{% else %}z{% endif %}",
    "{% for x in xs if x > 1 %}{{ loop.index }}: {{ x }}{% else %}none{% endfor %}",
    "{% for key, value in pairs %}{{ key }}{% endfor %}",
    "{% set x = a + 1 %}{{ x ~ '!' }}",
    "{{ 'yes' if a else 'no' }} {{ -1 }}",
    "{% raw %}{{ literal }}{% endraw %}{# comment #}",
    "{{ a|default('x', true)|upper|lower|trim|replace('a', 'b')|indent(2)|length }}",
    "{{ a|join(', ', attribute='b') }}{{ a|first }}{{ a|last }}{{ b|round(1, 'ceil') }}{{ c|tojson(indent=2) }}",
    "{% if a is defined and b is not none and c is undefined %}x{% endif %}",
)


@pytest.mark.parametrize("source", ALLOWED)
def test_template_is_let_through(source):
    assert templates.check(source) == ()


def test_problem_names_line_column_and_remedy():
    (problem,) = templates.check("Hello\n{{ name|uper }}")
    assert (problem.line, problem.column) == (2, 9)
    assert problem.message == "the filter 'uper' is not allowed"
    assert problem.fix.startswith("did you mean 'upper'?")


def test_all_problems_are_reported_in_the_order_of_lines():
    problems = templates.check("{{ a() }}\n{{ _b }}\n{{ c * 2 }}")
    assert [problem.line for problem in problems] == [1, 2, 3]


@given(st.text(alphabet="{}%# \n'\"ab_.[]()|~+-*=<>,:forinsetdef0123", max_size=60))
def test_check_never_raises_and_what_it_passes_renders_or_says_why(source):
    is_refused = bool(templates.check(source))
    try:
        templates.render(source, {"a": {"b": [1, "x"]}, "b": "text"})
        code = ""
    except CannotAsk as error:
        code = error.code
    assert (code == "TEMPLATE_INVALID") == is_refused
