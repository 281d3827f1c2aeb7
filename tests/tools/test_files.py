"""Reading, writing and editing files of a workspace."""

import base64
import hashlib
import os
import stat

import pytest

from stigmer_apis._generated.stigmer.event.v1 import event_pb2 as ev
from stigmer_runner.redaction import Redactor
from stigmer_runner.tools.files.beneath import Beneath
from stigmer_runner.tools.interface import ToolArgumentError
from stigmer_runner.tools.registry import ALL, builtin_tools, unknown
from tests.tools.bench import ToolBench

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_each_tool_tells_a_schema_that_a_model_understands() -> None:
    for tool in ALL:
        schema = tool.spec.parameters
        assert schema["type"] == "object"
        assert tool.spec.description.endswith(".")
        assert tool.spec.name.replace("_", "").isalpha()
    assert unknown(["read", "fly"]) == ("fly",)
    assert list(builtin_tools(["write", "read"])) == ["read", "write"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "'path' is missing"),
        ({"path": 3}, "has to be of type string"),
        ({"path": "a", "offset": "1"}, "has to be of type integer"),
        ({"path": "a", "offset": 0}, "has to be from 1"),
        ({"path": "a", "offset": 1.5}, "has to be of type integer"),
        ({"path": "a", "offset": True}, "has to be of type integer"),
        ({"path": "a", "colour": "red"}, "there is no argument 'colour'"),
        ({"path": "a\0b"}, "NUL"),
        ({"path": "x" * 5000}, "at most 4,096"),
        ({"path": "\ud800"}, "surrogate"),
    ],
)
def test_arguments_are_refused_with_what_is_wrong(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ToolArgumentError, match=words):
        builtin_tools(["read"])["read"].check(arguments)


def test_numbers_of_a_struct_are_whole_again() -> None:
    assert builtin_tools(["read"])["read"].check({"path": "a", "offset": 5.0})["offset"] == 5


async def test_text_comes_with_line_numbers(files: ToolBench) -> None:
    (files.workspace / "a.txt").write_text("one\ntwo\nthree\n")
    assert await files.text("read", path="a.txt") == "     1\tone\n     2\ttwo\n     3\tthree"
    assert await files.text("read", path=str(files.workspace / "a.txt"), offset=2, limit=1) == (
        "     2\ttwo\n(lines 2 to 2 of 3; go on with offset 3)"
    )
    assert "3 lines, and line 9" in await files.error("read", path="a.txt", offset=9)


async def test_what_is_not_text_is_told_for_what_it_is(files: ToolBench) -> None:
    (files.workspace / "empty").write_text("")
    (files.workspace / "binary").write_bytes(b"\1\0\2")
    os.mkfifo(files.workspace / "pipe")
    assert await files.text("read", path="empty") == "empty is empty."
    assert "no text" in await files.error("read", path="binary")
    assert "not a file" in await files.error("read", path="pipe")
    assert "use `list`" in await files.error("read", path=".")
    assert "is not there" in await files.error("read", path="nothing")
    assert "not a file" in await files.error("read", path="pipe")


async def test_a_picture_is_shown(files: ToolBench) -> None:
    (files.workspace / "dot.png").write_bytes(PNG)
    result = await files.call("read", path="dot.png")
    assert [(image.media_type, image.data) for image in result.images] == [("image/png", PNG)]
    (files.workspace / "large.png").write_bytes(PNG + bytes(6 * 1024 * 1024))
    assert "make it smaller" in await files.error("read", path="large.png")


def _pdf(*texts: str) -> bytes:
    """A small PDF of our own, a page a text."""
    pages = range(len(texts))
    objects = ["<</Type/Catalog/Pages 2 0 R>>"]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in pages)
    objects.append(f"<</Type/Pages/Kids[{kids}]/Count {len(texts)}>>")
    objects.append("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
    for number, text in enumerate(texts):
        content = f"BT /F1 12 Tf 10 50 Td ({text}) Tj ET"
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Resources<</Font<</F1 3 0 R>>>>/Contents {5 + 2 * number} 0 R>>"
        )
        objects.append(f"<</Length {len(content)}>>\nstream\n{content}\nendstream")
    body, places = "%PDF-1.4\n", list[int]()
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    return f"{body}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF".encode()


