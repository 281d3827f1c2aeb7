"""Pages: what a run said stands there as text, whatever it was, and nothing of it is obeyed."""

import json
from collections.abc import Callable, Mapping
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1 import agent_execution_enums_pb2 as enums
from stigmer_apis._generated.ai.stigmer.agentic.agentexecution.v1.agent_execution_pb2 import AgentExecution
from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_tui.records.document_json import JsonWriter
from stigmer_tui.records.html import HtmlWriter
from stigmer_tui.records.markdown import MarkdownWriter
from stigmer_tui.records.reading import RecordReader
from stigmer_tui.records.terminal_lines import TerminalLines
from stigmer_tui.terminal.line_cells import draw_line
from stigmer_tui.text import safe
from tests.records.made import Run
from tests.support.scale import scaled
from tests.tui.hostile import HOSTILE

MARKUP = [
    "</pre></section><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "'\"><style>*{display:none}</style>",
    "--><!-- ]]> <![CDATA[",
    "&lt;b&gt; &amp; &#x3c;",
    "```\n# out of it\n```",
    "````\n# out of it\n````text\n",
    "   ``````   \n<script>alert(1)</script>",
    "~~~\n# x\n~~~",
    "`code` ``more`` `",
    "[link](javascript:alert(1)) ![picture](https://example.invalid/x.png)",
    "<https://example.invalid> https://example.invalid",
    "# heading\n\n- list\n\n| a | b |\n|---|---|\n| c | d |",
    "$(rm -rf /)\n:::danger\n{{ template }}",
    "\u202eevil\u2066 \u2028line \x85 next \x0b \x0c",
    "`" * 50 + "\n" + "`" * 49,
    "\n\n\n",
    "\\` \\\\`` `\\`",
]
ALLOWED: Mapping[str, frozenset[str]] = {
    "html": frozenset({"lang"}),
    "meta": frozenset({"charset", "http-equiv", "content", "name"}),
    "span": frozenset({"class", "style"}),
    **dict.fromkeys(("p", "pre", "section", "details"), frozenset({"class"})),
    **dict.fromkeys(("head", "title", "style", "body", "h1", "h2", "br", "code", "summary"), frozenset[str]()),
}
"""The tags of a page, and their attributes."""


def hostile_run(text: str) -> Run:
    """A run that says `text` wherever something can be said."""
    run = Run()
    run.created(agent_name=text, session_id=text, message=text, workspace=text, author=text)
    run.says(text, enums.MESSAGE_HUMAN)
    run.says(text, reasoning=text, interrupted=text)
    call = run.begins(text, name=text, args={text[:20]: text}, directory=text)
    data = text.encode("utf-8", "surrogatepass")
    for place in range(0, len(data), 5):
        run.prints(data[place : place + 5])
    run.prints(b"\n" + data + b"\n")
    run.ends(call, result=text, error=text)
    run.add(ev.Event(file_changed=ev.FileChanged(path=text, diff=text, change=ev.FILE_CHANGE_MODIFIED)))
    run.add(ev.Event(artifact_added=ev.ArtifactAdded(name=text, artifact_id=text, size=3)))
    run.add(ev.Event(note_added=ev.NoteAdded(text=text, author=text)))
    run.add(ev.Event(sub_agent_started=ev.SubAgentStarted(sub_agent_id=text, name=text, input=text)))
    return run.over(enums.EXECUTION_FAILED, text)


def page(writer: Callable[..., HtmlWriter | MarkdownWriter], run: Run, title: str) -> str:
    """The page of a run."""
    pieces: list[str] = []
    made, reader = writer(pieces.append, title), RecordReader()
    for event in run.events:
        for part in reader.take(event):
            made.take(part)
    for part in reader.finish():
        made.take(part)
    made.finish()
    return "".join(pieces)


