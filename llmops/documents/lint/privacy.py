"""Rules over secrets and personal data in what people write.

A secret anywhere is an error. In templates and few-shots, numbers that name a person (SSN, card, IBAN) are errors; an
e-mail address, a telephone number or an IP address may be meant to be there and is a warning. What is reserved for
examples (example.com, 555-01xx) is not reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmops.documents.lint.found import Findings, error, warning
from llmops.documents.lint.variables import texts_of
from llmops.documents.project import Project, PromptFolder
from llmops.documents.reading.document import Document
from llmops.documents.reading.parsed import Pointer
from llmops.documents.scanning.hits import Hit
from llmops.documents.scanning.patterns import NAMES_A_PERSON, find_personal_data, find_secrets
from llmops.errors import Location


def check(folder: PromptFolder, _project: Project) -> Findings:
    """Secrets in any file of the prompt, personal data in its texts."""
    for document in folder.documents:
        yield from secrets_in(document)
    prompt = folder.prompt
    for pointer, text in _texts(prompt):
        for hit in find_personal_data(text, documentation=False):
            severe = error if hit.kind in NAMES_A_PERSON else warning
            what = f"this looks like personal data ({hit.kind}): {hit.masked}"
            yield severe(
                "personal-data", _inside(prompt, pointer, text, hit), what, "pass it as a variable at run time"
            )


def secrets_in(document: Document) -> Findings:
    """Secrets anywhere in the file, keys and comments included."""
    source = document.parsed.source
    for hit in find_secrets(source):
        line = source.count("\n", 0, hit.start) + 1
        place = Location(path=document.path, line=line, column=hit.start - source.rfind("\n", 0, hit.start))
        what = f"this looks like a secret ({hit.kind}): {hit.masked}"
        fix = "remove it, revoke it where it was issued, and name an environment variable instead"
        yield error("secret", place, what, fix)


def _texts(prompt: Document) -> Iterator[tuple[Pointer, str]]:
    for text in texts_of(prompt.value):
        yield text.pointer, text.source
    for index, shot in enumerate(prompt.value.get("few_shots", ())):
        for side in ("user", "assistant"):
            yield ("few_shots", index, side), shot[side]


def _inside(prompt: Document, pointer: Pointer, text: str, hit: Hit) -> Location:
    line = text.count("\n", 0, hit.start) + 1
    return prompt.parsed.inside(pointer, line, hit.start - text.rfind("\n", 0, hit.start))
