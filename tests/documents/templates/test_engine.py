"""What templates render to, and where they are stopped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents import templates
from llmops.documents.templates import Limits, NumberedPassages
from llmops.errors import CannotAsk

SMALL = Limits(output=1000, passes=100, work=10_000)


def refusal(source, values=None, limits=SMALL):
    assert templates.check(source) == ()
    with pytest.raises(CannotAsk) as caught:
        templates.render(source, values or {}, limits)
    return caught.value


DOUBLED = "{% set s = 'aaaaaaaaaa' %}" + "{% set s = s ~ s %}" * 40
ADDED = "{% set s = 'aaaaaaaaaa' %}" + "{% set s = s + s %}" * 40

STOPPED = {
    DOUBLED + "{{ s }}": "TEMPLATE_TOO_LONG",
    DOUBLED: "TEMPLATE_TOO_LONG",
    ADDED: "TEMPLATE_TOO_LONG",
    "{% set s = xs %}" + "{% set s = s + s %}" * 40: "TEMPLATE_TOO_LONG",
    "{% set n = 9007199254740991 %}{{ n + n }}": "TEMPLATE_TYPE",
    "{{ text|replace('', text) }}": "TEMPLATE_TOO_LONG",
    "{{ text|replace('a', text)|replace('a', text) }}": "TEMPLATE_TOO_LONG",
    "{{ text|replace('a', 'b', 0.5) }}": "TEMPLATE_TYPE",
    "{{ xs|join(text) }}": "TEMPLATE_TOO_LONG",
    "{{ lines|indent(32) }}": "TEMPLATE_TOO_LONG",
    "{{ text|indent(100000000) }}": "TEMPLATE_TYPE",
    "{{ text|indent('    ') }}": "TEMPLATE_TYPE",
    "{{ xs|tojson(indent=1000000) }}": "TEMPLATE_TYPE",
    "{{ [1, 2]|tojson(indent=true) }}": "TEMPLATE_TYPE",
    "{{ 1.5|round(10000) }}": "TEMPLATE_TYPE",
    "{{ 1.5|round(1, 'magic') }}": "TEMPLATE_TYPE",
    "{{ text|round }}": "TEMPLATE_TYPE",
    "{% for a in xs %}{% for b in xs %}x{% endfor %}{% endfor %}": "TEMPLATE_TOO_MANY_PASSES",
    "{% for a in xs %}{% for b in xs %}{% endfor %}{% endfor %}": "TEMPLATE_TOO_MANY_PASSES",
    "{% for a in text %}{{ text }}{% endfor %}": "TEMPLATE_TOO_MANY_PASSES",
    "{% for a in xs %}" + "{% if text == text %}{% endif %}" * 50 + "{% endfor %}": "TEMPLATE_TOO_MUCH_WORK",
    "{% for a in xs %}" + "{% if a %}{% endif %}" * 400 + "{% endfor %}": "TEMPLATE_TOO_MUCH_WORK",
    "{% for a in xs %}{% set b = text|upper|lower %}{% endfor %}": "TEMPLATE_TOO_MUCH_WORK",
    "{% for a in xs %}{{ text }}{% endfor %}": "TEMPLATE_TOO_LONG",
    "{{ text }}{{ text }}{{ text }}": "TEMPLATE_TOO_LONG",
    "{{ passages }}{{ passages }}{{ passages }}": "TEMPLATE_TOO_LONG",
    "{% for a in 7 %}{% endfor %}": "TEMPLATE_TYPE",
    "{{ 7|length }}": "TEMPLATE_TYPE",
    "{{ text + 1 }}": "TEMPLATE_TYPE",
    "{{ true + 1 }}": "TEMPLATE_TYPE",
    "{{ text < 1 }}": "TEMPLATE_TYPE",
    "{{ 1 in 1 }}": "TEMPLATE_TYPE",
    "{{ -text }}": "TEMPLATE_TYPE",
    "{{ none }}": "TEMPLATE_TYPE",
    "{{ deep }}": "TEMPLATE_TYPE",
    "{{ '\\ud800' }}": "TEMPLATE_TYPE",
    "{% for a in xs %}{{ loop }}{% endfor %}": "TEMPLATE_TYPE",
    "{% for a in xs %}{{ loop.depth }}{% endfor %}": "TEMPLATE_UNDEFINED",
    "{{ missing }}": "TEMPLATE_UNDEFINED",
    "{{ missing ~ 'x' }}": "TEMPLATE_UNDEFINED",
    "{{ missing + 1 }}": "TEMPLATE_UNDEFINED",
    "{{ missing == 1 }}": "TEMPLATE_UNDEFINED",
    "{% if missing %}x{% endif %}": "TEMPLATE_UNDEFINED",
    "{% for a in missing %}x{% endfor %}": "TEMPLATE_UNDEFINED",
    "{{ mapping.missing }}": "TEMPLATE_UNDEFINED",
    "{{ mapping.missing.further }}": "TEMPLATE_UNDEFINED",
    "{{ mapping.keys }}": "TEMPLATE_UNDEFINED",
    "{{ mapping.items }}": "TEMPLATE_UNDEFINED",
    "{{ text.upper }}": "TEMPLATE_UNDEFINED",
    "{{ text[0] }}": "TEMPLATE_UNDEFINED",
    "{{ xs[99] }}": "TEMPLATE_UNDEFINED",
    "{{ xs[true] }}": "TEMPLATE_UNDEFINED",
    "{{ ''|first }}": "TEMPLATE_UNDEFINED",
    "{{ range }}": "TEMPLATE_UNDEFINED",
    "{{ dict }}": "TEMPLATE_UNDEFINED",
    "{{ namespace }}": "TEMPLATE_UNDEFINED",
}


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("source", STOPPED, ids=lambda source: source[:60])
def test_template_is_stopped(source):
    values = {
        "text": "a" * 400,
        "lines": "a\n" * 200,
        "xs": list(range(50)),
        "mapping": {"street": "Elm"},
        "none": None,
        "deep": nested(100),
        "passages": NumberedPassages([{"id": "p#s", "text": "a" * 400, "number": 1}]),
    }
    assert refusal(source, values).code == STOPPED[source]


def test_fan_of_shared_lists_is_measured_before_it_is_printed():
    value = ["leaf"]
    for _ in range(30):
        value = [value, value]
    assert refusal("{{ value }}", {"value": value}).code == "TEMPLATE_TOO_MUCH_WORK"
    assert refusal("{{ value == 1 }}", {"value": value}).code == "TEMPLATE_TOO_MUCH_WORK"


def test_limits_are_reached_exactly():
    assert templates.render("{{ a }}", {"a": "x" * 1000}, SMALL) == "x" * 1000
    assert refusal("{{ a }}", {"a": "x" * 1001}).code == "TEMPLATE_TOO_LONG"
    assert templates.render("{% for a in xs %}{% endfor %}", {"xs": [0] * 100}, SMALL) == ""
    assert refusal("{% for a in xs %}{% endfor %}", {"xs": [0] * 101}).code == "TEMPLATE_TOO_MANY_PASSES"


def test_refusal_names_the_line_and_what_there_is():
    error = refusal("Dear {{ user.name }},\n\n{{ user.street }}", {"user": {"name": "Ann", "city": "Rye"}})
    assert error.where == "line 3 of the template"
    assert error.what == "'street' is not in a mapping with city, name"


RENDERED = (
    ("Hello {{ name }}!", {"name": "Ann"}, "Hello Ann!"),
    ("{{ a }} {{ b }} {{ c }}", {"a": 1, "b": 0.5, "c": True}, "1 0.5 True"),
    ("{{ a }}", {"a": {"b": [1, "ü"]}}, '{"b": [1, "ü"]}'),
    ("{{ a.items }} {{ a['b c'] }}", {"a": {"items": 1, "b c": 2}}, "1 2"),
    ("{{ xs[0] }}{{ xs[-1] }}", {"xs": [1, 2]}, "12"),
    ("{{ a + 1 }} {{ a + 0.5 }} {{ 'x' + 'y' }} {{ xs + xs }}", {"a": 1, "xs": [1]}, "2 1.5 xy [1, 1]"),
    ("{{ a ~ 1 ~ 'b' }}", {"a": "x"}, "x1b"),
    (
        "{% for x in xs if x != 2 %}{{ loop.index }}/{{ loop.length }}:{{ x }} {% endfor %}",
        {"xs": [1, 2, 3]},
        "1/2:1 2/2:3 ",
    ),
    ("{% for x in xs %}{{ loop.previtem|default('-') }}{% endfor %}", {"xs": [1, 2]}, "-1"),
    ("{% for x in xs %}{{ x }}{% else %}none{% endfor %}", {"xs": []}, "none"),
    ("{% for k in m %}{{ k }}={{ m[k] }};{% endfor %}", {"m": {"a": 1, "b": 2}}, "a=1;b=2;"),
    ("{% for k, v in pairs %}{{ k }}{{ v }}{% endfor %}", {"pairs": [["a", 1], ["b", 2]]}, "a1b2"),
    ("{% if 1 < a <= 3 and 'x' in t %}in{% endif %}", {"a": 3, "t": "xyz"}, "in"),
    ("{{ 'y' if a is defined else 'n' }}{{ 'y' if b is defined else 'n' }}", {"a": None}, "yn"),
    ("{{ missing|default('d') }}{{ ''|default('e', true) }}{{ m.x|default('f') }}", {"m": {}}, "def"),
    ("{{ xs|join(', ') }}|{{ ps|join('/', attribute='n') }}", {"xs": [1, "a"], "ps": [{"n": 1}, {"n": 2}]}, "1, a|1/2"),
    ("{{ 'aXa'|lower|upper|trim|replace('A', 'b', 1) }}", {}, "bXA"),
    ("{{ xs|first }}{{ xs|last }}{{ xs|length }}{{ 'abc'|length }}", {"xs": [7, 8]}, "7823"),
    (
        "{{ 2.5|round }} {{ 2.345|round(2) }} {{ 2.1|round(0, 'ceil') }} {{ 2.9|round(method='floor') }}",
        {},
        "2.0 2.35 3.0 2.0",
    ),
    ("{{ 'a\n\nb'|indent }}", {}, "a\n\n    b"),
    ("{{ 'a\n\nb'|indent(2, true, true) }}", {}, "  a\n  \n  b"),
    ("{{ m|tojson }}", {"m": {"b": "<ü>", "a": None}}, '{"a": null, "b": "<ü>"}'),
    ("{{ [1, 2]|tojson(indent=1) }}", {}, "[\n 1,\n 2\n]"),
    ("{% raw %}{{ a }}{% endraw %}{# no #}", {}, "{{ a }}"),
)


@pytest.mark.parametrize(("source", "values", "text"), RENDERED)
def test_template_renders(source, values, text):
    assert templates.render(source, values) == text


def test_passages_are_printed_whole_or_one_by_one():
    passages = NumberedPassages(
        [{"id": "a#b", "text": "One.", "number": 1}, {"id": "c#d", "text": "Two.", "number": 2}]
    )
    assert templates.render("{{ contexts }}", {"contexts": passages}) == "[1] One.\n\n[2] Two."
    each = "{% for context in contexts %}[{{ context.number }}] {{ context.id }} {{ context.text }};{% endfor %}"
    assert templates.render(each, {"contexts": passages}) == "[1] a#b One.;[2] c#d Two.;"


def test_python_objects_give_nothing_away():
    class Secret:
        password = "hunter2"

    assert refusal("{{ secret.password }}", {"secret": Secret()}).code == "TEMPLATE_UNDEFINED"
    assert refusal("{{ secret }}", {"secret": Secret()}).code == "TEMPLATE_TYPE"


@given(st.text())
def test_text_without_braces_renders_as_it_is(text):
    text = text.replace("{", "(").replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")
    assert templates.render(text, {}) == text


@given(st.text() | st.sampled_from(["{{ 7 * 7 }}", "{% for x in y %}", "{# gone #}", "{{ secret }}"]))
def test_values_are_never_read_as_templates(value):
    assert templates.render("[{{ value }}]", {"value": value, "secret": "s"}) == f"[{value}]"
    assert templates.render("[{{ v.w[0] ~ '' }}]", {"v": {"w": [value]}, "secret": "s"}) == f"[{value}]"
