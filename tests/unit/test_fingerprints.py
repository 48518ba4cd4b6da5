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
    assert found.buckets[:2] == (4_934_706_306_423_491_423, -5_035_616_550_221_848_242)
    assert found.signature[:8].hex() == "0fc2fcab8b9b7f58"


@given(text=WORDS)
def test_spacing_case_and_punctuation_make_no_difference(text: str) -> None:
    other = "  " + text.upper().replace(" ", ",\n ") + "!"
    assert fingerprint(other) == fingerprint(text)


@given(text=st.text())
def test_any_text_has_a_fingerprint_or_too_few_words(text: str) -> None:
    found = fingerprint_of(text)
    assert found is None or (4 <= len(found.signature) <= 256 and len(found.buckets) == 6)


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


@pytest.mark.parametrize("changed", range(0, 60, 7))
def test_the_similarity_of_short_texts_is_exact(changed: int) -> None:
    words = LONG.split()[:60]
    other = [f"new{number}" for number in range(changed)] + words[changed:]
    common = max(0, 60 - 2 - changed)
    found = similarity(fingerprint(" ".join(words)).signature, fingerprint(" ".join(other)).signature)
    assert found == common / (2 * 58 - common)


@pytest.mark.parametrize("changed", range(0, 200, 25))
def test_the_similarity_of_long_texts_is_close(changed: int) -> None:
    words = LONG.split()
    words[:changed] = [f"new{number}" for number in range(changed)]
    common = max(0, 200 - 2 - changed)
    found = similarity(fingerprint(LONG).signature, fingerprint(" ".join(words)).signature)
    assert found == pytest.approx(common / (2 * 198 - common), abs=0.2)


@given(one=WORDS, other=WORDS)
def test_similarity_is_symmetrical_and_one_only_for_the_same_runs(one: str, other: str) -> None:
    these, those = fingerprint(one).signature, fingerprint(other).signature
    assert similarity(these, those) == similarity(those, these)
    assert similarity(these, these) == 1
    assert (similarity(these, those) == 1) == (these == those)


def test_texts_that_are_nearly_the_same_nearly_always_share_a_bucket() -> None:
    met = 0
    for number in range(100):
        text = " ".join(f"w{number}x{place}" for place in range(100))
        # 93 of 98 runs in common on either side: a similarity of 0.9.
        other = " ".join(text.split()[5:] + [f"end{place}" for place in range(5)])
        met += bool(set(fingerprint(text).buckets) & set(fingerprint(other).buckets))
    assert met >= 95


def test_a_mebibyte_is_no_trouble() -> None:
    assert fingerprint_of("lorem ipsum " * 87_000) is not None
