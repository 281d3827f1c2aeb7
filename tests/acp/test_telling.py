"""Parts of what an editor is told, without a daemon."""

from pathlib import Path

import pytest
from acp import text_block
from acp.schema import AudioContentBlock, ImageContentBlock, ResourceContentBlock

from stigmer_apis._generated.stigmer.event.v1.event_pb2 import FileChanged
from stigmer_apis._generated.stigmer.policy.v1.policy_pb2 import Policy
from stigmer_apis.errors import InvalidArgument
from stigmer_tui.acp.diffs import contents_of
from stigmer_tui.acp.modes import policy_of
from stigmer_tui.acp.output import MOST_BYTES, Output
from stigmer_tui.acp.prompts import read_prompt

DIFF = """--- a/x
+++ b/x
@@ -1,2 +1,2 @@
 one
-two
+three
@@ -9 +9,2 @@
 -- minus
+++ plus
\\ No newline at end of file
"""


def test_each_hunk_is_a_diff() -> None:
    first, second = contents_of(FileChanged(path="x", diff=DIFF), Path("/w"))
    assert (first.path, first.old_text, first.new_text) == ("/w/x", "one\ntwo\n", "one\nthree\n")
    assert (second.old_text, second.new_text) == ("-- minus\n", "-- minus\n++ plus")
    (created,) = contents_of(FileChanged(path="y", diff="--- /dev/null\n+++ b/y\n@@ -0,0 +1 @@\n+all\n"), Path("/w"))
    assert (created.old_text, created.new_text) == (None, "all\n")
    assert contents_of(FileChanged(path="z"), Path("/w")) == []


def test_output_is_text_and_its_end_is_kept() -> None:
    output = Output()
    output.add(b"\x1b[31mred\x1b[0m\r\n\x1b]0;title\x07bell\x07\n")
    assert "\x1b" not in output.text()
    assert output.text().startswith("red\nbell")
    output.add(b"x" * MOST_BYTES)
    assert "bytes before this are left out" in output.text()
    assert output.text().endswith("x")


def test_a_mode_keeps_the_rules_of_the_agent() -> None:
    of_agent = Policy(preset="read-only", rules=[Policy.Rule(decision=Policy.DECISION_DENY, tool="fetch")])
    made = policy_of("auto", of_agent)
    assert made is not None
    assert (made.preset, [rule.tool for rule in made.rules]) == ("auto", ["fetch"])
    assert policy_of("agent", of_agent) is None


def test_a_prompt_is_text_with_what_belongs_to_it() -> None:
    image = ImageContentBlock(type="image", data="aGk=", mime_type="image/png")
    link = ResourceContentBlock(type="resource_link", name="a.py", uri="file:///a.py")
    prompt = read_prompt([text_block("Look at "), link, image], is_command=False)
    assert prompt.text == "Look at \n[a.py](file:///a.py)\n"
    assert [(each.media_type, each.data) for each in prompt.attachments] == [("image/png", b"hi")]
    for blocks, words in (
        ([text_block("  ")], "says nothing"),
        ([AudioContentBlock(type="audio", data="aGk=", mime_type="audio/wav")], "audio"),
        ([ImageContentBlock(type="image", data="?", mime_type="image/png")], "base64"),
    ):
        with pytest.raises(InvalidArgument, match=words):
            read_prompt(blocks, is_command=False)
    with pytest.raises(InvalidArgument, match="resource link"):
        read_prompt([text_block("ls"), link], is_command=True)