async def test_a_pdf_comes_as_text_by_pages(files: ToolBench) -> None:
    (files.workspace / "a.pdf").write_bytes(_pdf("first words", "second words"))
    assert (
        await files.text("read", path="a.pdf") == "--- page 1 of 2 ---\nfirst words\n--- page 2 of 2 ---\nsecond words"
    )
    assert "second words" not in await files.text("read", path="a.pdf", limit=1)
    (files.workspace / "broken.pdf").write_bytes(b"%PDF-1.4\n" + b"\xff" * 100)
    assert "cannot be read" in await files.error("read", path="broken.pdf")


async def test_a_huge_file_is_read_by_window(files: ToolBench) -> None:
    path = files.workspace / "huge.log"
    line = b"this is the line number %08d\n"
    path.write_bytes(b"".join(line % number for number in range(1_200_000)))
    assert path.stat().st_size > 32 * 1024 * 1024
    told = await files.text("read", path="huge.log", offset=1_100_001, limit=2)
    assert told.splitlines()[:2] == [
        "1100001\tthis is the line number 01100000",
        "1100002\tthis is the line number 01100001",
    ]
    assert "go on with offset 1100003" in told


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig"])
async def test_a_file_keeps_its_encoding(files: ToolBench, encoding: str) -> None:
    path = files.workspace / "a.txt"
    path.write_bytes("straße\r\nzwei\r\n".encode(encoding))
    assert "straße" in await files.text("read", path="a.txt")
    await files.text("edit", path="a.txt", edits=[{"old": "zwei", "new": "drei ä"}])
    assert path.read_bytes() == "straße\r\ndrei ä\r\n".encode(encoding)
    if encoding == "latin-1":
        assert "which has no '€'" in await files.error("edit", path="a.txt", edits=[{"old": "drei", "new": "€"}])


async def test_a_new_file_is_written_with_its_directories_and_told(files: ToolBench) -> None:
    assert "was made (+2 -0 lines)" in await files.text("write", path="src/deep/a.py", content="one\ntwo\n")
    assert (files.workspace / "src/deep/a.py").read_text() == "one\ntwo\n"
    (event,) = files.of("file_changed")
    told = event.file_changed
    assert (told.path, told.change, told.lines_added, told.before_hash) == (
        "src/deep/a.py",
        ev.FILE_CHANGE_CREATED,
        2,
        "",
    )
    assert told.after_hash == hashlib.sha256(b"one\ntwo\n").hexdigest()
    assert told.diff == "--- /dev/null\n+++ b/src/deep/a.py\n@@ -0,0 +1,2 @@\n+one\n+two\n"
    assert event.time_unix_micros > 0


async def test_a_file_that_was_not_read_is_not_overwritten(files: ToolBench) -> None:
    (files.workspace / "a").write_text("mine")
    assert "have not read it" in await files.error("write", path="a", content="yours")
    assert "line 9 was asked for" in await files.error("read", path="a", offset=9)
    assert "have not read it" in await files.error("write", path="a", content="yours"), "it was shown nothing of it"
    await files.text("read", path="a")
    (files.workspace / "a").write_text("changed")
    assert "changed since you read it" in await files.error("write", path="a", content="yours")
    assert "changed since you read it" in await files.error("edit", path="a", edits=[{"old": "changed", "new": "x"}])
    await files.text("read", path="a")
    await files.text("write", path="a", content="yours")
    assert (files.workspace / "a").read_text() == "yours"


async def test_edits_are_made_one_after_the_other_or_not_at_all(files: ToolBench) -> None:
    path = files.workspace / "a"
    path.write_text("one two one\nthree\n")
    path.chmod(0o755)
    assert "2 times" in await files.error("edit", path="a", edits=[{"old": "one", "new": "1"}])
    failed = await files.error("edit", path="a", edits=[{"old": "two", "new": "2"}, {"old": "four", "new": "4"}])
    assert "edit 2" in failed
    assert "only its blanks" in await files.error("edit", path="a", edits=[{"old": "two  one", "new": ""}])
    assert "are the same" in await files.error("edit", path="a", edits=[{"old": "two", "new": "two"}])
    assert "is empty" in await files.error("edit", path="a", edits=[{"old": "", "new": "two"}])
    assert path.read_text() == "one two one\nthree\n"
    edits = [{"old": "one", "new": "1", "all": True}, {"old": "1 two", "new": "2"}]
    assert "-one two one\n+2 1\n" in await files.text("edit", path="a", edits=edits)
    assert path.read_text() == "2 1\nthree\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o755


