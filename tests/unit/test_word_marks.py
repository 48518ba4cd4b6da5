"""What is marked in an answer: where it differs from another text, and personal data."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.word_marks import MOST_WORDS, Mark, Piece, differences, personal_marks, pieces_of

texts = st.text(st.sampled_from("ab .,\n猫犬é"), max_size=40)


def shown(other: str, text: str) -> str:
    """Write a text with its marks: what is only here in plus signs, what is missing in minus signs."""
    signs = {"only_here": "+", "left_out": "-"}
    marks = differences(other, text)
    assert marks is not None
    pieces = pieces_of(text, marks)
    return "".join(
        "".join(signs[kind] for kind in piece.kinds) + piece.text + "".join(signs[kind] for kind in piece.kinds)
        for piece in pieces
    )


def test_words_that_differ_are_marked_and_no_letters_within_them() -> None:
    assert shown("The parcel is late.", "The letter is late.") == "The -parcel-+letter+ is late."
    assert shown("The parcel is late.", "The parcel is very late!") == "The parcel is +very+ late-.-+!+"
    assert shown("It is late", "late") == "-It is-late"


def test_the_same_words_have_no_marks_however_they_are_spaced() -> None:
    assert differences("The parcel  is\nlate", "The parcel is late") == ()
    assert differences("", "") == ()


def test_a_script_without_spaces_is_compared_by_its_characters() -> None:
    assert shown("黒い猫が好き", "白い猫が好き") == "-黒-+白+い猫が好き"


def test_what_is_missing_at_either_end_is_told_there() -> None:
    assert shown("a b", "") == "-a b-"
    assert shown("", "a b") == "+a b+"
    assert shown("b a", "a b") in {"-b-a +b+", "+a+ b-a-"}


def test_texts_that_are_too_long_are_not_compared() -> None:
    long = "word " * (MOST_WORDS + 1)
    assert differences(long, "word") is None
    assert differences("word", long) is None
    assert differences("word " * MOST_WORDS, "word") is not None


def test_personal_data_is_marked_wherever_it_stands_as_words_of_its_own() -> None:
    text = "Li wrote to jane@example.com; Like Li, she waits."
    assert personal_marks(text, {"jane@example.com", "Li", " "}) == (
        Mark(0, 2, "personal", "Li"),
        Mark(12, 28, "personal", "jane@example.com"),
        Mark(35, 37, "personal", "Li"),
    )


def test_a_piece_has_every_mark_that_covers_it() -> None:
    marks = [Mark(0, 4, "only_here", "abcd"), Mark(2, 6, "personal", "cdef")]
    assert pieces_of("abcdefg", marks) == [
        Piece("ab", frozenset({"only_here"})),
        Piece("cd", frozenset({"only_here", "personal"})),
        Piece("ef", frozenset({"personal"})),
        Piece("g", frozenset()),
    ]


@given(other=texts, text=texts)
def test_the_pieces_are_the_text_and_its_marks_tell_the_other_one(other: str, text: str) -> None:
    marks = differences(other, text)
    assert marks is not None
    pieces = pieces_of(text, marks)
    here = "".join(piece.text for piece in pieces if "left_out" not in piece.kinds)
    assert here == text
    there = "".join(piece.text for piece in pieces if "only_here" not in piece.kinds)
    assert "".join(there.split()) == "".join(other.split())


@given(text=texts)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert differences(text, text) == ()
