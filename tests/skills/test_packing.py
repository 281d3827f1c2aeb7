"""From a folder to an archive: what is packed, what is left out, what is refused before anything is sent."""

import io
import os
import socket
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from stigmer_apis import skill_form
from stigmer_apis.errors import InvalidArgument
from stigmer_backend.resources import skill_archive
from stigmer_backend.resources.skill_archive import check_archive
from stigmer_tui.cli import skill_packing
from stigmer_tui.cli.skill_packing import Packed, pack
from tests.support.workstation import new_workstation

FRONT = "---\nname: digging\ndescription: Digs holes.\n---\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a good skill."""
    made = tmp_path / "digging"
    made.mkdir()
    (made / "SKILL.md").write_text(f"{FRONT}Dig.\n")
    return made


def members(packed: Packed) -> Sequence[zipfile.ZipInfo]:
    """What is in the archive, which the server would take."""
    check_archive(io.BytesIO(packed.archive), len(packed.archive))
    return zipfile.ZipFile(io.BytesIO(packed.archive)).infolist()


def names(packed: Packed) -> list[str]:
    """The names in it."""
    return [member.filename for member in members(packed)]


def refused(source: Path, name: str = "") -> InvalidArgument:
    """Why it is not packed; the words name what, and say how to mend it."""
    with pytest.raises(InvalidArgument) as found:
        pack(source, name)
    assert found.value.remedy
    return found.value


def test_the_limits_are_those_of_the_server() -> None:
    for limit in ("MAX_PACKED_BYTES", "MAX_UNPACKED_BYTES", "MAX_RATIO", "MAX_FILES", "MAX_SKILL_MD_BYTES"):
        assert getattr(skill_form, limit) == getattr(skill_archive, limit), limit


def test_the_same_files_make_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    (folder / "b").mkdir()
    (folder / "b" / "z.sh").write_text("#!/bin/sh\n")
    (folder / "b" / "z.sh").chmod(0o755)
    (folder / "a.md").write_text("a")
    first = pack(folder, "")
    again = tmp_path / "elsewhere" / "digging"
    again.mkdir(parents=True)
    for name in ("a.md", "SKILL.md", "b/z.sh"):
        (again / name).parent.mkdir(exist_ok=True)
        (again / name).write_bytes((folder / name).read_bytes())
    (again / "b" / "z.sh").chmod(0o711)
    os.utime(again / "a.md", (1, 1))
    assert pack(again, "").archive == first.archive
    assert names(first) == ["SKILL.md", "a.md", "b/z.sh"]
    assert [member.external_attr >> 16 & 0o777 for member in members(first)] == [0o644, 0o644, 0o755]
    assert (first.name, first.files, first.warnings) == ("digging", 3, ())


def test_what_is_ignored_is_left_out(folder: Path) -> None:
    for name in (
        "keep.md",
        "a.log",
        "b.log",
        "sub/c.log",
        "sub/d.md",
        "build/x",
        ".git/config",
        "__pycache__/y",
        ".env",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("x")
    (folder / ".gitignore").write_text("*.log\nbuild/\n*.md\n")
    (folder / ".skillignore").write_text("!b.log\n!*.md\n.env\n")
    (folder / "sub" / ".skillignore").write_text("!c.log\n")
    assert names(pack(folder, "")) == ["SKILL.md", "b.log", "keep.md", "sub/c.log", "sub/d.md"]


def test_a_link_to_a_file_inside_is_packed_as_that_file(folder: Path) -> None:
    (folder / "a.md").write_text("text")
    (folder / "b.md").symlink_to("a.md")
    packed = pack(folder, "")
    assert zipfile.ZipFile(io.BytesIO(packed.archive)).read("b.md") == b"text"


@pytest.mark.parametrize("target", ["/etc/passwd", "../outside", "gone", "sub"])
def test_any_other_link_is_refused(folder: Path, target: str) -> None:
    (folder / "sub").mkdir()
    (folder.parent / "outside").write_text("x")
    (folder / "link").symlink_to(target)
    assert "link" in refused(folder).message
    (folder / ".skillignore").write_text("link\n")
    assert names(pack(folder, "")) == ["SKILL.md"]


def test_what_is_no_file_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    assert "neither a file nor a folder" in refused(folder).message


def test_a_socket_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind("s")
        refused(folder)


@pytest.mark.parametrize("name", ["-rf", "a\nb", "\x1b[2J", "a\\b", "\u202eb"])
def test_a_name_that_the_server_refuses_is_refused_here(folder: Path, name: str) -> None:
    (folder / name).write_text("x")
    assert refused(folder).message.isprintable()


def test_limits_are_told_before_anything_is_sent(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "large").write_bytes(b"x" * 5000)
    for limit, words in (("MAX_UNPACKED_BYTES", "more than 4,000 bytes"), ("MAX_PACKED_BYTES", "at most 4,000")):
        with monkeypatch.context() as patch:
            patch.setattr(skill_packing, limit, 4000)
            assert words in refused(folder).message
    monkeypatch.setattr(skill_packing, "MAX_FILES", 1)
    assert "more than 1 files" in refused(folder).message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no front matter"),
        ("Dig.\n", "no front matter"),
        ("---\nname: digging\n---\n", "no description"),
        ("---\nname: [\n---\n", "no YAML"),
        ("---\nname: !!python/object/apply:os.system ['true']\ndescription: d\n---\n", "no YAML"),
        ("---\nname: Digging Deep\ndescription: d\n---\n", "Digging Deep"),
        ("---\nname: a--b\ndescription: d\n---\n", "a--b"),
        (f"---\nname: {'a' * 65}\ndescription: d\n---\n", "a" * 65),
        ("---\ndescription: d\n---\n", "name"),
    ],
)
def test_a_skill_md_that_no_agent_could_use_is_refused(folder: Path, text: str, words: str) -> None:
    (folder / "SKILL.md").write_text(text)
    assert words in refused(folder).message


