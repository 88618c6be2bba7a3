"""Which variables a template uses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import ChainableUndefined, Environment, meta, nodes

from llmops.documents import templates
from llmops.errors import CannotAsk

USED = (
    ("no names", {}),
    ("{{ a }}{{ b|default(c) }}", {"a": ("",), "b": ("",), "c": ("",)}),
    ("{{ user.address.city }}{{ user['name'] }}", {"user": ("address.city", "name")}),
    ("{{ xs[0].name }}{{ m[k] }}", {"k": ("",), "m": ("[]",), "xs": ("[].name",)}),
    ("{% if a %}{{ b }}{% elif c %}{{ d }}{% else %}{{ e }}{% endif %}", dict.fromkeys("abcde", ("",))),
    ("{% for c in contexts %}{{ c.text }}{{ loop.index }}{% endfor %}", {"contexts": ("", "[].text")}),
    ("{% for x in xs if x > n %}{{ x }}{% else %}{{ y }}{% endfor %}", {"n": ("",), "xs": ("", "[]"), "y": ("",)}),
    ("{% for x in xs %}{% endfor %}{{ x }}", {"x": ("",), "xs": ("",)}),
    ("{% for x in xs %}{% set y = x %}{% endfor %}{{ y }}", {"xs": ("", "[]"), "y": ("",)}),
    ("{% for k, v in pairs %}{{ k }}{{ v }}{% endfor %}", {"pairs": ("",)}),
    ("{% set x = a %}{{ x }}", {"a": ("",)}),
    ("{% set x = a.b %}{{ x.c }}", {"a": ("b", "b.c")}),
    ("{{ x }}{% set x = 1 %}", {"x": ("",)}),
    ("{% if a %}{% set x = 1 %}{% endif %}{{ x }}", {"a": ("",), "x": ("",)}),
    ("{% if a %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}", {"a": ("",)}),
    (
        "{% if a %}{% set x = 1 %}{% elif b %}{% set x = 3 %}{% else %}{% set x = 2 %}{% endif %}{{ x }}",
        {"a": ("",), "b": ("",)},
    ),
    ("{{ a if b else c }}{{ d ~ e + 'f' }}", dict.fromkeys("abcde", ("",))),
    ("{% raw %}{{ a }}{% endraw %}{# {{ b }} #}", {}),
)


@pytest.mark.parametrize(("source", "names"), USED)
def test_used_names_and_their_parts_are_found(source, names):
    assert templates.variables_of(source) == names


def test_names_of_a_broken_template_cannot_be_told():
    with pytest.raises(CannotAsk) as caught:
        templates.variables_of("line one\n{{ a")
    assert caught.value.code == "TEMPLATE_INVALID"
    assert caught.value.where == "line 2 of the template"


NAMES = ("a", "b", "c", "d")
EXPRESSIONS = ("{0}", "{0}.key", "{0}[{1}]", "({0} ~ {1})", "{0}|default({1})", "({0} if {1} else {0})")


@st.composite
def expressions(draw):
    names = draw(st.permutations(NAMES))
    return draw(st.sampled_from(EXPRESSIONS)).format(*names)


@st.composite
def sources(draw, depth=3):
    shape = draw(st.integers(0, 4 if depth else 1))
    if shape == 0:
        return f"{{{{ {draw(expressions())} }}}}"
    if shape == 1:
        return f"{{% set {draw(st.sampled_from(NAMES))} = {draw(expressions())} %}}"
    first, second = draw(sources(depth=depth - 1)), draw(sources(depth=depth - 1))
    if shape == 2:
        return first + second
    if shape == 3:
        return f"{{% if {draw(expressions())} %}}{first}{{% else %}}{second}{{% endif %}}"
    name = draw(st.sampled_from(NAMES))
    return f"{{% for {name} in {draw(expressions())} %}}{first}{{% else %}}{second}{{% endfor %}}"


@given(sources(), st.booleans())
def test_names_hold_what_is_read_and_only_what_jinja_looks_up(source, is_true):
    read = set()

    class Reading(ChainableUndefined):
        """A value that is not there, and notes that it was read."""

        def __str__(self):
            read.add(self._undefined_name)
            return ""

        def __bool__(self):
            read.add(self._undefined_name)
            return is_true

        def __iter__(self):
            read.add(self._undefined_name)
            return iter("x" if is_true else "")

    environment = Environment(undefined=Reading)
    environment.from_string(source).render()
    used = set(templates.variables_of(source))
    tree = environment.parse(source)
    # Jinja takes a name that is set only further down for a local one already in the loops above.
    stored = {name.name for name in tree.find_all(nodes.Name) if name.ctx == "store"}
    assert read & set(NAMES) <= used <= meta.find_undeclared_variables(tree) | stored
