"""Which addresses are fetched: one strict reading, with which every other reader of addresses agrees."""

from urllib.parse import urlsplit

import httpx2
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from service.domain.addresses import DEFAULT_HOSTS, MAX_LENGTH, host_name, is_address, read_address
from service.domain.errors import ADDRESS_REMEDIES, UnfetchablePrompt

HOST = "storage.labelbox.com"
# What addresses are made of, and what tricks are made of.
PIECES = st.sampled_from(
    [
        *(HOST, "evil.example", "127.0.0.1", "[::1]", "443", "444", "%2F", "%00", "%40"),
        *"@:/?#.%\\&=;, \t\n\r\0[]{}|^",
        *"\u3002\uff0f\uff20\u200b\u2028\u212a\u0455\ud800\U0001f600",
    ]
)


def reason_of(text: str, hosts: tuple[str, ...] = DEFAULT_HOSTS) -> str | None:
    try:
        read_address(text, hosts=hosts)
    except UnfetchablePrompt as error:
        return error.reason
    return None


@pytest.mark.parametrize(
    "text",
    [
        "https://storage.labelbox.com/org%2Fuuid-prompt.txt?Expires=1&KeyName=k&Signature=s",
        "HTTPS://Storage.Labelbox.COM/a",
        "https://storage.labelbox.com:443/a",
        "https://storage.labelbox.com",
        "https://storage.labelbox.com?a=1",
        " https://storage.labelbox.com/a\r\n",
        "https://storage.labelbox.com/über?größe=1",
        "https://storage.labelbox.com/a@b:c;d",
        "https://storage.labelbox.com/a/../b//c?u=https://evil.example/",
    ],
)
def test_an_https_address_of_an_allowed_host_may_be_fetched(text: str) -> None:
    assert is_address(text)
    assert read_address(text, hosts=DEFAULT_HOSTS).host == HOST


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://storage.labelbox.com/a", "address_scheme"),
        ("gs://bucket/key", "address_scheme"),
        ("s3://bucket/key", "address_scheme"),
        ("ftp://storage.labelbox.com/a", "address_scheme"),
        ("file:///etc/passwd", "address_scheme"),
        ("no address", "address_scheme"),
        ("", "address_scheme"),
        ("https:/storage.labelbox.com/a", "address_scheme"),
        ("//storage.labelbox.com/a", "address_scheme"),
        ("https://evil.example/a", "address_host"),
        ("https://sub.storage.labelbox.com/a", "address_host"),
        ("https://labelbox.com/a", "address_host"),
        ("https://storage.labelbox.com.evil.example/a", "address_host"),
        ("https://evil-storage.labelbox.com/a", "address_host"),
        ("https://xn--torage-hvf.labelbox.com/a", "address_host"),
        ("https://\u0455torage.labelbox.com/a", "address_host"),  # a Cyrillic letter
        ("https://\uff53torage.labelbox.com/a", "address_malformed"),  # a full-width letter
        ("https://storage\u3002labelbox.com/a", "address_malformed"),  # a full-width dot
        ("https://storage.labelbox.com\u2024evil.example/a", "address_malformed"),  # one dot leader
        ("https://storage.label\u00adbox.com/a", "address_malformed"),  # a soft hyphen
        ("https://storage.labelbox.com\u200b/a", "address_malformed"),  # no width at all
        ("https://storage.labelbox.com\uff0fa.evil.example/", "address_malformed"),  # a full-width slash
        ("https://storage.labelbox.com./a", "address_malformed"),
        ("https://.storage.labelbox.com/a", "address_malformed"),
        ("https://storage..labelbox.com/a", "address_malformed"),
        ("https://storage.labelbox.com:80/a", "address_malformed"),
        ("https://storage.labelbox.com:/a", "address_malformed"),
        ("https://storage.labelbox.com:0443/a", "address_malformed"),
        ("https://storage.labelbox.com:443:443/a", "address_malformed"),
        ("https://storage.labelbox.com:443@evil.example/a", "address_malformed"),
        ("https://user@storage.labelbox.com/a", "address_malformed"),
        ("https://user:password@storage.labelbox.com/a", "address_malformed"),
        ("https://storage.labelbox.com@evil.example/a", "address_malformed"),
        ("https://evil.example#@storage.labelbox.com/a", "address_malformed"),
        ("https://storage.labelbox.com/a#b", "address_malformed"),
        ("https://storage.labelbox.com/a?b#", "address_malformed"),
        ("https://evil.example\\@storage.labelbox.com/a", "address_malformed"),
        ("https://storage.labelbox.com\\.evil.example/a", "address_malformed"),
        ("https://storage.labelbox.com/a\\b", "address_malformed"),
        ("https:///storage.labelbox.com/a", "address_malformed"),
        ("https://", "address_malformed"),
        ("https://storage%2elabelbox.com/a", "address_malformed"),
        ("https://storage.labelbox.com%00.evil.example/a", "address_malformed"),
        ("https://storage_1.labelbox.com/a", "address_malformed"),
        ("https://storage.labelbox.com/a b", "address_malformed"),
        ("https://storage.labelbox.com/a\nHost: evil.example", "address_malformed"),
        ("https://storage.labelbox.com/\0", "address_malformed"),
        ("https://storage.labelbox.com/\ud800", "address_malformed"),
        ("https://storage.labelbox.com/" + "a" * MAX_LENGTH, "address_malformed"),
        ("https://" + "a" * 2000 + ".com/", "address_malformed"),
        ("https://127.0.0.1/a", "address_malformed"),
        ("https://[::1]/a", "address_malformed"),
        ("https://[::ffff:7f00:1]:443/a", "address_malformed"),
        ("https://2130706433/a", "address_malformed"),
        ("https://0x7f.0.0.0x1/a", "address_malformed"),
        ("https://017700000001/a", "address_malformed"),
        ("https://localhost/a", "address_malformed"),
    ],
)
def test_anything_else_is_refused_with_its_reason(text: str, reason: str) -> None:
    assert reason_of(text) == reason
    assert reason in ADDRESS_REMEDIES


