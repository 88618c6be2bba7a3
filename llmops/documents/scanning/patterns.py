"""Personal data and secrets in text: what counts as found.

Two steps, so that clean text costs a few scans for characters and nothing else:

1. A prefilter tells whether anything could be there at all.
2. Only then are the kinds read in and their patterns compiled (`personal`, `national`, `secrets`): each has its exact
   form, a check where the kind carries one, and a word beside it where the form alone says too little.

What is found is what has a form. Names, addresses and ages of persons have none; a form is no proof that the number was
issued; and what is spelled out in words ("four one one one …") is not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmops.documents.scanning.hits import Hit, Kind, hits

# Kinds that point at one person by themselves. An e-mail address, a telephone number or an address may be a service's.
NAMES_A_PERSON = frozenset(
    (
        *("card", "iban", "ssn", "us-itin", "uk-nino", "uk-nhs", "it-codice-fiscale", "fr-nir", "es-nie", "es-dni"),
        *("pl-pesel", "se-personnummer", "fi-hetu", "no-fodselsnummer", "br-cpf", "ch-ahv", "be-national-number"),
        *("cn-resident-id", "sg-nric", "in-pan", "in-aadhaar", "de-steuer-id", "nl-bsn", "ca-sin", "au-tfn", "pt-nif"),
        *("za-id", "passport"),
    )
)

# A run of digits as long as the shortest number; the middle of a tax code (`85T10`, `X1234A`); a pair of colons.
# Every form begins with a digit: the search jumps from one to the next.
_DIGITS = re.compile(r"\d(?:[\d .()/-]{4,}\d|\d[A-Za-z]\d{2}[A-Za-z]|\d{3}[A-Z]\b)", re.ASCII)
_AT = re.compile(r"@")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:", re.ASCII)
# Nine digits, or fewer with a letter beside them.
_ISSUED = re.compile(
    r"(?:\d[ .-]?){9}|\d{2}[A-Za-z]\d{2}[A-Za-z]|[A-Z]\d{6}|\d[ -]?[A-Z]\b|(?i:passp|pasap|reisep)", re.ASCII
)
_SECRET_MARKS = (
    *("PRIVATE KEY", "AKIA", "ASIA", "ABIA", "ACCA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glsoat-"),
    *("xox", "xapp-", "hooks.slack", "AIza", "ya29.", "GOCSPX", "hf_", "npm_", "pypi-", "dckr_", "SG.", "key-", "_v1_"),
    *("dapi", "shp", ":AA", "AccountKey=", "eyJ", "sk-", "pk-", "rk-", "gsk_", "xai-", "pplx-", "nvapi-", "SECRET-KEY"),
    *("sk_", "rk_"),
)
_ADDRESS = re.compile(r"://[^\s/]*@|[?&][A-Za-z_-]{3,13}=")
_URL = re.compile(r"\b(?:https?|ftp)://[^\s<>\"'`()\[\]{}|\\^]{3,2000}|\bwww\.[^\s<>\"'`()\[\]{}|\\^]{3,2000}", re.I)


def find_personal_data(text: str, *, documentation: bool = True) -> tuple[Hit, ...]:
    """E-mail addresses, telephone numbers, cards, IBANs, IP addresses and numbers that states give to persons.

    `documentation=False` leaves out addresses and numbers that are reserved for examples.
    """
    spans = tuple(_lines(text))
    if not spans:
        return ()
    from llmops.documents.scanning import personal

    issued = tuple(span for span in spans if _ISSUED.search(text, *span))
    groups = ((personal.STRICT, spans), (_national() if issued else (), issued), (personal.LOOSE, spans))
    return hits(text, groups, documentation=documentation)


def find_secrets(text: str) -> tuple[Hit, ...]:
    """Access keys, tokens, private keys and credentials in URLs in `text`."""
    if not any(mark in text for mark in _SECRET_MARKS) and not ("://" in text and _ADDRESS.search(text)):
        return ()
    from llmops.documents.scanning import secrets

    return hits(text, ((secrets.KINDS, ((0, len(text)),)),))


def _national() -> tuple[Kind, ...]:
    """Thirty patterns, compiled for a text that could hold one of them: dates and amounts do not."""
    from llmops.documents.scanning import national

    return national.KINDS


def _lines(text: str) -> Iterator[tuple[int, int]]:
    """The lines that could hold personal data. No kind goes over a line's end, so the others need no further look."""
    places = sorted(match.start() for form in (_AT, _DIGITS, _COLONS) for match in form.finditer(text))
    end = -1
    for place in places:
        if place > end:
            end = text.find("\n", place)
            end = len(text) if end < 0 else end
            yield text.rfind("\n", 0, place) + 1, end


def find_urls(text: str) -> tuple[Hit, ...]:
    """Web addresses, without the punctuation that ends the sentence they stand in. They are no personal data."""
    found = ((match.start(), match[0].rstrip(".,;:!?*_")) for match in _URL.finditer(text))
    return tuple(Hit(kind="url", start=start, end=start + len(url), text=url) for start, url in found)
