"""Files that were made to hurt are answered with a place and a reason, and soon; ordinary ones with what is in them."""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stigmer_apis.documents import limits, parsing
from stigmer_apis.documents.nodes import ListNode, MapNode, Node, Scalar, ScalarType
from stigmer_apis.documents.parsing import parse
from stigmer_apis.documents.problems import ManifestError, Problem
from stigmer_apis.documents.sources import Source, read_sources
from tests.support.scale import scaled


def answer(data: bytes, form: str = "yaml") -> tuple[Node, ...] | tuple[Problem, ...]:
    return parse([Source("f.yaml", data, form)])[0]


def said(data: bytes, form: str = "yaml") -> str:
    return "\n".join(str(part) for part in answer(data, form) if isinstance(part, Problem))


def plain(node: Node) -> object:
    match node:
        case MapNode():
            return {entry.key: plain(entry.value) for entry in node.entries}
        case ListNode():
            return [plain(item) for item in node.items]
        case Scalar():
            return (node.type.value, node.text)


def bomb() -> bytes:
    lines = [b"a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [b"a%d: &a%d [%s]" % (level, level, b",".join([b"*a%d" % (level - 1)] * 10)) for level in range(1, 10)]
    return b"\n".join(lines)


HOSTILE = {
    "aliases of nine levels": (bomb(), "grows past"),
    "a long text behind many aliases": (b"a: &a " + b"x" * 100_000 + b"\nb: [" + b"*a," * 1000 + b"]\n", "grows past"),
    "200,000 lists in each other": (b"[" * 200_000, ":1:65: lists and mappings are nested more than 64 deep"),
    "200,000 mappings in each other": (b"{a: " * 200_000, "nested more than 64 deep"),
    "200,000 list items in each other": (b"- " * 200_000, "nested more than 64 deep"),
    "a tag that makes an object": (b"a: !!python/object/apply:os.system [ls]", ":1:4: there is a tag"),
    "an ordinary tag": (b"a: !!str x", ":1:4: there is a tag"),
    "a key twice": (b"a: 1\nb: 2\na: 3\n", ":3:1: the key `a` is there twice, first in line 1: keep one"),
    "a tab as indentation": (b"a:\n\tb: 1\n", ":2:1: this is not YAML: found character that cannot start any token: indent with spaces"),
    "a NUL": (b"a: 1\nb: \0\n", ":2:4: there is a NUL character: take it out"),
    "another control character": (b"a: \x01", ":1:4: there is a character that YAML does not allow"),
    "a number of 100,000 digits": (b"a: " + b"1" * 100_000, ":1:4: a number of 100000 digits is too large"),
    "UTF-16": ("a: 1".encode("utf-16"), ":1:1: the file is UTF-16: save it as UTF-8"),
    "Latin-1": (b"a: x\nb: caf\xe9\n", ":2:7: byte 0xe9 is not UTF-8: save the file as UTF-8"),
    "an alias of itself": (b"a: &a [*a]", ":1:8: the alias `*a` has no anchor before it"),
    "an alias of nothing": (b"a: *b", "the alias `*b` has no anchor"),
    "a list as a key": (b"? [a]\n: b\n", ":1:3: a key has to be text"),
    "quotes that stay open": (b'a: "b\nc: d\n', "close the quotes"),
    "two colons": (b"a: b: c\n", ":1:5: this is not YAML: mapping values are not allowed in this context: put a text"),
    "a merge of text": (b"<<: x\n", "takes a mapping"),
    "200,000 equal keys": (b"{" + b"a: b, " * 200_000 + b"}", "there is more that is wrong"),
    "200,000 directives": (b"%TAG ! x:\n" * 200_000, "not YAML"),
}  # fmt: skip
HOSTILE_JSON = {
    "200,000 lists in each other": (b"[" * 200_000, "nested more than 64 deep"),
    "a key twice": (b'{"a": 1,\n"a": 2}', ":2:1: the key `a` is there twice"),
    "no colon": (b'{"a": 1,\n "b" 2}', ":2:6: a colon should stand here"),
    "no comma": (b"[1 2]", ":1:4: a comma or `]` should stand here"),
    "a comma too many": (b'{"a": 1,}', "a key in double quotes"),
    "no value": (b'{"a": }', ":1:7: a value should stand here"),
    "an open text": (b'{"a": "b\n"}', "a text is not closed"),
    "half a surrogate": (b'{"a": "\\ud800"}', "surrogate"),
    "a number of 100,000 digits": (b'{"a": ' + b"1" * 100_000 + b"}", "100000 digits is too large"),
    "YAML": (b"a: b", ":1:1: a value should stand here"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_answered_with_its_place(name: str) -> None:
    data, words = HOSTILE[name]
    assert words in said(data)


@pytest.mark.parametrize("name", HOSTILE_JSON)
def test_hostile_json_is_answered_with_its_place(name: str) -> None:
    data, words = HOSTILE_JSON[name]
    assert words in said(data, "json")


def test_every_hostile_file_costs_little_processor_time() -> None:
    for name, (data, _) in HOSTILE.items():
        before = os.times()
        answer(data)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        assert spent <= limits.CPU_SECONDS_AT_MOST + 0.5, name


def test_crlf_and_a_byte_order_mark_change_nothing() -> None:
    wanted = [{"a": ("int", "1"), "b": ("text", "x\ny\n")}]
    assert [
        plain(node) for node in answer(b"\xef\xbb\xbfa: 1\r\nb: |\r\n  x\r\n  y\r\n") if not isinstance(node, Problem)
    ] == wanted


def test_what_plain_text_means() -> None:
    text = b"[1, -2, 0x1f, 0o17, 1.5, 1e3, yes, no, true, ~, 0755, 12:30, 1_000, 2024-01-01, 1.2.3, 'no', \"1\", , x]"
    [node] = answer(text.replace(b", ,", b","))
    assert isinstance(node, ListNode)
    assert [item.type.value for item in node.items if isinstance(item, Scalar)] == [
        "int", "int", "int", "int", "float", "text", "bool", "bool", "bool", "null", "odd", "odd", "odd", "text", "text", "text", "text", "text",
    ]  # fmt: skip


def test_merge_keys_and_aliases_work_as_everywhere() -> None:
    [node] = answer(b"x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\nz: [*x]\n")
    assert not isinstance(node, Problem)
    assert plain(node) == {
        "x": {"a": ("int", "1"), "b": ("int", "2")},
        "y": {"b": ("int", "3"), "a": ("int", "1")},
        "z": [{"a": ("int", "1"), "b": ("int", "2")}],
    }


def test_json_gives_several_documents_with_their_places() -> None:
    first, second, third = answer(
        b'{"a": "\\ud83d\\ude00", "b": [1, 2.5, true, null]}\n[{"c": 1},\n {"d": {}}]', "json"
    )
    assert isinstance(first, MapNode)
    assert plain(first) == {
        "a": ("text", "\U0001f600"),
        "b": [("int", "1"), ("float", "2.5"), ("bool", "true"), ("null", "null")],
    }
    assert isinstance(second, MapNode)
    assert isinstance(third, MapNode)
    assert (second.place.line, second.place.column, third.place.line, third.place.column) == (2, 2, 3, 2)


def test_what_begins_like_json_may_be_either() -> None:
    assert [plain(node) for node in answer(b'{"a": "\\/"}', "either") if not isinstance(node, Problem)] == [
        {"a": ("text", "/")}
    ]
    assert [plain(node) for node in answer(b"{a: b}", "either") if not isinstance(node, Problem)] == [
        {"a": ("text", "b")}
    ]
    assert answer(b"", "either") == ()


def test_a_source_that_kills_its_process_is_named_and_the_others_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text(
        parsing.CHILD.read_text().replace(
            "def read(form: str, data: bytes, limits: Limits) -> dict[str, Any]:",
            "def read(form: str, data: bytes, limits: Limits) -> dict[str, Any]:\n    while data.startswith(b'spin'): pass\n    if data.startswith(b'grow'): data = data * 100_000_000",
        )
    )
    monkeypatch.setattr(parsing, "CHILD", slow)
    monkeypatch.setattr(limits, "CPU_SECONDS", 0.2)
    sources = [
        Source(name, data, "yaml")
        for name, data in (("a", b"1"), ("b", b"spin"), ("c", b"2"), ("d", b"grow"), ("e", b"3"))
    ]
    answers = parse(sources)
    assert [[str(part) for part in parts if isinstance(part, Problem)] for parts in answers] == [
        [],
        ["b: takes too long, or too much memory, to parse: split it, and take out what was not written by hand"],
        [],
        ["d: takes too long, or too much memory, to parse: split it, and take out what was not written by hand"],
        [],
    ]


def test_the_process_that_parses_has_no_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    curious = tmp_path / "curious.py"
    curious.write_text(
        "import json, os, sys\nsys.stdin.buffer.read()\nprint(json.dumps({'problems': [[1, 1, repr(sorted(os.environ)), '']]}))\n"
    )
    monkeypatch.setattr(parsing, "CHILD", curious)
    monkeypatch.setenv("SECRET_OF_MINE", "x")
    assert "SECRET_OF_MINE" not in said(b"a")


def test_fifty_megabytes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(50_000_000)
    begin = time.process_time()
    with pytest.raises(ManifestError, match="is larger than 4 MiB: split it"):
        read_sources([str(large)], lambda size: b"")
    with pytest.raises(ManifestError, match="-: is larger than 4 MiB"):
        read_sources(["-"], lambda size: b"x" * size)
    assert time.process_time() - begin < 2


def test_a_file_at_the_limit_is_read_and_one_past_it_is_not(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(b"a: b\n" + b"#" * (limits.SOURCE_BYTES - 5))
    assert len(read_sources([str(file)], lambda size: b"")[0].data) == limits.SOURCE_BYTES
    file.write_bytes(b"#" * (limits.SOURCE_BYTES + 1))
    with pytest.raises(ManifestError, match="larger than 4 MiB"):
        read_sources([str(file)], lambda size: b"")


@pytest.mark.parametrize(("depth", "words"), [(limits.DEPTH, ""), (limits.DEPTH + 1, "nested more than 64 deep")])
def test_nesting_at_the_limit_and_one_past_it(depth: int, words: str) -> None:
    for form in ("yaml", "json"):
        found = said(b"[" * depth + b"]" * depth, form)
        assert words in found
        assert bool(found) is bool(words)


def test_sources_are_files_directories_and_standard_input_once_each(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "c.json", "d.txt", ".hidden.yaml"):
        (tmp_path / name).write_text("x")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "e.yaml").write_text("x")
    found = read_sources([str(tmp_path), str(tmp_path / "b.yaml"), "-"], lambda size: b"y")
    assert [(Path(source.name).name, source.form) for source in found] == [
        ("a.yml", "yaml"),
        ("b.yaml", "yaml"),
        ("c.json", "json"),
        ("-", "either"),
    ]


def test_everything_that_cannot_be_read_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ManifestError) as refused:
        read_sources([str(tmp_path / "empty"), str(tmp_path / "no"), "/dev"], lambda size: b"")
    said = [str(problem) for problem in refused.value.problems]
    assert "has no .yaml, .yml or .json file in it" in said[0]
    assert "is not there" in said[1]


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8", exclude_characters="\0")), lambda inside: st.lists(inside) | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), inside)))  # fmt: skip
@settings(max_examples=scaled(15, 500), deadline=None)
def test_any_json_comes_through_as_it_is(value: object) -> None:
    nodes = answer(json.dumps({"a": value}).encode(), "json")
    [node] = [node for node in nodes if not isinstance(node, Problem)]
    assert back(node) == {"a": value}


def back(node: Node) -> object:
    match node:
        case MapNode():
            return {entry.key: back(entry.value) for entry in node.entries}
        case ListNode():
            return [back(item) for item in node.items]
        case Scalar(type=ScalarType.TEXT):
            return node.text
        case Scalar():
            return json.loads(node.text)
