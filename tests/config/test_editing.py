"""Changing one setting leaves the rest of the file as the person wrote it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_apis.config.document import read_document
from stigmer_apis.config.editing import flat, quoted, with_value, without_value
from stigmer_apis.config.schema import SETTINGS
from stigmer_apis.errors import ConfigError

FILE = """\
# mine
backend:
  type: local   # here
  local:
    # which model
    llm:
      provider: anthropic
      model: 'a b'

    execution: {mode: auto, ttl: 60}
# the end of it
log:
"""
MODEL = ("backend", "local", "llm", "model")


@pytest.mark.parametrize(
    ("path", "value", "old", "new"),
    [
        (("backend", "type"), "cloud", "type: local   # here", "type: cloud   # here"),
        (MODEL, "c: d", "model: 'a b'", "model: 'c: d'"),
        ((*MODEL[:-1], "base_url"), "http://h:1/", "'a b'\n", "'a b'\n      base_url: 'http://h:1/'\n"),
        (("backend", "local", "execution", "mode"), "local", "{mode: auto,", "{mode: local,"),
        (("backend", "local", "execution", "cleanup"), "true", "ttl: 60}", "ttl: 60, cleanup: true}"),
        (("log", "level"), "debug", "log:\n", "log:\n  level: debug\n"),
        (("context", "organization"), "o", "log:\n", "log:\ncontext:\n  organization: o\n"),
        (("backend", "cloud", "org_id"), "12", "ttl: 60}\n", "ttl: 60}\n  cloud:\n    org_id: 12\n"),
    ],
)
def test_one_place_changes(path: tuple[str, ...], value: str, old: str, new: str) -> None:
    assert with_value(FILE, path, value, "f") == FILE.replace(old, new)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (("backend", "type"), "  type: local   # here\n", ""),
        (MODEL, "      model: 'a b'\n", ""),
        (("backend", "local", "execution", "mode"), "{mode: auto, ttl", "{ttl"),
        (("backend", "local", "execution", "ttl"), ", ttl: 60}", "}"),
    ],
)
def test_one_place_goes(path: tuple[str, ...], old: str, new: str) -> None:
    assert without_value(FILE, path, "f") == FILE.replace(old, new)


def test_a_section_goes_with_its_last_setting() -> None:
    text = "a: 1\nbackend:\n  local:\n    llm:\n      model: m\n"
    assert without_value(text, MODEL, "f") == "a: 1\n"


@pytest.mark.parametrize("text", ["", "# only words", "# only words\n", "---\n", "---", "{}", "log: {}\r\n"])
def test_a_file_that_says_nothing_gets_its_first_setting(text: str) -> None:
    assert flat(read_document(with_value(text, ("log", "level"), "debug", "f"), "f")) == {("log", "level"): "debug"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("log: [1]\n", "f:1:6"),
        ("a: &x 1\n", "anchors"),
        ("a: !!python/name:os.system x\n", "tags"),
        ("a: *x\n", "f:1:4"),
        ("- a\n", "f:1:1"),
        ("words\n", "f:1:1"),
        ("a: 1\na: 2\n", "f:2:1: 'a' stands here a second time, first in line 1"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("a:\n\tb: 1\n", "f:2:1"),
        ("a: 'open\n", "f:2"),
        ("a: \0\n", "character"),
        ("? [a]\n: b\n", "no name"),
        ("{" * 100_000, "no name"),
        ("a: " + "{a: " * 100_000, "deep"),
        ("a: " + "[" * 100_000, "f:1:4"),
    ],
    ids=range(15),
)
def test_what_is_not_of_this_form_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_document(text, "f")
    assert words in str(caught.value)


PATHS = [setting.path for setting in SETTINGS.values() if setting.in_file]
VALUES = (
    st.text(st.characters(min_codepoint=32, max_codepoint=0x24F), min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda text: bool(text) and text.isprintable())
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(PATHS), st.one_of(st.none(), VALUES)), max_size=12), st.sampled_from(["", FILE])
)
def test_any_changes_one_after_the_other_give_what_a_dictionary_gives(
    changes: list[tuple[tuple[str, ...], str | None]], text: str
) -> None:
    model = flat(read_document(text, "f"))
    for path, value in changes:
        if value is not None:
            text = with_value(text, path, value, "f")
            model[path] = value
        elif path in model:
            text = without_value(text, path, "f")
            del model[path]
    assert flat(read_document(text, "f")) == model


@given(VALUES)
def test_quotes_keep_a_value_what_it_is(value: str) -> None:
    document = read_document(f"a: {quoted(value)}\n", "f")
    assert flat(document) == {("a",): value}