def test_a_skill_md_that_is_missing_too_large_or_no_text_is_refused(folder: Path) -> None:
    (folder / "SKILL.md").write_text(FRONT + "x" * skill_form.MAX_SKILL_MD_BYTES)
    assert "more than 1,048,576 bytes" in refused(folder).message
    (folder / "SKILL.md").write_bytes(b"\xff")
    assert "not UTF-8" in refused(folder).message
    (folder / "SKILL.md").unlink()
    assert "no SKILL.md" in refused(folder).message
    assert "no folder and no ZIP" in refused(folder / "nowhere").message


def test_a_folder_of_another_name_is_said(folder: Path) -> None:
    other = folder.rename(folder.parent / "burrowing")
    (warning,) = pack(other, "").warnings
    assert "'digging'" in warning
    assert "'burrowing'" in warning
    assert pack(other, "").name == "digging"
    assert pack(other, "burrowing").name == "burrowing"
    assert "no name for a skill" in refused(other, "Burrowing").message


def test_an_archive_is_looked_at_and_kept_as_it_is(folder: Path) -> None:
    archive = folder.parent / "any.zip"
    archive.write_bytes(pack(folder, "").archive)
    packed = pack(archive, "")
    assert (packed.name, packed.archive) == ("digging", archive.read_bytes())
    archive.write_bytes(b"no ZIP")
    assert "no ZIP that can be read" in refused(archive).message
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("a/README.md", "x")
    assert "no SKILL.md" in refused(archive).message
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("SKILL.md", f"{FRONT}Dig.\n")
        made.writestr("zeros", bytes(3_000_000))
    assert "100 times its size" in refused(archive).message


def test_a_skill_goes_there_and_back_by_the_command_line(folder: Path) -> None:
    with new_workstation() as workstation:

        def said(*arguments: str, code: int = 0) -> str:
            done = workstation.run("skill", *arguments, code=code)
            words = done.stderr.decode()
            assert "Traceback" not in words
            return done.stdout.decode() if code == 0 else words

        assert said("push", str(folder), "--tag", "stable").startswith("skill/digging created (version ")
        assert said("push", str(folder)).startswith("skill/digging unchanged")
        (folder / "more.md").write_text("more")
        assert said("push", str(folder)).startswith("skill/digging updated")
        hashes = [line.split()[0] for line in said("versions", "digging").splitlines()[1:]]
        assert len(hashes) == 2
        assert "stable" in said("versions", "digging")
        assert said("get", "digging", "--version", "stable", "-o", "jsonpath=$.status.versionHash").strip() == hashes[1]
        to = folder.parent / "back.zip"
        said("pull", "digging", "--version", hashes[1], "--to", str(to))
        assert zipfile.ZipFile(to).namelist() == ["SKILL.md"]
        assert "is there already" in said("pull", "digging", "--to", str(to), code=73)
        assert said("push", str(to)).startswith("skill/digging updated")
        assert "skill versions digging" in said("get", "digging", "--version", "none", code=66)
        assert "stigmer get skills" in said("versions", "burrowing", code=66)
        assert said("delete", "digging", "--yes")
        assert "digging" not in said("list")