class Inspector(HTMLParser):
    """Reads a page and keeps what must not be there."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.wrong: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED:
            self.wrong.append(tag)
        self.wrong += [f"{tag} {name}" for name, _ in attrs if name not in ALLOWED.get(tag, frozenset())]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.wrong.append("comment")


def check_html(text: str) -> None:
    """The page of a run that says `text` has no tag but ours, and all of the text."""
    made = page(HtmlWriter, hostile_run(text), text)
    inspector = Inspector()
    inspector.feed(made)
    inspector.close()
    assert inspector.wrong == []
    assert inspector.open == []
    assert safe(text, lines=True) in "".join(inspector.text)
    assert not any(ord(character) < 32 and character != "\n" for character in made)


def check_markdown(text: str) -> None:
    """All that a Markdown reader makes of what the run said is code."""
    made = page(MarkdownWriter, hostile_run(text), text)
    reader = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"])
    tokens = reader.parse(made)
    assert {token.type for token in tokens} <= {
        "heading_open",
        "heading_close",
        "paragraph_open",
        "paragraph_close",
        "bullet_list_open",
        "bullet_list_close",
        "list_item_open",
        "list_item_close",
        "inline",
        "fence",
    }
    inside: list[Token] = [each for token in tokens for each in token.children or ()]
    assert {token.type for token in inside} <= {"text", "code_inline", "em_open", "em_close", "softbreak"}
    told = "".join(token.content for token in inside if token.type == "text")
    for word in ("evil", "script", "example", "out of it", "danger", "rm -rf", "owned"):
        assert word not in told
    assert any(safe(text, lines=True).rstrip("\n") in token.content for token in tokens if token.type == "fence")
    assert not any(ord(character) < 32 and character != "\n" for character in made)


@pytest.mark.parametrize("text", [*MARKUP, *HOSTILE[:: scaled(5, 1)]])
def test_nothing_that_a_run_says_is_markup(text: str) -> None:
    check_html(text)
    check_markdown(text)


@settings(max_examples=scaled(60, 3000), deadline=None)
@given(
    st.text(
        alphabet=st.one_of(st.sampled_from("`~<>&\"'#*_[]()!|\\ \n\t-"), st.characters(exclude_categories=["Cs"])),
        min_size=1,
        max_size=60,
    )
)
def test_nor_is_anything_else(text: str) -> None:
    check_html(text)
    check_markdown(text)


def test_no_page_names_another_place() -> None:
    made = page(HtmlWriter, hostile_run("x"), "x")
    assert "http:" not in made
    assert "https:" not in made
    assert "url(" not in made
    assert "script" not in made
    assert "default-src 'none'" in made


def test_output_as_it_looked_in_the_end() -> None:
    run = Run()
    run.created(agent_name="shell")
    run.begins("make")
    run.prints(b"10%\r50%\r100%\r\n\x1b[1;31mred\x1b[0m \x1b[38;5;208morange\x1b[7m back\x1b[m plain\r\n")
    run.prints(b"left \x1b[?1049h\x1b[2Jeditor\x1b[?1049l right")
    run.ends(code=2)
    html, text = page(HtmlWriter, run, "make"), page(MarkdownWriter, run, "make")
    assert "\n100%\n" in text
    assert "red orange back plain" in text
    assert "editor" not in text
    assert "a full-screen program was here" in text
    assert "`exit 2" in text
    assert '<span class="b c1">red</span>' in html
    assert '<span style="color:#ff8700">orange</span>' in html
    assert "plain\n" in html


def test_a_line_without_an_end_is_shown_in_pieces_and_whole_characters() -> None:
    run = Run()
    run.begins("x")
    for _ in range(30):
        run.prints("é".encode() * 3000 + b"x")
    text = page(MarkdownWriter, run, "x")
    assert text.count("é") == 90_000
    assert "\ufffd" not in text


def test_a_run_that_is_not_over() -> None:
    run = Run()
    run.add(ev.Event(message_started=ev.MessageStarted(message_id="m", type=enums.MESSAGE_AI)))
    run.add(ev.Event(text_delta=ev.TextDelta(message_id="m", text="so far")))
    run.begins("x")
    run.prints(b"half a line")
    text = page(MarkdownWriter, run, "x")
    assert "so far" in text
    assert "half a line" in text
    assert "The run" not in text


def test_two_outputs_in_turn_stand_apart() -> None:
    run = Run()
    run.begins("a", terminal="a")
    run.begins("b", terminal="b")
    run.prints(b"one\n", "a").prints(b"two\n", "b").prints(b"three\n", "a")
    text = page(MarkdownWriter, run, "x")
    assert text.count("````text\n") == 2 + 3


def test_json_holds_every_event() -> None:
    run = hostile_run("\u2028 </script>\x00")
    pieces: list[str] = []
    writer = JsonWriter(pieces.append, AgentExecution(api_version="v1"))
    for seq, event in enumerate(run.events, 1):
        writer.take(seq, event)
    writer.finish()
    text = "".join(pieces)
    assert text.isascii()
    found = json.loads(text)
    assert (found["format"], found["version"], found["execution"]) == ("stigmer-run", 1, {"apiVersion": "v1"})
    assert [event["seq"] for event in found["events"]] == list(range(1, len(run.events) + 1))
    assert found["events"][0]["executionCreated"]["message"] == "\u2028 </script>\x00"


@settings(max_examples=scaled(100, 3000), deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(alphabet="ab é日\x07", max_size=4),
            st.sampled_from(["\x1b[31m", "\x1b[0m", "\x1b[m", "\x1b[1;38;5;208m", "\x1b[K", "\x1b[2", "\r", "\t"]),
        ),
        max_size=8,
    )
)
def test_lines_with_colours_alone_are_drawn_as_all_others_are(pieces: list[str]) -> None:
    data = "".join(pieces).encode()
    lines = TerminalLines()
    drawn = [*lines.feed(data + b"\r\n"), *lines.feed(b"next\n")]
    first = draw_line(data)
    wanted = [first, draw_line(b"next", first.pen)]
    for mine, other in zip(drawn, wanted, strict=True):
        assert [(letter, run.pen) for run in mine.runs for letter in run.text] == [
            (letter, run.pen) for run in other.runs for letter in run.text
        ]