async def test_a_hard_link_elsewhere_keeps_its_content(files: ToolBench) -> None:
    outside = files.ground.outside / "letter"
    outside.write_text("private")
    os.link(outside, files.workspace / "link")
    await files.text("read", path="link")
    assert "keep the old content" in await files.text("write", path="link", content="overwritten")
    assert outside.read_text() == "private"


async def test_a_link_is_not_written_through(files: ToolBench) -> None:
    (files.workspace / "real").write_text("x")
    (files.workspace / "link").symlink_to("real")
    (files.workspace / "out").symlink_to(files.ground.outside / "letter")
    assert "write what it leads to, real" in await files.error("write", path="link", content="y")
    assert "leads out" in await files.error("write", path="out", content="y")
    assert not (files.ground.outside / "letter").exists()
    assert await files.text("read", path="link") == "     1\tx"


async def test_what_the_disk_refuses_is_told(files: ToolBench) -> None:
    assert "File name too long" in await files.error("write", path="x" * 300, content="y")
    (files.workspace / "file").write_text("")
    assert "not a directory" in await files.error("write", path="file/below", content="y")


async def test_a_name_of_escapes_is_shown_as_they_are(files: ToolBench) -> None:
    name = "\x1b[31m" * 50 + "x"
    (files.workspace / name).write_text("x")
    listed = await files.text("list")
    assert "\x1b" not in listed
    assert "\\x1b[31m" in listed
    assert await files.text("read", path=name) == "     1\tx"


async def test_stigmers_own_directories_are_not_read(files: ToolBench) -> None:
    bench = files
    bench.session.files = Beneath(bench.ground.base, (bench.ground.home, bench.ground.run))  # a workspace around them
    assert "Stigmer's own" in await bench.error("read", path="run/operator.token")
    (bench.ground.base / "way").symlink_to("run")
    assert "Stigmer's own" in await bench.error("read", path="way/operator.token")
    assert "Stigmer's own" in await bench.error("write", path="run/x", content="")
    assert "Stigmer's own" in await bench.error("list", path="run")
    assert "Stigmer's own" in await bench.error("grep", pattern=".", path="run")
    found = await bench.text("grep", pattern="canary", ignored=True)
    assert ".stigmer" not in found
    assert "run/" not in found


async def test_a_turn_is_undone(files: ToolBench) -> None:
    old = files.workspace / "old"
    old.write_text("before")
    old.chmod(0o700)
    (files.workspace / "other").write_text("before")
    for name in ("old", "other"):
        await files.text("read", path=name)
        await files.text("write", path=name, content="after")
    await files.text("write", path="old", content="after that")
    await files.text("write", path="new", content="new")
    (files.workspace / "other").write_text("somebody else's")
    undone = await files.session.undo_turn("message-1")
    assert sorted(undone.paths) == ["new", "old"]
    assert undone.left == ("other",)
    assert old.read_text() == "before"
    assert stat.S_IMODE(old.stat().st_mode) == 0o700
    assert not (files.workspace / "new").exists()
    assert (files.workspace / "other").read_text() == "somebody else's"
    assert (await files.session.undo_turn("message-1")).paths == ()
    assert (await files.session.undo_turn("message-9")).paths == ()


async def test_only_the_turn_that_is_named_is_undone(files: ToolBench) -> None:
    await files.text("write", path="a", content="first")
    files.turn = "message-2"
    await files.text("write", path="b", content="second")
    assert (await files.session.undo_turn("message-2")).paths == ("b",)
    assert (files.workspace / "a").read_text() == "first"


