"""`validate` of a plain prompt must not pay for what it does not need."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from llmops.documents import lint, project
from llmops.documents.trees import MemoryTree
prompt = b"prompt_name: a\\nversion: 1.0.0\\nmodel: m\\ntemplate: '{{ question }}'\\ntemprature: 1\\n"
findings = lint.check(project.load(MemoryTree({"prompts/a/prompt.yaml": prompt})))
assert [finding.rule for finding in findings] == ["prompt-schema"], findings
heavy = {"jsonschema", "numpy", "openai", "git", "rich", "typer", "asyncio", "jinja2"}
print(sorted(heavy & set(sys.modules)))
"""


def test_checking_a_prompt_imports_nothing_heavy() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)

    assert run.stdout.strip() == "[]"