def test_an_international_host_is_the_same_host_in_both_spellings() -> None:
    hosts = (host_name("Bücher.EXAMPLE"),)

    assert hosts == ("xn--bcher-kva.example",)
    assert read_address("https://bücher.example/a", hosts=hosts) == read_address(
        "https://xn--bcher-kva.example/a", hosts=hosts
    )


def test_nothing_is_allowed_by_an_empty_list() -> None:
    assert reason_of("https://storage.labelbox.com/a", ()) == "address_host"


@settings(max_examples=500)
@given(
    st.just("") | PIECES,
    st.sampled_from(["", "/", "?", ":443/", "/?", "/@"]),
    st.lists(PIECES, max_size=6).map("".join),
)
def test_what_may_be_fetched_means_the_same_to_every_reader(before: str, between: str, after: str) -> None:
    text = f"https://{before}{HOST}{between}{after}"
    assume(reason_of(text) is None)

    seen = urlsplit(text.strip())
    assert (seen.hostname, seen.port or 443, seen.username, seen.password, seen.fragment) == (HOST, 443, None, None, "")
    other = httpx2.URL(text.strip())
    assert (other.scheme, other.host, other.port, other.userinfo, other.fragment) == ("https", HOST, None, b"", "")


@given(st.text() | st.lists(PIECES).map("".join) | st.text().map("https://".__add__))
def test_no_text_makes_the_reader_fail_in_another_way(text: str) -> None:
    assert reason_of(text) in {None, "address_scheme", "address_malformed", "address_host"}


@given(st.text(alphabet="abc/%&=;?@:+", max_size=20))
def test_no_query_is_written_where_people_read(query: str) -> None:
    address = read_address(f"https://{HOST}/a.txt?Signature=s3cret{query}", hosts=DEFAULT_HOSTS)

    assert str(address) == f"https://{HOST}/a.txt"
    assert "s3cret" not in repr(address)
    assert address.query == f"?Signature=s3cret{query}"


@given(st.lists(PIECES, max_size=6).map("".join))
def test_a_refusal_repeats_neither_path_nor_query(text: str) -> None:
    with pytest.raises(UnfetchablePrompt) as raised:
        read_address(f"https://user:s3cret@{text}/s3cret?s3cret", hosts=DEFAULT_HOSTS)

    assert "s3cret" not in f"{raised.value}{raised.value.__cause__}"


@given(st.text(alphabet="Aaäb.-1", max_size=12))
def test_a_host_name_written_once_stays_as_it_is(written: str) -> None:
    try:
        once = host_name(written)
    except ValueError:
        return
    assert host_name(once) == once
    assert once.isascii()


@pytest.mark.parametrize(
    "text",
    [
        "Summarize https://storage.labelbox.com/a",
        "https://storage.labelbox.com/a https://storage.labelbox.com/b",
        "https://storage.labelbox.com/a\nSummarize this.",
        "storage.labelbox.com/a",
        "mailto:somebody@example.com",
        "https:",
        "",
    ],
)
def test_a_text_that_only_holds_an_address_is_a_text(text: str) -> None:
    assert not is_address(text)


@pytest.mark.parametrize("text", ["gs://bucket/key", "S3://bucket/key", "http://a", "https://[::1]/", "https://a#b\n"])
def test_an_address_that_is_never_fetched_is_no_text_either(text: str) -> None:
    assert is_address(text)
    assert reason_of(text) is not None
