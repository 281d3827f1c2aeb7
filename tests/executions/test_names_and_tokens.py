"""Names that may be shown, texts that are repeated in errors, tokens of pages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stigmer_apis.errors import InvalidArgument
from stigmer_backend.resources.paging import decode_token, encode_token, page_rows
from stigmer_backend.resources.text import NAME_LIMIT, check_names, quoted, refused_character


@given(st.text(max_size=400))
def test_what_is_quoted_obeys_nothing(text: str) -> None:
    assert quoted(text).isprintable()
    assert len(quoted(text)) < 2500


@given(st.text(max_size=50))
def test_a_name_that_is_taken_moves_no_cursor_and_turns_no_text(text: str) -> None:
    if not refused_character(text):
        assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in text)
        assert not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u2028\u2029")


def test_ordinary_names_of_all_kinds_are_taken() -> None:
    check_names(
        [("f", name) for name in ("plain", "[@click=app.quit]", "日本語", "naïve", "👩‍💻 dev", "a" * NAME_LIMIT, "")]
    )
    with pytest.raises(InvalidArgument):
        check_names([("f", "a" * (NAME_LIMIT + 1))])


@given(st.binary(min_size=1, max_size=80), st.binary(max_size=40))
def test_a_token_goes_on_with_its_own_question_alone(key: bytes, question: bytes) -> None:
    token = encode_token(question, key)
    assert token.isascii()
    assert decode_token(question, token) == key
    with pytest.raises(InvalidArgument):
        decode_token(question + b"!", token)


@given(st.text(min_size=1, max_size=60))
def test_any_other_text_is_no_token(text: str) -> None:
    with pytest.raises(InvalidArgument):
        decode_token(b"question", text)


def test_page_sizes_have_limits() -> None:
    assert [page_rows(asked, 20) for asked in (0, 1, 1000)] == [20, 1, 1000]
    for asked in (-1, 1001):
        with pytest.raises(InvalidArgument):
            page_rows(asked, 20)
