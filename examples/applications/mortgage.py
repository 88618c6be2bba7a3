"""What the four applications share: the lender's pages, which prompt is asked for, and where the model is.

Environment variables:

- OPENAI_BASE_URL: the chat model's address (any OpenAI-compatible endpoint), OPENAI_API_KEY: its key, if it wants one;
- PROMPT_VERSION: a release to use ("1.3.1", or "working" for the files as they are), where nothing is promoted yet;
- PROMPT_ENVIRONMENT: else, the environment whose release is used ("production").

Under `llmops eval` the environment's answer is the release under evaluation.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import llmops

PAGES = Path(__file__).parents[2] / "evalsets" / "mortgage-assistant" / "knowledge"
TOP_K = 2


@dataclass(frozen=True)
class Section:
    """One section of a page; its id is what the evalset calls it: `page#heading-in-small-letters`."""

    id: str
    text: str


def sections() -> list[Section]:
    """Every section of every page, in the order of their names."""
    return [section for page in sorted(PAGES.glob("*.md")) for section in _of_page(page)]


def _of_page(page: Path) -> Iterator[Section]:
    head, *parts = page.read_text(encoding="utf-8").split("\n## ")
    title = head.lstrip("# ").strip()
    for part in parts:
        heading, _, body = part.partition("\n")
        slug = re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")
        yield Section(id=f"{page.stem}#{slug}", text=f"{title} — {heading}\n{body.strip()}")


def prompt() -> llmops.Prompt:
    """The assistant's prompt. Asked for with each question: a promotion takes effect without a restart."""
    if version := os.environ.get("PROMPT_VERSION"):
        return llmops.get_prompt("mortgage-assistant", version=version)
    environment = os.environ.get("PROMPT_ENVIRONMENT", "production")
    return llmops.get_prompt("mortgage-assistant", environment=environment)


def base_url() -> str:
    """The chat model's address."""
    return os.environ["OPENAI_BASE_URL"]


def api_key() -> str:
    """Its key. Clients insist on one, local servers take any."""
    return os.environ.get("OPENAI_API_KEY") or "none"


def words(text: str) -> list[str]:
    """The words of a text that say what it is about, in small letters."""
    return [word for word in re.findall(r"[a-z0-9]+", text.lower()) if len(word) > 2]
