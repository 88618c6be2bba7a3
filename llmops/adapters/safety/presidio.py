"""Personal data by the pattern recognisers of Presidio, without a language model and without any network.

1. The text goes through `spacy.blank("en")`: tokens only, nothing is downloaded. So there are no names of persons,
   places or organisations: those recognisers need a model.
2. What is no personal data is not asked for (URLs, dates, UUIDs, MAC addresses).
3. A find counts from a score of .5: what has a check digit or its word beside it, not any nine digits. Telephone
   numbers count from .4, which is all that they get without a word beside them.
4. Presidio asks `tldextract` for top-level domains, which would fetch a list: it is given its own built-in one.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata
from typing import Any

from llmops.documents.scanning.hits import Finder, Hit, without_overlaps
from llmops.errors import CannotAsk

FROM, PHONE_FROM = 0.5, 0.4
ENTITIES = (
    *("EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "IBAN_CODE", "IP_ADDRESS", "US_SSN", "US_ITIN", "US_PASSPORT"),
    *("US_BANK_NUMBER", "US_DRIVER_LICENSE", "UK_NHS", "CRYPTO", "MEDICAL_LICENSE"),
)


def presidio_finder() -> Finder:
    """The finder for rule `personal-data`. Raises: CannotAsk EXTRA_MISSING."""
    try:
        return _Presidio(metadata.version("presidio-analyzer"))
    except metadata.PackageNotFoundError as error:
        what = "a search for personal data by Presidio asks for its package, which is not installed"
        raise CannotAsk("EXTRA_MISSING", what, hint="run `pip install presidio-analyzer`") from error


class _Presidio:
    name = "presidio"
    rule = "personal-data"

    def __init__(self, version: str) -> None:
        self.version = f"{version}+{FROM}/{PHONE_FROM}"

    def __call__(self, text: str) -> tuple[Hit, ...]:
        if not text.strip():
            return ()
        found = _analyzer().analyze(text=text, language="en", entities=list(ENTITIES), score_threshold=PHONE_FROM)
        sure = (one for one in found if one.score >= FROM or one.entity_type == "PHONE_NUMBER")
        surest = sorted(sure, key=lambda one: (-one.score, one.start, one.entity_type))
        return without_overlaps(_hit(one, text) for one in surest)


def _hit(found: Any, text: str) -> Hit:
    kind = found.entity_type.lower().replace("_", "-")
    return Hit(kind=kind, start=found.start, end=found.end, text=text[found.start : found.end])


@lru_cache(maxsize=1)
def _analyzer() -> Any:
    import spacy  # type: ignore[import-not-found,unused-ignore]
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry  # type: ignore[import-not-found,unused-ignore]
    from presidio_analyzer.nlp_engine import SpacyNlpEngine  # type: ignore[import-not-found,unused-ignore]

    _keep_offline()
    engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": "blank"}])
    engine.nlp = {"en": spacy.blank("en")}
    registry = RecognizerRegistry(supported_languages=["en"])
    registry.load_predefined_recognizers(languages=["en"])
    registry.remove_recognizer("SpacyRecognizer")
    return AnalyzerEngine(nlp_engine=engine, registry=registry, supported_languages=["en"])


def _keep_offline() -> None:
    from tldextract import TLDExtract, tldextract  # type: ignore[import-not-found,unused-ignore]

    tldextract.TLD_EXTRACTOR = TLDExtract(suffix_list_urls=(), cache_dir=None)
