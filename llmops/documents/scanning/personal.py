"""Personal data that has a form: e-mail, IBAN, card, IP address, telephone; national numbers stand in `national`.

Left out on request, because they are made to be shown: the documentation ranges (RFC 2606 `example.*` domains, RFC
5737 and RFC 3849 addresses, 555-01xx telephone numbers) and addresses that name nobody (private, loopback).

A telephone number is taken where its writing says so: `+` or `00` and a country code, the North American grouping,
or a national number with its leading zero and separators. Other digits are one where a word such as "call", "phone" or
"fax" stands beside them.
"""

from __future__ import annotations

import re

from llmops.documents.scanning.checks import iban, is_any_card, is_card
from llmops.documents.scanning.hits import Kind, when

_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_EXTENSION = r"(?: ?(?:x|ext\.?|extension) ?\d{1,6})?"
_NOT_DATE = r"(?!\d\d[ ./-]\d\d[ ./-](?:19|20)\d\d)(?!(?:19|20)\d\d[./-]\d\d[./-]\d\d)"
_CARD_WORDS = re.compile(
    r"\b(?:cards?|cc|credit|debit|visa|master ?card|maestro|amex|american express|diners|discover|jcb|pan)\b",
    re.IGNORECASE,
)
_PHONE = (
    r"(?:call(?:s|ed|ing|ers?)?|(?:tele|smart)?phones?|tel|mobiles?|mob|cell(?:ular)?|fax|sms|texts?|messages?"
    r"|answer(?:s|ed|ing)?|reach(?:ed)?|contact|dial(?:l?ing)?|rings?|hotline|helpline|landline|whats ?app|signal"
    r"|voice ?mail|t[eé]l[eé]phone|portable|handy|telefon\w*|m[oó]vil|rufnummer"
    r"|(?:office|desk|home|work|direct|number|no|#) ?:)"
)
# A long or grouped number may stand a few words away; a short bare one has to follow at once.
_PHONE_NEAR = re.compile(rf"(?<![^\W_]){_PHONE}(?![a-z])[^\d\n$€£%]{{0,28}}$", re.IGNORECASE)
_PHONE_BESIDE = re.compile(
    rf"(?<![^\W_]){_PHONE}(?![a-z])\.?(?: (?:me|us|them|her|him|at|on|to|is|number|no\.?|line))*[ :=(]{{0,3}}$",
    re.IGNORECASE,
)
_PHONE_AFTER = re.compile(
    r"(?<=\d) ?[-(,] ?(?:office|fax|mobile|cell|home|work|phone|tel|desk|direct)\b", re.IGNORECASE
)


def _is_example_domain(text: str) -> bool:
    domain = text.rpartition("@")[2].lower()
    return domain.endswith((".example", ".test", ".invalid")) or bool(
        re.search(r"(?:^|\.)example\.(?:com|org|net)$", domain)
    )


def _is_fictional_number(text: str) -> bool:
    """555-0100 to 555-0199 are kept free for fiction in the North American numbering plan."""
    return re.search(r"55501\d\d$", "".join(char for char in text if char.isdigit())) is not None


def _is_documentation_address(text: str) -> bool:
    """RFC 5737, loopback, unspecified and private addresses name nobody."""
    return text.startswith(("192.0.2.", "198.51.100.", "203.0.113.", "127.", "0.", "10.", "192.168.", "255.")) or bool(
        re.match(r"172\.(?:1[6-9]|2\d|3[01])\.", text)
    )


def _is_ipv6(text: str) -> bool:
    """RFC 4291. Short forms count where they begin as addresses in use do: code and clocks are full of colons."""
    groups = [group for group in text.split(":") if group]
    short = "::" in text
    if text.count("::") > 1 or ":::" in text or (len(groups) > 7 if short else len(groups) != 8):
        return False
    if any(len(group) > 4 for group in groups) or re.search(r"(?<!:):$|^:(?!:)", text):
        return False
    return not short or (len(groups) > 1 and bool(re.match(r"(?:[23][\da-f]{3}|f[cd][\da-f]{2}|fe80):", text.lower())))


