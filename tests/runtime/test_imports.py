"""Inside a service, llmops brings nothing but the standard library, PyYAML and Jinja2."""

from __future__ import annotations

import subprocess
import sys

from tests.runtime.checkouts import NAME, PROMPT_YAML, a_locked, lock, put, serve

# The C parts of PyYAML and MarkupSafe register helpers of their own.
ALLOWED = {"llmops", "yaml", "_yaml", "jinja2", "markupsafe", "cython_runtime"}
PROGRAM = """
import sys
before = set(sys.modules)
import llmops
assert "llmops.runtime" not in sys.modules, "importing llmops is cheap"
for which in ({"environment": "production"}, {"version": "1.0.0"}, {"version": "working"}):
    prompt = llmops.get_prompt(sys.argv[1], root=sys.argv[2], **which)
    prompt.render(question="Why?", who="Ada")
roots = {name.split(".")[0] for name in set(sys.modules) - before}
print(*sorted(name for name in roots - set(sys.stdlib_module_names) if not name.startswith("_cython")))
print(*sorted(name for name in sys.modules if name.startswith("llmops.")))
"""


def modules(root) -> tuple[set[str], set[str]]:
    release = a_locked()
    lock(root, release)
    serve(root, release)
    put(root, f"prompts/{NAME}/prompt.yaml", PROMPT_YAML.encode())
    run = subprocess.run([sys.executable, "-c", PROGRAM, NAME, str(root)], capture_output=True, text=True, check=True)
    outside, inside = run.stdout.splitlines()
    return set(outside.split()), set(inside.split())


def test_a_service_imports_no_other_library(root):
    outside, _ = modules(root)

    assert outside >= {"llmops", "yaml", "jinja2"}
    assert outside <= ALLOWED


def test_a_service_imports_no_room_that_touches_the_world(root):
    _, inside = modules(root)
    rooms = {name.split(".")[1] for name in inside}

    assert rooms == {"documents", "errors", "governance", "runtime"}


def test_what_the_package_does_not_have_is_an_attribute_error():
    program = "import llmops\ntry:\n    llmops.get_promt\nexcept AttributeError as error:\n    print(error)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "module 'llmops' has no attribute 'get_promt'"