async def test_a_directory_is_listed_without_what_git_ignores(files: ToolBench) -> None:
    for name in ("src/a.py", "src/b.txt", "build/out.o", "keep.o", "x.o"):
        (files.workspace / name).parent.mkdir(exist_ok=True)
        (files.workspace / name).write_text("text")
    (files.workspace / ".gitignore").write_text("*.o\n!keep.o\nbuild/\n")
    (files.workspace / "src" / ".gitignore").write_text("b.txt\n")
    (files.workspace / "link").symlink_to("/etc")
    assert (await files.text("list")).splitlines() == [
        ".gitignore (19 bytes)",
        "keep.o (4 bytes)",
        "link (symbolic link)",
        "src/",
    ]
    assert (await files.text("list", path="src", ignored=True)).splitlines() == [
        ".gitignore (6 bytes)",
        "a.py (4 bytes)",
        "b.txt (4 bytes)",
    ]
    assert await files.text("glob", pattern="*.py") == "src/a.py"
    assert await files.text("glob", pattern="*.o") == "keep.o"
    assert "out.o" in await files.text("glob", pattern="**/*.o", ignored=True)
    assert await files.text("glob", pattern="*.zig") == "No file fits."


async def test_lines_are_found(files: ToolBench) -> None:
    (files.workspace / "src").mkdir()
    (files.workspace / "src/a.py").write_text("import os\nx = 1\ny = 2\nprint(x)\n")
    (files.workspace / "b.txt").write_text("nothing\nPRINT\n")
    (files.workspace / ".gitignore").write_text("ignored\n")
    (files.workspace / "ignored").write_text("print\n")
    assert await files.text("grep", pattern=r"print\(", path="src") == "src/a.py:4:print(x)"
    assert sorted((await files.text("grep", pattern="print", ignore_case=True, mode="files")).splitlines()) == [
        "b.txt",
        "src/a.py",
    ]
    assert (
        await files.text("grep", pattern="^x", context=1) == "src/a.py-1-import os\nsrc/a.py:2:x = 1\nsrc/a.py-3-y = 2"
    )
    assert await files.text("grep", pattern="print", glob="*.txt") == "No line in . fits."
    assert await files.text("grep", pattern="x", mode="count", path="src/a.py") == "src/a.py:2"
    assert "no regular expression" in await files.error("grep", pattern="(")


async def test_an_expression_that_takes_for_ever_is_stopped(files: ToolBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stigmer_runner.tools.files.grep.SECONDS", 2.0)
    (files.workspace / "a").write_text("a" * 60 + "!\n")
    assert "took longer" in await files.error("grep", pattern="(a+)+$")


async def test_what_the_policy_denies_is_in_no_answer(files: ToolBench) -> None:
    (files.workspace / "secrets").mkdir()
    (files.workspace / "secrets/key").write_text("token\n")
    (files.workspace / "way").symlink_to("secrets/key")
    rule = files.policy.rules.add()
    rule.decision, rule.path = files.policy.DECISION_DENY, "secrets/"
    assert await files.text("grep", pattern="token") == "No line in . fits."
    assert "key" not in await files.text("list", depth=5)
    assert await files.text("glob", pattern="key") == "No file fits."
    assert "the policy denies" in await files.error("read", path="way")


async def test_the_plan_is_told_whole(files: ToolBench) -> None:
    items = [{"id": "1", "content": "look", "status": "completed"}, {"id": "2", "content": "mend"}]
    assert await files.text("todos", items=items) == "The list has 2 items, 1 of them done."
    (event,) = files.of("todo_list_changed")
    assert {key: item.content for key, item in event.todo_list_changed.todos.items()} == {"1": "look", "2": "mend"}
    assert "the same id" in await files.error("todos", items=[items[0], items[0]])


async def test_a_person_is_asked(files: ToolBench) -> None:
    assert "nobody can be asked" in await files.error("ask_person", question="Which?")
    files.answers.append("the blue one")
    assert await files.text("ask_person", question="Which?", options=["red", "blue"]) == "the blue one"
    assert files.questions[0].options == ("red", "blue")


async def test_a_secret_is_in_no_result(files: ToolBench) -> None:
    files.session.redactor = Redactor({"TOKEN": "hunter2-hunter2"})
    (files.workspace / "a").write_text("key=hunter2-hunter2\n")
    assert await files.text("read", path="a") == "     1\tkey=[secret TOKEN]"
    await files.text("edit", path="a", edits=[{"old": "key", "new": "word"}])
    assert "hunter2" not in str(files.of("file_changed"))
    prepared = await files.prepare("edit", path="a", edits=[{"old": "word", "new": "key"}])
    assert "+key=[secret TOKEN]" in prepared.summary
