import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents.scanning import checks

NUMBERS = st.text("0123456789", min_size=11, max_size=15).filter(lambda text: len(set(text)) > 1)
WRONG = st.integers(1, 9)


@pytest.mark.parametrize("check", [checks.luhn, checks.verhoeff, checks.mod_11_10])
@given(body=NUMBERS, place=st.integers(0, 10), by=WRONG)
def test_one_digit_of_ten_fits_and_one_wrong_digit_is_seen(check, body, place, by):
    right = [body + last for last in "0123456789" if check(body + last)]
    assert len(right) == 1
    changed = right[0][:place] + str((int(right[0][place]) + by) % 10) + right[0][place + 1 :]
    assert not check(changed)


@given(body=NUMBERS, place=st.integers(0, 9))
def test_verhoeff_sees_two_neighbours_that_changed_places(body, place):
    right = next(body + last for last in "0123456789" if checks.verhoeff(body + last))
    swapped = right[:place] + right[place + 1] + right[place] + right[place + 2 :]
    assert checks.verhoeff(swapped) == (swapped == right)


@pytest.mark.parametrize(
    "number", ["4111111111111112", "1234567890123452", "41111111111111", "5018123412341", "9999999999999995"]
)
def test_what_is_no_card_is_refused(number):
    assert not checks.is_card(number)


@pytest.mark.parametrize(
    "number",
    ["4111111111111111", "4222222222222", "378282246310005", "30569309025904", "6011111111111117", "3530111333300000",
     "5555555555554444", "2223003122003222", "6759649826438453", "6200000000000005"],
)  # fmt: skip
def test_cards_of_the_known_schemes_are_taken(number):
    assert checks.is_card(number)


def test_twelve_digits_of_maestro_are_a_card_only_beside_the_word():
    assert not checks.is_card("501864667909")
    assert checks.is_any_card("501864667909")


@pytest.mark.parametrize(
    "text",
    ["GB82 WEST 1234 5698 7654 33", "ZZ82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 321", "GB82 WEST 1234"],
)
def test_what_is_no_iban_is_refused(text):
    assert checks.iban(text) == ""


@pytest.mark.parametrize("after", ["", " AND", "-"])
def test_an_iban_ends_where_its_country_says(after):
    assert checks.iban(f"GB82 WEST 1234 5698 7654 32{after}") == "GB82 WEST 1234 5698 7654 32"


def test_dates_have_months_and_days():
    assert checks.is_date("00", "02", "29")
    assert not any(checks.is_date(*date) for date in (("", "01", "01"), ("00", "13", "01"), ("00", "04", "31")))
