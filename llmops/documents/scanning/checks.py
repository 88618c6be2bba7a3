"""Check digits: what tells a number that was issued from one that was made up.

Every check takes the text as found, separators and all, and says True or False. Sources stand with each. They tell
what *may* be a real number; none says that it was issued.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# ISO 13616 registry: the length of an IBAN by country.
IBAN_LENGTHS = {
    country: int(length)
    for length, countries in {
        "15": "NO", "16": "BE", "18": "DK FI FK FO GL NL SD", "19": "MK SI", "20": "AT BA EE KZ LT LU MN XK",
        "21": "CH CR HR LI LV", "22": "BG BH DE GB GE IE ME RS VA", "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "IS TR",
        "27": "BI DJ FR GR IT MC MR SM", "28": "AL AZ BY CY DO GT HN HU LB NI PL SV", "29": "BR EG PS QA UA",
        "30": "JO KW MU YE", "31": "MT SC", "32": "LC", "33": "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip

# ISO/IEC 7812 and the schemes' published ranges: the head of the number and the lengths it may have.
_BRANDS: tuple[tuple[str, tuple[int, ...]], ...] = (
    (r"4", (13, 16, 19)),
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),
    (r"3[47]", (15,)),
    (r"30[0-5]|36|3[89]", (14, 16)),
    (r"6011|64[4-9]|65|62|81", (16, 17, 18, 19)),
    (r"35(?:2[89]|[3-8])", (16, 17, 18, 19)),
    (r"2131|1800", (15,)),
    (r"220[0-4]", (16, 17, 18, 19)),
    (r"60|82|508", (16,)),
    (r"5018|5020|5038|5[678]|6304|6390|67|0604", (12, 13, 14, 15, 16, 17, 18, 19)),
)
_BRAND_OF = tuple((re.compile(head), lengths) for head, lengths in _BRANDS)

_VERHOEFF_TURN = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def digits(text: str) -> list[int]:
    return [int(char) for char in text if char in "0123456789"]


def compact(text: str) -> str:
    """Letters and digits alone, letters in upper case."""
    return "".join(char for char in text if char.isalnum()).upper()


def weighted(numbers: Iterable[int], weights: Sequence[int]) -> int:
    return sum(number * weight for number, weight in zip(numbers, weights, strict=False))


def luhn(text: str) -> bool:
    """ISO/IEC 7812-1 annex B; not all digits the same."""
    found = digits(text)
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in found[-2::-2]]
    return len(set(found)) > 1 and (sum(found[-1::-2]) + sum(doubled)) % 10 == 0


def is_card(text: str) -> bool:
    """A number of a known scheme: head, length and Luhn. Twelve digits are too common without a word beside them."""
    number = compact(text)
    return len(number) > 12 and luhn(number) and _is_of_a_scheme(number)


def is_any_card(text: str) -> bool:
    """As `is_card`, with the twelve digits of Maestro, and longer ones of no scheme that is listed here."""
    number = compact(text)
    return luhn(number) and (len(number) > 12 or _is_of_a_scheme(number))


def _is_of_a_scheme(number: str) -> bool:
    return any(head.match(number) and len(number) in lengths for head, lengths in _BRAND_OF)


def iban(text: str) -> str:
    """The IBAN that `text` begins with, "" where there is none: country, its length, modulo 97 (ISO 13616)."""
    length = IBAN_LENGTHS.get(text[:2].upper(), 0)
    end = kept = 0
    while end < len(text) and kept < length:
        kept += text[end].isalnum()
        end += 1
    if not length or kept < length or text[end : end + 1].isalnum():
        return ""
    number = compact(text[:end])
    return text[:end] if int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1 else ""


def verhoeff(text: str) -> bool:
    """Verhoeff, "Error detecting decimal codes" (1969): the dihedral group of ten elements."""
    check = 0
    for place, digit in enumerate(reversed(digits(text))):
        check = _dihedral(check, _turned(digit, place % 8))
    return check == 0


def _turned(digit: int, times: int) -> int:
    return digit if times == 0 else _turned(_VERHOEFF_TURN[digit], times - 1)


def _dihedral(one: int, other: int) -> int:
    turn = one % 5 + (other if one < 5 else -other)
    flips = (one >= 5) != (other >= 5)
    return turn % 5 + 5 * flips


def mod_11_10(text: str) -> bool:
    """ISO/IEC 7064, modulo 11,10: the hybrid system."""
    found, product = digits(text), 10
    for digit in found[:-1]:
        total = (digit + product) % 10 or 10
        product = total * 2 % 11
    return bool(found) and (11 - product) % 10 == found[-1]


def is_date(year: str, month: str, day: str) -> bool:
    """A month and a day that exist; the year is any."""
    longest = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return bool(year) and 1 <= int(month) <= 12 and 1 <= int(day) <= longest[int(month) - 1]
