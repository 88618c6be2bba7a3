"""The words in a complaint, whatever shape they come in.

Shapes, by who sends them (all are tried on every reply: proxies pass on what they were given):

1. OpenAI, LiteLLM, newer vLLM, llama.cpp, the Hugging Face router: `{"error": {"message", "type", "param", "code"}}`.
2. Azure: the same with `innererror: {code, content_filter_result}`; through LiteLLM within `provider_specific_fields`.
   Azure's gateway: `{"statusCode", "message"}`.
3. Older vLLM: the fields of 1 beside `"object": "error"`.
4. Ollama: `{"error": "text"}`; text-generation-inference adds `error_type`, and `estimated_time` while loading.
5. FastAPI, below vLLM and LiteLLM: `{"detail": "text"}` or `{"detail": [{"loc", "msg"}]}`.
6. Anything else: its first characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TAG = re.compile(r"<[^<>]{0,200}>")
_MOST_READ = 20_000
_MOST_SECONDS = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a complaint says. `names` are its types and codes in small letters, `param` the field that it is about,
    `filtered` what a content filter found, `is_page` says that a page for people came."""

    message: str = ""
    names: frozenset[str] = frozenset()
    param: str = ""
    status: int = 0
    seconds: float | None = None
    filtered: tuple[str, ...] = ()
    is_page: bool = False


def read(data: bytes) -> Words:
    """The words in `data`; never fails."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return Words(message=_one_line(_plain(data)), is_page=data.lstrip()[:1] == b"<")
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, Mapping) or not (fields := _fields(value)):
        return Words(message=_one_line(_plain(data)))
    return _words(fields)


def holds_error(value: Any) -> bool:
    """True for a JSON value (a reply, an event of a stream) that complains, whatever its status said."""
    return isinstance(value, Mapping) and (bool(value.get("error")) or value.get("object") == "error")


def _fields(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a complaint on one level; empty where there is none."""
    error = value.get("error")
    if isinstance(error, Mapping):
        return {**error, "estimated_time": value.get("estimated_time")}
    if isinstance(error, str):
        return {**value, "message": error, "type": value.get("error_type")}
    if error is None and isinstance(value.get("detail"), str | list | Mapping):
        return _of_detail(value["detail"])
    return dict(value) if isinstance(value.get("message"), str) else {}


def _of_detail(detail: Any) -> dict[str, Any]:
    if isinstance(detail, Mapping):
        return _fields(detail) or {"message": json.dumps(detail)}
    if isinstance(detail, str):
        return {"message": detail}
    first = detail[0] if detail and isinstance(detail[0], Mapping) else {}
    place = first.get("loc")
    path = [str(part) for part in place if part != "body"] if isinstance(place, list) else []
    return {"message": f"{'.'.join(path)}: {first.get('msg', 'refused')}", "param": ".".join(path)}


def _words(fields: Mapping[str, Any]) -> Words:
    passed_on = fields.get("provider_specific_fields")
    inner = fields.get("innererror") or (passed_on.get("innererror") if isinstance(passed_on, Mapping) else None)
    inner = inner if isinstance(inner, Mapping) else {}
    message = fields.get("message")
    codes = [fields.get("code"), fields.get("type"), inner.get("code"), fields.get("status"), fields.get("statusCode")]
    seconds = fields.get("estimated_time")
    return Words(
        message=_one_line(message if isinstance(message, str) else json.dumps(message) if message else ""),
        names=frozenset(code.lower() for code in codes if isinstance(code, str) and not code.isdigit()),
        param=fields["param"] if isinstance(fields.get("param"), str) else "",
        status=next((number for code in codes if (number := _status(code))), 0),
        seconds=float(seconds) if isinstance(seconds, int | float) and 0 <= seconds <= _MOST_SECONDS else None,
        filtered=_filtered(inner.get("content_filter_result")),
    )


def _status(code: Any) -> int:
    """`code` where it is an HTTP status of a failure, else 0."""
    text = str(code)
    return int(text) if re.fullmatch(r"[45]\d\d", text, re.ASCII) else 0


def _filtered(found: Any) -> tuple[str, ...]:
    """What a content filter stopped a request for: "violence: medium"."""
    if not isinstance(found, Mapping):
        return ()
    hits = ((name, hit) for name, hit in found.items() if isinstance(hit, Mapping) and hit.get("filtered"))
    return tuple(f"{name}: {hit['severity']}" if hit.get("severity") else str(name) for name, hit in hits)


def _plain(data: bytes) -> str:
    return _TAG.sub(" ", data[:_MOST_READ].decode("utf-8", "replace"))


def _one_line(text: str) -> str:
    return " ".join(text[:_MOST_READ].split())
