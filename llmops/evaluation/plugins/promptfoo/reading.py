"""An assertion file, taken apart.

Rules, in order:

1. The file is YAML or JSON and comes through the strict door: a list of asserts, or a mapping with `assert`,
   `defaultTest` and `tests` as in a promptfoo configuration. Anything else in it is none of a metric's business.
2. Taken is what applies to every case: `assert`, `defaultTest.assert`, and asserts that stand in each of `tests`
   (where there is one test without `vars`, all of its). `$ref: "#/assertionTemplates/…"` is followed.
3. What is taken but malformed is a finding with its line. What has no counterpart is left, with the reason: code,
   transforms of the answer, prompts and providers of its own.
4. `file://` names a schema or text beside the file, inside the repository; a script is code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llmops.documents import canonical
from llmops.documents.reading import yaml_door
from llmops.documents.reading.parsed import Parsed, Pointer
from llmops.errors import Finding, InvalidDocuments, Severity
from llmops.evaluation.plugins.promptfoo.asserts import Assert, AssertSet, Imported, Left
from llmops.evaluation.plugins.promptfoo.checks import Problem, assert_of, number_of
from llmops.evaluation.plugins.promptfoo.references import Files, NotFound

RULE = "promptfoo-asserts"
_OPTIONS_THAT_CHANGE = ("transform", "transformVars", "postprocess", "rubricPrompt", "provider")


def read(data: bytes, path: str, file: Callable[[str], bytes | None]) -> Imported:
    """The asserts of the file at `path`; `file` gives the bytes of others. Raises: InvalidDocuments."""
    parsed = yaml_door.parse(data, path)
    if not parsed.is_readable:
        raise InvalidDocuments(parsed.findings)
    reader = _Reader(parsed, Files(path=path, read=file))
    asserts = reader.asserts()
    if reader.findings:
        raise InvalidDocuments(reader.findings)
    files = {path: canonical.sha256(data), **reader.files.digests}
    return Imported(asserts=asserts, left=tuple(reader.left), variables=reader.variables, files=files)


class _Reader:
    """Goes through a file once, noting what is wrong and what is left."""

    def __init__(self, parsed: Parsed, files: Files) -> None:
        self._parsed = parsed
        self.files = files
        self.findings: list[Finding] = []
        self.left: list[Left] = []
        self.variables: dict[str, Any] = {}

    def asserts(self) -> tuple[Assert | AssertSet, ...]:
        """Every assert that applies to every case, in the file's order."""
        value = self._parsed.value
        if isinstance(value, list):
            return self._list(value, (), "assert")
        if not isinstance(value, Mapping):
            self._refuse((), "the file holds no asserts", "write a list of asserts, or a mapping with `assert`")
            return ()
        default = value.get("defaultTest", {})
        self._defaults(default)
        own = self._list(value.get("assert", []), ("assert",), "assert")
        inherited = default.get("assert", []) if isinstance(default, Mapping) else []
        taken = (*own, *self._list(inherited, ("defaultTest", "assert"), "defaultTest.assert"))
        return (*taken, *self._tests(value.get("tests", [])))

    def _defaults(self, default: Any) -> None:
        if not isinstance(default, Mapping):
            self._leave("defaultTest", "it is not a mapping written in this file")
            return
        self._threshold(default, "defaultTest")
        options = default.get("options", {})
        for name in _OPTIONS_THAT_CHANGE if isinstance(options, Mapping) else ():
            if name in options:
                self._leave(f"defaultTest.options.{name}", _WHY_NOT_CHANGED[name])
        if "assertScoringFunction" in default:
            self._leave("defaultTest.assertScoringFunction", "it is code, and code in a file is never executed")
        given = default.get("vars", {})
        for name, item in given.items() if isinstance(given, Mapping) else ():
            self._variable(name, item)

    def _variable(self, name: str, item: Any) -> None:
        if isinstance(item, list | Mapping) or (isinstance(item, str) and item.startswith(("file://", "package:"))):
            self._leave(f"defaultTest.vars.{name}", "only plain values are taken as variables")
        else:
            self.variables[name] = item

    def _threshold(self, test: Mapping[str, Any], place: str) -> None:
        if "threshold" in test:
            self._leave(f"{place}.threshold", "the score is kept as it is; thresholds.yaml says what passes")

    def _tests(self, tests: Any) -> tuple[Assert | AssertSet, ...]:
        if not isinstance(tests, list):
            self._leave("tests", "it is not a list written in this file")
            return ()
        lists = [test.get("assert", []) if isinstance(test, Mapping) else [] for test in tests]
        taken: tuple[Assert | AssertSet, ...] = ()
        for index, asserts in enumerate(lists):
            place = f"tests[{index}]"
            if isinstance(tests[index], Mapping):
                self._threshold(tests[index], place)
            if not isinstance(asserts, list):
                self._leave(f"{place}.assert", "it is not a list written in this file")
                continue
            for number, item in enumerate(asserts):
                if not self._is_common(item, tests, lists):
                    why = "it belongs to one test: write it into that case of the evalset, or under `defaultTest`"
                    self._leave(f"{place}.assert[{number}] {_kind_of(item)}", why)
                elif index == 0:
                    pointer: Pointer = ("tests", 0, "assert", number)
                    taken = (*taken, *self._item(item, pointer, f"{place}.assert[{number}]"))
        return taken

    def _is_common(self, item: Any, tests: list[Any], lists: list[Any]) -> bool:
        if len(tests) == 1:
            return not tests[0].get("vars")
        return all(isinstance(asserts, list) and item in asserts for asserts in lists)

    def _list(self, items: Any, pointer: Pointer, place: str) -> tuple[Assert | AssertSet, ...]:
        if not isinstance(items, list):
            self._refuse(pointer, f"`{place}` is no list", "write a list of asserts")
            return ()
        found = (self._item(item, (*pointer, index), f"{place}[{index}]") for index, item in enumerate(items))
        return tuple(one for each in found for one in each)

    def _item(self, item: Any, pointer: Pointer, place: str) -> tuple[Assert | AssertSet, ...]:
        if isinstance(item, Mapping) and item.get("type") == "assert-set":
            return self._set(item, pointer, place)
        one = self._one(item, pointer, place)
        return () if one is None else (one,)

    def _set(self, item: Mapping[str, Any], pointer: Pointer, place: str) -> tuple[AssertSet, ...]:
        inside = item.get("assert")
        if not isinstance(inside, list) or not inside:
            self._refuse(pointer, "an assert-set has no `assert`", "write a list of asserts in it")
            return ()
        found = [self._one(each, (*pointer, "assert", index), f"{place}[{index}]") for index, each in enumerate(inside)]
        asserts = tuple(one for one in found if one is not None)
        try:
            threshold, weight = number_of(item, "threshold"), number_of(item, "weight")
        except Problem as error:
            self._refuse(pointer, error.what, error.fix)
            return ()
        made = AssertSet(place=place, asserts=asserts, threshold=threshold, weight=1.0 if weight is None else weight)
        return (made,) if asserts else ()

    def _one(self, item: Any, pointer: Pointer, place: str) -> Assert | None:
        try:
            made = assert_of(self._followed(item), place, self.files)
        except Problem as error:
            self._refuse(pointer, error.what, error.fix)
            return None
        except NotFound as error:
            self._refuse(pointer, str(error), "write the path from the folder of this file")
            return None
        if isinstance(made, Left):
            self.left.append(made)
            return None
        return made

    def _followed(self, item: Any) -> Any:
        """The assert behind a reference to a template of the same file."""
        if not (isinstance(item, Mapping) and isinstance(item.get("$ref"), str)):
            return item
        name = item["$ref"].removeprefix("#/assertionTemplates/")
        root = self._parsed.value
        shelf = root.get("assertionTemplates") if isinstance(root, Mapping) else None
        if not isinstance(shelf, Mapping) or name not in shelf:
            raise Problem(f"there is no assertion template `{item['$ref']}`", "write the assert out")
        return {**shelf[name], **{key: one for key, one in item.items() if key != "$ref"}}

    def _leave(self, what: str, why: str) -> None:
        self.left.append(Left(what=what, why=why))

    def _refuse(self, pointer: Pointer, message: str, fix: str) -> None:
        location = self._parsed.at(pointer)
        self.findings.append(Finding(rule=RULE, severity=Severity.ERROR, location=location, message=message, fix=fix))


_WHY_NOT_CHANGED: Mapping[str, str] = {
    **dict.fromkeys(
        ("transform", "transformVars", "postprocess"),
        "it is code, and code in a file is never executed: asserts see the answer as it is",
    ),
    "rubricPrompt": "llmops asks with prompts of its own",
    "provider": "the model is the one that llmops.yaml names for the metric",
}


def _kind_of(item: Any) -> str:
    return str(item.get("type", "")) if isinstance(item, Mapping) else ""
