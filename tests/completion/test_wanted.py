"""What is being written at the cursor."""

from pathlib import Path

import pytest

from stigmer_apis.errors import InvalidArgument
from stigmer_tui.completion import attaching
from stigmer_tui.completion.attaching import attachments_of
from stigmer_tui.completion.wanted import Kind, Wanted, mention_of, mentions_in, wanted_at


@pytest.mark.parametrize(
    ("before", "found"),
    [
        ("@", Wanted(Kind.FILE, "", 0)),
        ("look at @src/bo", Wanted(Kind.FILE, "src/bo", 8)),
        ('look at @"with spa', Wanted(Kind.FILE, "with spa", 8)),
        ("mail me@example", None),
        ("@src/board.py and", None),
        ("/mo", Wanted(Kind.COMMAND, "mo", 0)),
        ("/model x", None),
        ("see /usr", None),
        ("", None),
    ],
)
def test_what_is_wanted(before: str, found: Wanted | None) -> None:
    assert wanted_at(before, first_row=True) == found


def test_a_command_begins_its_text() -> None:
    assert wanted_at("/mo", first_row=False) is None


def test_what_is_named_is_found_again() -> None:
    paths = ["a.py", "with space/b.txt", "a.py"]
    assert mentions_in("see " + " and ".join(mention_of(path) for path in paths)) == ["a.py", "with space/b.txt"]


def test_images_go_along_and_files_of_the_workspace_do_not(tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    workspace.mkdir()
    (workspace / "shot.png").write_bytes(b"\x89PNG\r\n")
    (workspace / "a.py").write_text("1")
    (tmp_path / "note.txt").write_text("outside")
    text = f"@shot.png @a.py @{tmp_path / 'note.txt'} @nobody @gone.png"
    found = attachments_of(text, workspace)
    assert [(each.name, each.media_type, each.data) for each in found] == [
        ("shot.png", "image/png", b"\x89PNG\r\n"),
        (str(tmp_path / "note.txt"), "text/plain", b"outside"),
    ]


def test_what_cannot_go_along_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attaching, "LARGEST", 10)
    monkeypatch.setattr(attaching, "LARGEST_TOGETHER", 15)
    for name, data in (("at.png", b"1234567890"), ("past.png", b"12345678901"), ("also.png", b"123456")):
        (tmp_path / name).write_bytes(data)
    (tmp_path / "a.zip").write_bytes(b"PK\0")
    assert len(attachments_of("@at.png", tmp_path)) == 1
    with pytest.raises(InvalidArgument, match=r"past\.png has more than"):
        attachments_of("@past.png", tmp_path)
    with pytest.raises(InvalidArgument, match="together"):
        attachments_of("@at.png @also.png", tmp_path)
    with pytest.raises(InvalidArgument, match="neither a text nor an image"):
        attachments_of(f"@{tmp_path / 'a.zip'}", tmp_path / "elsewhere")
