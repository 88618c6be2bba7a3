import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents.scanning import national
from llmops.documents.scanning.hits import hits
from llmops.documents.scanning.patterns import NAMES_A_PERSON, find_personal_data

# Numbers that the issuing offices print as specimens, or that were made up with right check digits.
SPECIMENS = [
    ("ssn", "SSN 219099999"),
    ("us-itin", "912-70-1234"),
    ("uk-nino", "National Insurance number AB 12 34 56 C"),
    ("uk-nhs", "NHS number 943 476 5919"),
    ("it-codice-fiscale", "RSSMRA85T10A562S"),
    ("fr-nir", "2 55 08 14 168 025 38"),
    ("es-nie", "X1234567L"),
    ("es-dni", "DNI 12345678Z"),
    ("pl-pesel", "PESEL 44051401359"),
    ("se-personnummer", "811228-9874"),
    ("se-personnummer", "personnummer 8112289874"),
    ("fi-hetu", "131052-308T"),
    ("no-fodselsnummer", "fødselsnummer 15076500565"),
    ("br-cpf", "529.982.247-25"),
    ("br-cpf", "CPF 52998224725"),
    ("ch-ahv", "756.9217.0769.85"),
    ("be-national-number", "85.07.30-033.28"),
    ("cn-resident-id", "11010519491231002X"),
    ("sg-nric", "S1234567D"),
    ("in-pan", "PAN: ABCPE1234F"),
    ("in-aadhaar", "Aadhaar 2341 2341 2346"),
    ("de-steuer-id", "Steuer-ID 86 095 742 719"),
    ("nl-bsn", "111222333 (BSN)"),
    ("ca-sin", "SIN 046 454 286"),
    ("au-tfn", "TFN 123 456 782"),
    ("pt-nif", "NIF 123456789"),
    ("za-id", "ID number 8001015009087"),
    ("passport", "passport no. X1234567"),
]


@pytest.mark.parametrize(("kind", "text"), SPECIMENS)
def test_a_number_that_a_state_gives_is_found(kind, text):
    assert [hit.kind for hit in find_personal_data(f"It is {text}, he says.")] == [kind]
    assert kind in NAMES_A_PERSON


def test_every_kind_has_a_specimen_here():
    assert {kind.name for kind in national.KINDS} == {kind for kind, _ in SPECIMENS}


# No form of its own and no check digit that reaches its last digit.
_UNCHECKED = {"ssn", "us-itin", "uk-nino", "in-pan", "passport"}


@pytest.mark.parametrize(("kind", "text"), [row for row in SPECIMENS if row[0] not in _UNCHECKED])
def test_one_wrong_digit_is_refused(kind, text):
    place = max(at for at, char in enumerate(text) if char.isdigit())
    wrong = text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
    assert kind not in [hit.kind for hit in find_personal_data(wrong)]


@pytest.mark.parametrize(
    "text",
    [
        "000-12-3456, 666-12-3456, 219-00-9999, 219-09-0000",
        "912-49-1234, 912-93-1234",
        "BG123456A, GB 12 34 56 A, ZZ123456B",
        "99990000000",
        "the part 12345678Z, the order 111222333",
        "44053201359",
        "991332-9874",
        "111.111.111-11",
    ],
)
def test_what_no_office_issues_is_refused(text):
    assert find_personal_data(text) == ()


def test_a_bare_number_needs_its_name_beside_it():
    assert find_personal_data("order 111222333") == ()
    assert find_personal_data("BSN" + " x" * 40 + " 111222333") == ()
    assert len(find_personal_data("his BSN is 111222333")) == 1


@given(st.text("0123456789ABXYZabz .-/+SNTGpassporth", max_size=60))
def test_no_check_raises(text):
    hits(f"BSN DNI CPF {text}", ((national.KINDS, ((0, len(text) + 12),)),))
