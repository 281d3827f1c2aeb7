"""The files of a workspace."""

from pathlib import Path

import pytest

from stigmer_tui.completion import files
from stigmer_tui.completion.files import WorkspaceFiles


def made(root: Path, *paths: str) -> Path:
    """These files, empty."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("")
    return root


def test_what_gitignore_leaves_out_is_not_offered(tmp_path: Path) -> None:
    made(
        tmp_path, "a.py", "a.pyc", "sub/b.py", "sub/b.pyc", "sub/keep.pyc", "build/out.js", "sub/build/x", ".git/config"
    )
    (tmp_path / ".gitignore").write_text("*.pyc\n/build/\n")
    (tmp_path / "sub/.gitignore").write_text("!keep.pyc\n")
    found = set(WorkspaceFiles(tmp_path).offer("", 100))
    assert found == {
        ".gitignore",
        "a.py",
        "sub/",
        "sub/.gitignore",
        "sub/b.py",
        "sub/keep.pyc",
        "sub/build/",
        "sub/build/x",
    }


def test_names_that_cannot_be_written_and_links_out_are_passed_over(tmp_path: Path) -> None:
    workspace = made(tmp_path / "w", "ok.txt", "with space.txt", "bad\x1b[31m.txt", "line\nbreak")
    made(tmp_path, "secret/key")
    (workspace / "out").symlink_to(tmp_path / "secret")
    assert set(WorkspaceFiles(workspace).offer("", 100)) == {"ok.txt", "with space.txt", "out"}


def test_no_more_than_the_limit_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path, *(f"d{number % 7}/file{number}.txt" for number in range(300)))
    workspace = WorkspaceFiles(tmp_path)
    assert workspace.offer("file299", 3)[0] == "d5/file299.txt"
    monkeypatch.setattr(files, "LIMIT", 100)
    assert len(WorkspaceFiles(tmp_path).offer("", 1000)) == 100


def test_a_workspace_that_is_gone_offers_nothing(tmp_path: Path) -> None:
    assert WorkspaceFiles(tmp_path / "gone").offer("a", 5) == []


def test_a_broken_gitignore_leaves_nothing_out(tmp_path: Path) -> None:
    made(tmp_path, "a.py")
    (tmp_path / ".gitignore").write_bytes(b"\xff\xfe\n[[[\n")
    assert "a.py" in WorkspaceFiles(tmp_path).offer("a", 5)
