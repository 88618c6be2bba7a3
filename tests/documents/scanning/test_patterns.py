from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.documents.scanning.patterns import Hit, find_personal_data, find_secrets, find_urls


def kinds(hits: tuple[Hit, ...]) -> list[str]:
    return [hit.kind for hit in hits]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to rosa.whitlow+loan@alderfinch.co.uk today", "email"),
        ("<mailto:a@b.io>", "email"),
        ("card 4111 1111 1111 1111.", "card"),
        ("card 5500-0055-5555-5559", "card"),
        ("378282246310005", "card"),
        ("SSN 219-09-9999", "ssn"),
        ("IBAN GB82 WEST 1234 5698 7654 32", "iban"),
        ("DE89370400440532013000", "iban"),
        ("call (212) 736-5000", "phone"),
        ("call +49 30 1234567", "phone"),
        ("call 212-736-5000 now", "phone"),
        ("call +1 212 736 5000", "phone"),
        ("from 8.8.4.4", "ipv4"),
        ("to josé.garcía@empresa.es", "email"),
        ("o'brien@mail.ie wrote", "email"),
        ("pay de89370400440532013000", "iban"),
        ("IBAN:GB82 WEST 1234 5698 7654 32 PLEASE", "iban"),
        ("card 501864667909", "card"),
        ("2606:4700:4700::1111 answers", "ipv6"),
        ("6e40:4041:c617:e898:c11:40d2:c669:2eb4", "ipv6"),
        ("at +44 20 7946 0958", "phone"),
        ("0044 20 7946 0958", "phone"),
        ("+33 (0)1 42 68 53 00", "phone"),
        ("+4915112345678", "phone"),
        ("020 7946 0958", "phone"),
        ("01.42.68.53.00", "phone"),
        ("030/12345678", "phone"),
        ("call me at 7654321", "phone"),
        ("they answer at 78 651 450", "phone"),
        ("(898)666-3621x0135", "phone"),
        ("(37) 788-063-Office", "phone"),
    ],
)
def test_personal_data_is_found(text: str, kind: str) -> None:
    hits = find_personal_data(text, documentation=False)

    assert kinds(hits) == [kind]
    assert text[hits[0].start : hits[0].end] == hits[0].text


@pytest.mark.parametrize(
    "text",
    [
        "card 4111 1111 1111 1112",  # Luhn
        "0000 0000 0000 0000",
        "IBAN GB82 WEST 1234 5698 7654 33",  # mod 97
        "SSN 000-12-3456, 666-12-3456, 912-12-3456, 219-00-9999, 219-09-0000",
        "version 1.2.3.4.5 and 300.1.2.3 and 1.2.3",
        "the rate rose from 6.125 to 7.250 on 2024-05-01 at 12:30",
        "loan of $1,234,567.89 over 360 months",
        "see section 12.4.1-2 and case 2023-1187",
        "@param and user@ and @home",
        "std::vector<int> a::b::c at 12:30:45, 00:1a:2b:3c:4d:5e, dead::beef, 2001::",
        "version 1.2.3 build 20240501123000, timestamp 1700000000000",
        "ISBN 978-3-16-148410-0 and 0-306-40615-2",
        "calls rose from 1,200,000 to 1,350,000. Call 911. Text HELP to 12345.",
        "Call the lender if the balance is 1500000.",
        "01.02.2024 10:30 and 09-12-2023 to 10-12-2023",
        "uuid 550e8400-e29b-41d4-a716-446655440000 at http://host:8080/path/1234567890",
        "the office is at 03262 2437 Main St",
        "501864667909 and order 699 956 915",
        "conventional limit 766,550 and 1,149,825",
        "",
    ],
)
def test_what_only_looks_like_it_is_not_found(text: str) -> None:
    assert find_personal_data(text) == ()


@pytest.mark.parametrize(
    "text",
    [
        "rosa@example.com",
        "a@mail.example.org",
        "a@b.test",
        "(415) 555-0134",
        "192.0.2.7",
        "10.1.2.3",
        "172.20.1.1",
        "127.0.0.1",
        "2001:db8::7",
        "fe80::1ff:fe23:4567:890a",
    ],
)
def test_what_is_reserved_for_examples_is_left_out_on_request(text: str) -> None:
    assert len(find_personal_data(text)) == 1
    assert find_personal_data(text, documentation=False) == ()


def test_a_number_is_reported_once_as_its_strictest_kind() -> None:
    assert kinds(find_personal_data("4111 1111 1111 1111 and 219-09-9999 and a@b.io")) == ["card", "ssn", "email"]


