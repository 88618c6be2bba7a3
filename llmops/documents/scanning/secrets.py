"""Secrets that have a form: keys with their issuer's prefix, private keys, credentials in addresses.

No guess by entropy stands here: a string that only looks random may be a digest. Every form is published by its issuer.
"""

from __future__ import annotations

import re

from llmops.documents.scanning.hits import Kind, when

_PLACEHOLDER = re.compile(r"your|example|xxx|secret|changeme|redacted|placeholder|insert|<|\.\.\.|\*\*\*|my[-_]", re.I)


def has_entropy(text: str) -> bool:
    """A key mixes letters and digits; `sk-your-key-goes-here-please` does not."""
    tail = max(re.split(r"[-_=]", text), key=len)
    return len(set(tail)) >= 8 and any(char.isdigit() for char in tail) and any(char.isalpha() for char in tail)


def _is_no_placeholder(text: str) -> bool:
    return _PLACEHOLDER.search(text.partition("=")[2]) is None and has_entropy(text)


def _kind(name: str, form: str, *, mixed: bool = False) -> Kind:
    pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{form})(?![A-Za-z0-9])")
    return Kind(name, pattern, when(has_entropy)) if mixed else Kind(name, pattern)


KINDS = (
    Kind("private-key", re.compile(r"-----BEGIN (?:[A-Z]+ ){0,2}PRIVATE KEY(?: BLOCK)?-----")),
    _kind("aws-key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}"),
    _kind("github-token", r"gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255}"),
    _kind("gitlab-token", r"gl(?:pat|ptt|dt|rt|cbt|soat)-[A-Za-z0-9_-]{20,64}"),
    _kind("slack-token", r"xox[abposr]-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Za-z0-9-]{20,250}"),
    _kind("slack-webhook", r"https://hooks\.slack\.com/(?:services|workflows)/T[A-Z0-9]{6,12}/[A-Za-z0-9/]{20,60}"),
    _kind("google-key", r"AIza[A-Za-z0-9_-]{35}(?![_-])"),
    _kind("google-token", r"ya29\.[A-Za-z0-9_-]{30,400}|GOCSPX-[A-Za-z0-9_-]{28}"),
    _kind("hugging-face-token", r"hf_[A-Za-z0-9]{30,64}"),
    _kind("package-token", r"npm_[A-Za-z0-9]{36}|pypi-AgEI[A-Za-z0-9_-]{50,400}|dckr_pat_[A-Za-z0-9_-]{20,64}"),
    _kind("mail-key", r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,64}|key-[0-9a-f]{32}"),
    _kind("cloud-token", r"do[opr]_v1_[0-9a-f]{64}|dapi[0-9a-f]{32}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    _kind("bot-token", r"\d{8,10}:AA[A-Za-z0-9_-]{32,36}"),
    _kind("azure-key", r"AccountKey=[A-Za-z0-9+/]{40,100}={0,2}"),
    Kind("jwt", re.compile(r"\beyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{16,2000}")),
    _kind("api-key", r"(?:sk|pk|rk)-(?:[a-z0-9]{2,12}-){0,3}[A-Za-z0-9_-]{20,200}", mixed=True),
    _kind("api-key", r"(?:gsk|xai|pplx|nvapi|AGE-SECRET-KEY)[-_][A-Za-z0-9_-]{30,200}", mixed=True),
    _kind("api-key", r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,200}"),
    Kind("url-password", re.compile(r"\b[a-z][a-z0-9+]{1,12}://[^\s:/@{}<>]{0,64}:[^\s:/@{}<>]{3,128}@[\w.-]{1,200}")),
    Kind(
        "url-token",
        re.compile(
            r"(?<=[?&])(?:access_token|auth_token|token|api[-_]?key|apikey|client_secret|password|passwd|sig|signature)="
            r"[A-Za-z0-9%_.~+/-]{16,300}",
            re.IGNORECASE,
        ),
        when(_is_no_placeholder),
    ),
)
