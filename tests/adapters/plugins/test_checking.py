"""A schema that takes for ever leaves its score missing, and the next one is checked."""

from __future__ import annotations

import asyncio
from typing import Any

from llmops.adapters.plugins.checking import SchemaChecker
from llmops.evaluation.plugins.promptfoo.asserts import Unmeasured, Verdict
from llmops.evaluation.plugins.promptfoo.measuring import Check
from llmops.evaluation.scoring import rules

HOSTILE = {"pattern": "^(a|aa)+$"}
LONG = '"' + "a" * 60 + '!"'


def _branching(depth: int) -> dict[str, Any]:
    parts = {f"d{at}": {"anyOf": [{"$ref": f"#/$defs/d{at + 1}"}] * 2} for at in range(depth)}
    return {"$defs": {**parts, f"d{depth}": False}, "$ref": "#/$defs/d0"}


async def test_a_pattern_that_takes_for_ever_is_missing_and_the_next_answer_is_checked() -> None:
    checker = SchemaChecker(seconds=1)
    slow, quick = await asyncio.gather(checker.json_valid(LONG, HOSTILE), checker.json_valid('"a"', HOSTILE))
    assert (slow.value, slow.reason) == (None, "the schema was not checked within 1 s")
    assert quick.value == 1
    await checker.close()


async def test_branches_without_end_are_missing() -> None:
    checker = SchemaChecker(seconds=1)
    assert (await checker.json_valid("1", _branching(40))).reason == "the schema was not checked within 1 s"
    await checker.close()


async def test_what_is_checked_is_what_the_rule_says() -> None:
    checker = SchemaChecker()
    schema = {"properties": {"a": {"pattern": "^x+$"}}, "$defs": {"b": {"$ref": "#"}}}
    for answer in ('{"a": "xx"}', '{"a": "y"}', "no", "[" * 2000, "\ud800"):
        assert await checker.json_valid(answer, schema) == rules.json_valid(answer, schema)
    assert await checker.json_valid("1", {"$ref": "#"}) == rules.json_valid("1", {"$ref": "#"})
    await checker.close()


async def test_asserts_on_json_have_the_same_deadline() -> None:
    checker = SchemaChecker(seconds=1)
    found = await checker.check(Check(kind="is-json", answer=LONG, schema=HOSTILE, is_inverse=True))
    assert found == Unmeasured(reason="the schema was not checked within 1 s")
    text = 'so {"a": "x"} it is'
    fits = Check(kind="contains-json", answer=text, schema={"required": ["a"]}, is_inverse=False)
    assert await checker.check(fits) == Verdict(passed=True, score=1)
    await checker.close()


async def test_a_check_that_is_cancelled_leaves_no_process() -> None:
    checker = SchemaChecker(seconds=60)
    assert (await checker.json_valid('"a"', HOSTILE)).value == 1
    process = checker._worker._process
    task = asyncio.create_task(checker.json_valid(LONG, HOSTILE))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task])
    assert process is not None
    assert process.poll() is not None
    await checker.close()
