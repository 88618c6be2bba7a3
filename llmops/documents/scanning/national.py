"""Numbers that states give to persons: one line a kind, with its check.

A kind without `near` says enough by itself: its form and its check are passed by less than one number in a hundred of
the same length. The others are any digits to look at, and want their name beside them.

Sources: the issuing offices' publications, as collected in OECD, "Tax identification numbers", and ICAO/EU notes on
national registers; each check names its rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from llmops.documents.scanning.checks import (
    compact,
    digits,
    is_date,
    luhn,
    mod_11_10,
    verhoeff,
    weighted,
)
from llmops.documents.scanning.hits import Kind, when

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_CF_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", (
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21,
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
), strict=True))  # fmt: skip


def was_ever_issued(text: str) -> bool:
    """US social security numbers have no area 000, 666 or 900 to 999, no group 00 and no serial 0000."""
    number = compact(text)
    area, group, serial = number[:3], number[3:5], number[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def is_itin(text: str) -> bool:
    """IRS: 9xx and a group of 50 to 65, 70 to 88, 90 to 92 or 94 to 99."""
    group = int(compact(text)[3:5])
    return 50 <= group <= 65 or 70 <= group <= 88 or 90 <= group <= 92 or group >= 94


def is_nino(text: str) -> bool:
    """HMRC, National Insurance Manual NIM39110: prefixes that are not allocated."""
    return compact(text)[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def is_nhs(text: str) -> bool:
    """NHS Data Dictionary: weights 10 to 2, modulo 11."""
    found = digits(text)
    return (11 - weighted(found[:9], range(10, 1, -1)) % 11) % 11 == found[9] and len(set(found)) > 1


def is_dni(text: str) -> bool:
    """Real Decreto 1553/2005: the letter is the number modulo 23; X, Y, Z of foreigners count as 0, 1, 2."""
    number = compact(text)
    return _DNI_LETTERS[int(number[:-1].translate(str.maketrans("XYZ", "012"))) % 23] == number[-1]


def is_codice_fiscale(text: str) -> bool:
    """DM 23/12/1976: odd places by table, even places by value, modulo 26."""
    code = compact(text)
    odd = sum(_CF_ODD[char] for char in code[:15:2])
    even = sum(int(char) if char.isdigit() else ord(char) - 65 for char in code[1:15:2])
    return chr(65 + (odd + even) % 26) == code[15]


def is_steuer_id(text: str) -> bool:
    """§ 139b AO: among the first ten digits one stands twice or three times; check digit by modulo 11,10."""
    found = digits(text)
    most = sorted((found[:10].count(digit) for digit in set(found[:10])), reverse=True)
    return found[0] != 0 and most[0] in (2, 3) and most[1:2] != [most[0]] and most[1:2] <= [2] and mod_11_10(text)


def is_nir(text: str) -> bool:
    """INSEE: the key is 97 less the number modulo 97; Corsica's 2A and 2B count as 19 and 18."""
    number = compact(text)
    whole = int(number[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - whole % 97 == int(number[13:])


def is_bsn(text: str) -> bool:
    """The eleven test: weights 9 to 2 and -1."""
    found = digits(text)
    return weighted(found, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0 and len(set(found)) > 1


def is_pesel(text: str) -> bool:
    """Ministerstwo Cyfryzacji: the month carries the century in twenties; weights 1 3 7 9."""
    number = compact(text)
    dated = is_date(number[:2], f"{int(number[2:4]) % 20:02}", number[4:6])
    return dated and weighted(digits(number), (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def is_personnummer(text: str) -> bool:
    """Skatteverket: a date (day + 60 for coordination numbers) and Luhn over the last ten digits."""
    number = compact(text)[-10:]
    day = int(number[4:6])
    return is_date(number[:2], number[2:4], f"{day - 60 if day > 60 else day:02}") and luhn(number)


def is_hetu(text: str) -> bool:
    """Digi- ja väestötietovirasto: a date and the nine digits modulo 31."""
    number = "".join(str(digit) for digit in digits(text[:10]))
    dated = is_date(number[4:6], number[2:4], number[:2])
    return dated and "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(number) % 31] == text[-1].upper()


def is_fodselsnummer(text: str) -> bool:
    """Skatteetaten: two check digits modulo 11 (D numbers add 4 to the day's first digit)."""
    found = digits(text)
    day = (found[0] - 4 if found[0] > 3 else found[0]) * 10 + found[1]
    first = weighted(found, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1)) % 11 == 0
    second = weighted(found, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0
    return first and second and is_date("00", f"{found[2]}{found[3]}", f"{day:02}")


def is_cpf(text: str) -> bool:
    """Receita Federal: two check digits, weights falling to 2, modulo 11."""
    found = digits(text)
    ends = (weighted(found, range(count + 1, 1, -1)) * 10 % 11 % 10 == found[count] for count in (9, 10))
    return len(set(found)) > 1 and all(ends)


def is_ahv(text: str) -> bool:
    """Switzerland: 756 and the check digit of EAN-13."""
    return weighted(digits(text), (1, 3) * 7) % 10 == 0


def is_belgian(text: str) -> bool:
    """Rijksregister: 97 less the first nine digits modulo 97, with a 2 before them for births from 2000."""
    number = compact(text)
    return int(number[9:]) in (97 - int(number[:9]) % 97, 97 - int("2" + number[:9]) % 97)


def is_chinese(text: str) -> bool:
    """GB 11643-1999: ISO 7064 modulo 11-2 and a date of birth."""
    number = compact(text)
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(number[:17]))
    return is_date(number[6:10], number[10:12], number[12:14]) and "10X98765432"[total % 11] == number[17]


def is_nric(text: str) -> bool:
    """Singapore, letters S, T, F and G: weights 2 7 6 5 4 3 2, modulo 11."""
    number = compact(text)
    total = weighted(digits(number), (2, 7, 6, 5, 4, 3, 2)) + (4 if number[0] in "TG" else 0)
    return ("JZIHGFEDCBA" if number[0] in "ST" else "XWUTRQPNMLK")[total % 11] == number[-1]


def is_south_african(text: str) -> bool:
    """Home Affairs: a date, citizenship 0 to 2, Luhn."""
    number = compact(text)
    return is_date(number[:2], number[2:4], number[4:6]) and number[10] in "012" and luhn(number)


def is_tfn(text: str) -> bool:
    """Australian Taxation Office: weights 1 4 3 7 5 8 6 9 10, modulo 11."""
    return weighted(digits(text), (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def is_nif(text: str) -> bool:
    """Portugal: weights 9 to 2, modulo 11, above 9 is 0."""
    found = digits(text)
    rest = 11 - weighted(found[:8], range(9, 1, -1)) % 11
    return (0 if rest > 9 else rest) == found[8]


def _kind(name: str, form: str, check: Callable[[str], bool], near: str = "") -> Kind:
    words = re.compile(rf"(?<![^\W_])(?:{near})(?![^\W\d_])", re.IGNORECASE) if near else None
    pattern = re.compile(rf"(?<![\w+])(?<!\d[.,/-])(?:{form})(?!\w|[.,/-]\d)", re.ASCII)
    return Kind(name, pattern, when(check), words, words)


def _has_digit(text: str) -> bool:
    return any(char.isdigit() for char in text)


KINDS = (
    _kind("ssn", r"\d{3}([- ])\d{2}\1\d{4}", was_ever_issued),
    _kind("ssn", r"\d{9}|\d{3}\.\d{2}\.\d{4}", was_ever_issued, r"ssn|social security(?: (?:number|no\.?|#))?"),
    _kind("us-itin", r"9\d{2}([- ])\d{2}\1\d{4}", is_itin),
    _kind("uk-nino", r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]", is_nino),
    _kind("it-codice-fiscale", r"[A-Za-z]{6}\d{2}[A-EHLMPR-Ta-ehlmpr-t]\d{2}[A-Za-z]\d{3}[A-Za-z]", is_codice_fiscale),
    _kind("fr-nir", r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}", is_nir),
    _kind("es-nie", r"[XYZ][ -]?\d{7}[ -]?[A-Z]", is_dni),
    _kind("es-dni", r"\d{8}[ -]?[A-Z]", is_dni, r"dni|nif|documento nacional(?: de identidad)?|national id(?:entity)?"),
    _kind("pl-pesel", r"\d{11}", is_pesel, r"pesel"),
    _kind("se-personnummer", r"(?:19|20)?\d{6}[-+]\d{4}", is_personnummer),
    _kind("se-personnummer", r"(?:19|20)?\d{10}", is_personnummer, r"person(?:nummer|al number)|samordningsnummer"),
    _kind("fi-hetu", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", is_hetu),
    _kind("no-fodselsnummer", r"\d{6} ?\d{5}", is_fodselsnummer, r"f[øo]dselsnummer|personnummer|d-nummer"),
    _kind("br-cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}", is_cpf),
    _kind("br-cpf", r"\d{11}", is_cpf, r"cpf"),
    _kind("ch-ahv", r"756\.?\d{4}\.?\d{4}\.?\d{2}", is_ahv),
    _kind("be-national-number", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", is_belgian),
    _kind("cn-resident-id", r"[1-9]\d{16}[\dXx]", is_chinese),
    _kind("sg-nric", r"[STFG]\d{7}[A-Z]", is_nric),
    _kind("in-pan", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", _has_digit, r"pan|permanent account|income[- ]tax|kyc"),
    _kind("in-aadhaar", r"[2-9]\d{3}([ -]?)\d{4}\1\d{4}", verhoeff, r"aadha+r|uidai|uid"),
    _kind("de-steuer-id", r"\d{2} ?\d{3} ?\d{3} ?\d{3}", is_steuer_id,
          r"(?:persönliche )?(?:steuer-?(?:id|ident\w*|nummer)|idnr\.?|tin)|identifikationsnummer|tax (?:id|number)"),
    _kind("nl-bsn", r"\d{9}|\d{4}[. ]\d{2}[. ]\d{3}", is_bsn, r"bsn|burgerservicenummer|sofi-?nummer"),
    _kind("uk-nhs", r"\d{3}([ -]?)\d{3}\1\d{4}", is_nhs, r"nhs(?: (?:number|no\.?))?"),
    _kind("ca-sin", r"[0-79]\d{2}([ -]?)\d{3}\1\d{3}", luhn, r"sin|social insurance"),
    _kind("au-tfn", r"\d{3}([ -]?)\d{3}\1\d{3}", is_tfn, r"tfn|tax file"),
    _kind("pt-nif", r"[1-35689]\d{8}", is_nif, r"nif|contribuinte"),
    _kind("za-id", r"\d{13}", is_south_african, r"id(?:entity)?(?: (?:number|no\.?))?|rsa"),
    _kind("passport", r"[A-Z]{0,2}\d{6,9}|[A-Z]\d[A-Z0-9]{6,7}", _has_digit,
          r"passports?|passeport|reisepass|pasaporte|passaporto"),
)  # fmt: skip