def _names_no_host(text: str) -> bool:
    """RFC 3849 documentation, unique local and link-local addresses."""
    return re.match(r"2001:0?db8:|f[cd]|fe80", text.lower()) is not None


def _phone_digits(text: str) -> int:
    """How many digits, the extension left out. ITU-T E.164: at most fifteen; below seven it is a short code and names
    nobody (0 here, as for a number of one digit repeated)."""
    number = re.sub(r"\D", "", re.split(r"[xe]", text)[0])
    return len(number) if 7 <= len(number) <= 15 and len(set(number)) > 1 else 0


def _is_phone(text: str) -> bool:
    """A number whose writing says what it is. A leading zero and one group more may be a house number: ten digits."""
    few = len(re.findall(r"\d+", text)) < 3 and not text.startswith(("+", "00"))
    return _phone_digits(text) >= (10 if few else 9)


def _is_long_phone(text: str) -> bool:
    return _phone_digits(text) >= (7 if re.search(r"\d\D+\d", text) else 9)


_EMAIL = Kind(
    "email",
    re.compile(
        r"(?<![\w.+'-])\w[\w.+'!#$%&*/=?^`{|}~-]{0,63}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w-])"
    ),
    is_documentation=_is_example_domain,
)
_NUMBERS = (
    Kind(
        "iban",
        re.compile(r"(?<![A-Za-z0-9])(?:[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,40}|[a-z]{2}\d{2}[a-z0-9]{11,30})", re.ASCII),
        iban,
    ),
    Kind("card", re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?![\w.-]?\d)", re.ASCII), when(is_card)),
    Kind(
        "card",
        re.compile(r"(?<![\w.+-])\d(?:[ -]?\d){11,18}(?![\w.-]?\d)", re.ASCII),
        when(is_any_card),
        _CARD_WORDS,
        _CARD_WORDS,
    ),
)
_ADDRESSES = (
    Kind(
        "ipv4",
        re.compile(rf"(?<![\w.-]){_OCTET}(?:\.{_OCTET}){{3}}(?![\w-]|\.\d)", re.ASCII),
        is_documentation=_is_documentation_address,
    ),
    Kind(
        "ipv6",
        re.compile(r"(?<![\w:.-])[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){1,7}(?:::)?(?![\w:])", re.ASCII),
        when(_is_ipv6),
        is_documentation=_names_no_host,
    ),
)
_LOOSE_NUMBER = re.compile(
    rf"(?<![\w+.$€£#-]){_NOT_DATE}(?:\(\d{{1,4}}\)[ .-]?)?\d{{2,12}}(?:[ .-]\d{{2,8}}){{0,5}}{_EXTENSION}"
    r"(?![\w%]|[.,:/-]\d)",
    re.ASCII,
)
_PHONES = (
    Kind(
        "phone",
        re.compile(
            rf"(?<![\w+.-])(?:"
            rf"(?:\+|00(?=[1-9][\d ()./-]{{7}}))\d{{1,3}}[ ./-]?(?:\(\d{{1,4}}\)[ ./-]?)?"
            rf"\d{{1,12}}(?:[ ./-]?\d{{2,4}}){{0,5}}"
            rf"|(?:(?:\+|00)?1[ .-])?(?:\([2-9]\d{{2}}\) ?-?|[2-9]\d{{2}}[ .-])\d{{3}}[ .-]\d{{4}}"
            rf"|{_NOT_DATE}\(?0[1-9]\d{{0,3}}\)?(?:[ ./-]\d{{2,8}}){{1,5}}"
            rf"){_EXTENSION}(?!\w|[.-]\d)",
            re.ASCII,
        ),
        when(_is_phone),
        is_documentation=_is_fictional_number,
    ),
    Kind("phone", _LOOSE_NUMBER, when(_is_long_phone), _PHONE_NEAR, _PHONE_AFTER, _is_fictional_number),
    Kind("phone", _LOOSE_NUMBER, when(lambda text: _phone_digits(text) > 0), _PHONE_BESIDE, None, _is_fictional_number),
)

# What is issued by states stands between them: stricter than a telephone number, looser than a card.
STRICT = (_EMAIL, *_NUMBERS, *_ADDRESSES)
LOOSE = _PHONES
