"""Hostile archives, against what takes a push and against what unpacks for an agent: two programs that trust each other in nothing."""

import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Generator
from pathlib import Path

import pytest

from stigmer_backend.resources.skill_archive import ArchiveRefused, check_archive
from stigmer_runner.skills.shelf import Shelf, SkillUnfit, UnpackedSkill
from tests.skills.archives import HOSTILE, SKILL_MD, Hostile, packed, special

LEFT_OUT = frozenset({"a link out", "an absolute link", "a link with a NUL"})
"""Links are not made, wherever they lead: the rest is unpacked."""


@pytest.fixture
def shelf(tmp_path: Path) -> Generator[Shelf]:
    """A shelf in a directory, beside which nothing appears."""
    (tmp_path / "home").mkdir()
    yield Shelf(tmp_path / "home" / "skills")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["home"]
    assert sorted(entry.name for entry in (tmp_path / "home").iterdir()) in ([], ["skills"])
    left = tmp_path / "home" / "skills" / "incoming"
    assert not left.exists() or not list(left.iterdir())


async def unpack(shelf: Shelf, archive: bytes, name: str = "digging") -> UnpackedSkill:
    """Unpack an archive."""

    async def fetch() -> bytes:
        return archive

    return await shelf.skill(name, hashlib.sha256(archive).hexdigest(), fetch)


def test_there_are_enough_of_them() -> None:
    assert len(HOSTILE) >= 60
    assert len({each.name for each in HOSTILE}) == len(HOSTILE)


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda each: each.name)
def test_a_push_refuses_it(hostile: Hostile) -> None:
    archive = hostile.make()
    with pytest.raises(ArchiveRefused) as refused:
        check_archive(io.BytesIO(archive), len(archive))
    assert str(refused.value).isprintable(), refused.value


async def test_an_agent_is_never_given_one(shelf: Shelf) -> None:
    for hostile in HOSTILE:
        if hostile.name in LEFT_OUT:
            assert (await unpack(shelf, hostile.make())).files == ("SKILL.md",), hostile.name
            continue
        with pytest.raises(SkillUnfit) as refused:
            await unpack(shelf, hostile.make())
        assert str(refused.value).isprintable(), (hostile.name, refused.value)
        assert "digging" in str(refused.value), hostile.name


async def test_what_is_unpacked_is_what_was_packed(shelf: Shelf) -> None:
    made = await unpack(
        shelf, packed(("scripts/dig.sh", b"#!/bin/sh\n"), ("assets/", b""), ("caf\u00e9 1.md", b"\xc3\xa9"))
    )
    assert made.folder.name == "digging"
    assert made.description == "Digs holes. Use it when a hole is wanted."
    assert made.problems == ()
    assert made.files == ("SKILL.md", "caf\u00e9 1.md", "scripts/dig.sh")
    assert (made.folder / "SKILL.md").read_text() == SKILL_MD
    assert (made.folder / "caf\u00e9 1.md").read_bytes() == b"\xc3\xa9"
    assert (made.folder / "assets").is_dir()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in made.folder.rglob("*") if path.is_file()}
    assert modes <= {0o444, 0o555}


async def test_a_single_top_folder_is_taken_off_and_scripts_stay_programs(shelf: Shelf) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as into:
        into.writestr("digging/SKILL.md", SKILL_MD)
        script = zipfile.ZipInfo("digging/dig.sh")
        script.external_attr = (stat.S_IFREG | 0o755) << 16
        into.writestr(script, "#!/bin/sh\n")
    made = await unpack(shelf, archive.getvalue())
    assert made.files == ("SKILL.md", "dig.sh")
    assert os.access(made.folder / "dig.sh", os.X_OK)


async def test_a_link_that_stays_inside_is_left_out_and_said(shelf: Shelf) -> None:
    made = await unpack(shelf, special("link", stat.S_IFLNK, b"SKILL.md"))
    assert made.files == ("SKILL.md",)
    assert os.listdir(made.folder) == ["SKILL.md"]
    assert any("links are not unpacked" in problem for problem in made.problems)


async def test_it_is_unpacked_once_and_again_where_it_is_not_whole(shelf: Shelf) -> None:
    archive, asked = packed(("a", b"1")), list[int]()

    async def fetch() -> bytes:
        asked.append(1)
        return archive

    digest = hashlib.sha256(archive).hexdigest()
    first = await shelf.skill("digging", digest, fetch)
    assert await shelf.skill("digging", digest, fetch) == first
    assert len(asked) == 1
    first.folder.with_suffix(".json").unlink()
    (first.folder / "more").write_text("left over")
    assert await shelf.skill("digging", digest, fetch) == first
    assert len(asked) == 2
    assert not (first.folder / "more").exists()
    other = await shelf.skill("burrowing", digest, fetch)
    assert other.folder != first.folder
    assert "give both the same" in other.problems[0]


async def test_other_bytes_than_were_pushed_are_refused(shelf: Shelf) -> None:
    async def fetch() -> bytes:
        return packed(("a", b"2"))

    with pytest.raises(SkillUnfit, match="not what was pushed"):
        await shelf.skill("digging", hashlib.sha256(packed(("a", b"1"))).hexdigest(), fetch)


@pytest.mark.parametrize("name", ["", "..", "a/b", "Digging", "-rf", "a--b", "a-", "x" * 65, "d\u00edgging"])
async def test_a_name_that_is_none_reaches_no_file(shelf: Shelf, name: str) -> None:
    with pytest.raises(SkillUnfit, match="a name that no folder of a skill can have"):
        await unpack(shelf, packed(), name)


@pytest.mark.parametrize(
    ("front", "problem"),
    [
        ("", "no front matter"),
        ("---\n- a\n---\n", "no front matter"),
        ("---\nname: [\n---\n", "no YAML"),
        ("---\nname: !!python/object/apply:os.system ['true']\n---\n", "no YAML"),
        ("---\nname: Digging\ndescription: d\n---\n", "is none"),
        ("---\nname: a--b\ndescription: d\n---\n", "is none"),
        ("---\nname: other\ndescription: d\n---\n", "give both the same"),
        ("---\nname: digging\n---\n", "no description"),
        (f"---\nname: digging\ndescription: {'d' * 1025}\n---\n", "1025 characters"),
        ("---\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" if n else "a0: &a0 [x]\n" for n in range(60)) + "---\n", "is none"),
        (f"---\nname: {'[' * 5000}\n---\n", "no YAML"),
    ],
)  # fmt: skip
async def test_front_matter_that_is_not_as_it_should_be_is_said(shelf: Shelf, front: str, problem: str) -> None:
    made = await unpack(shelf, packed(skill_md=f"{front}Do it.\n"))
    assert any(problem in each for each in made.problems), made.problems