# Put together here, so that no scanner takes this file for a leak.
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("AKIA" + "IOSFODNN7EXAMPL2", "aws-key"),
        ("ghp_" + "a1B2" * 9, "github-token"),
        ("github_pat_" + "a1B2c3" * 11, "github-token"),
        ("xoxb-" + "123456789012-abcdef", "slack-token"),
        ("AIza" + "a1B2c3D" * 5, "google-key"),
        ("-----BEGIN " + "OPENSSH PRIVATE KEY-----", "private-key"),
        ("-----BEGIN " + "PRIVATE KEY-----", "private-key"),
        ("eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N", "jwt"),
        ("sk-" + "a1B2c3D4" * 4, "api-key"),
        ("sk-proj-" + "a1B2c3D4" * 5, "api-key"),
        ("sk_live_" + "a1B2c3D4" * 3, "api-key"),
        ("https://me:" + "hunter2secret@host.net/x", "url-password"),
        ("redis://:" + "hunter2secret@cache/0", "url-password"),
        ("https://host.net/a?api_key=" + "a1b2c3d4e5f6g7h8", "url-token"),
        ("glpat-" + "a1B2c3D4e5F6g7H8i9J0", "gitlab-token"),
        ("https://hooks.slack.com/services/" + "T0000AAAA/B0000BBBB/" + "a1B2c3D4e5F6", "slack-webhook"),
        ("ya29." + "a1B2c3D4" * 5, "google-token"),
        ("hf_" + "aB1cD2eF3" * 4, "hugging-face-token"),
        ("npm_" + "a1B2c3D4e5F6" * 3, "package-token"),
        ("SG." + "a1B2c3D4e5F6g7H8i9J0kk." + "a1B2c3D4" * 5, "mail-key"),
        ("dop_v1_" + "0a1b2c3d" * 8, "cloud-token"),
        ("12345678:AA" + "a1B2c3D4e5F6g7H8" * 2 + "ab", "bot-token"),
        ("AccountKey=" + "a1B2c3D4" * 10 + "==", "azure-key"),
        ("gsk_" + "a1B2c3D4" * 6, "api-key"),
        ("sk-ant-api03-" + "a1B2c3D4e5F6-" * 6 + "a1B2", "api-key"),
    ],
)
def test_secrets_are_found_and_masked(text: str, kind: str) -> None:
    hits = find_secrets(f"use {text} here")

    assert kinds(hits) == [kind]
    assert hits[0].text in text
    assert hits[0].masked == hits[0].text[:4] + "*" * 8


@pytest.mark.parametrize(
    "text",
    [
        "sk-your-key-goes-here-please-now",
        "a task-oriented risk-averse desk",
        "OPENAI_API_KEY",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
        "https://api.openai.com/v1",
        "https://me:{{ password }}@host/",
        "the public key and the PRIVATE KEYS",
        "",
        "AKIA",
        "https://host.net/?api_key=YOUR_API_KEY_GOES_HERE",
        "https://host.net/?token={{ token }}&page=1",
        "key-value pairs and singletons",
    ],
)
def test_words_are_no_secrets(text: str) -> None:
    assert find_secrets(text) == ()


@given(st.text("0123456789 -.@abAEyJskIBN_:/+()", max_size=200) | st.text(max_size=100))
def test_hits_never_overlap_and_stand_where_they_say(text: str) -> None:
    for hits in (find_personal_data(text), find_secrets(text)):
        assert all(text[hit.start : hit.end] == hit.text for hit in hits)
        assert all(one.end <= other.start for one, other in pairwise(hits))


def test_many_finds_are_all_reported():
    assert len(find_personal_data("a@b.io " * 20_000)) == 20_000


def test_a_short_find_shows_no_more_than_half_of_itself():
    assert Hit(kind="x", start=0, end=6, text="123456").masked == "123***"


def test_addresses_end_before_the_punctuation_of_their_sentence():
    text = "See http://www.a.com.pt/, (https://b.ch/x) and www.c.org."
    assert [hit.text for hit in find_urls(text)] == ["http://www.a.com.pt/", "https://b.ch/x", "www.c.org"]
    assert all(text[hit.start : hit.end] == hit.text for hit in find_urls(text))


@pytest.mark.parametrize(
    "text",
    [
        "1 " * 50_000,
        "0::" * 20_000,
        "call 12 " * 5_000,
        "A1" * 30_000,
        "a@" * 20_000,
        "a." * 50_000 + "@",
        "a@" + "b-" * 50_000,
        "+1 " * 30_000,
        "GB82 " * 30_000,
        "eyJa." * 20_000,
    ],
)
def test_long_hostile_text_ends(text: str) -> None:
    assert find_secrets(text) == ()
    find_personal_data(text)
