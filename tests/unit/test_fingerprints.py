import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.fingerprints import NEAR, Fingerprint, fingerprint_of, similarity

LONG = " ".join(f"word{number}" for number in range(200))
WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=3, max_size=80).map(" ".join)


def fingerprint(text: str) -> Fingerprint:
    found = fingerprint_of(text)
    assert found is not None
    return found


def test_a_fingerprint_is_the_same_on_every_machine_and_in_every_release() -> None:
    found = fingerprint("the quick brown fox jumps over the lazy dog")
    assert found.buckets[:2] == (-6_918_559_702_473_208_593, -6_784_379_774_703_483_288)
    assert found.signature[:8].hex() == "d78b25bb85cfe1dd"


@given(text=WORDS)
def test_spacing_case_and_punctuation_make_no_difference(text: str) -> None:
    other = "  " + text.upper().replace(" ", ",\n ") + "!"
    assert fingerprint(other) == fingerprint(text)


@given(text=st.text())
def test_any_text_has_a_fingerprint_or_too_few_words(text: str) -> None:
    found = fingerprint_of(text)
    assert found is None or (len(found.signature), len(found.buckets)) == (96, 16)


@pytest.mark.parametrize("text", ["", "hello", "hello there", "?!", "中文"])
def test_below_three_words_a_text_only_equals_itself(text: str) -> None:
    assert fingerprint_of(text) is None


def test_a_long_text_with_one_other_word_is_near() -> None:
    other = LONG.replace("word77", "another")
    assert similarity(fingerprint(LONG).signature, fingerprint(other).signature) > NEAR
    assert set(fingerprint(LONG).buckets) & set(fingerprint(other).buckets)


def test_a_text_without_spaces_is_read_by_characters() -> None:
    text = "今天的天气非常好我们一起去公园散步吧然后再去吃饭看电影最后回家休息"
    assert similarity(fingerprint(text).signature, fingerprint(text + "了").signature) > NEAR


def test_different_texts_are_not_near_and_meet_in_no_bucket() -> None:
    other = " ".join(f"other{number}" for number in range(200))
    assert similarity(fingerprint(LONG).signature, fingerprint(other).signature) < 0.2
    assert not set(fingerprint(LONG).buckets) & set(fingerprint(other).buckets)


@pytest.mark.parametrize("changed", range(0, 200, 25))
def test_the_similarity_is_the_share_of_runs_in_common(changed: int) -> None:
    words = LONG.split()
    words[:changed] = [f"new{number}" for number in range(changed)]
    common = max(0, 200 - 2 - changed)
    true = common / (2 * 198 - common)
    assert similarity(fingerprint(LONG).signature, fingerprint(" ".join(words)).signature) == pytest.approx(
        true, abs=0.16
    )


def test_texts_that_are_nearly_the_same_nearly_always_share_a_bucket() -> None:
    met = 0
    for number in range(100):
        text = " ".join(f"w{number}x{place}" for place in range(100))
        # 93 of 98 runs in common on either side: a similarity of 0.9.
        other = " ".join(text.split()[5:] + [f"end{place}" for place in range(5)])
        met += bool(set(fingerprint(text).buckets) & set(fingerprint(other).buckets))
    assert met >= 97


def test_a_mebibyte_is_no_trouble() -> None:
    assert fingerprint_of("lorem ipsum " * 87_000) is not None
