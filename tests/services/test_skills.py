"""Skills: pushed as archives, checked before they are kept, kept in versions."""

import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import (
    GetArtifactRequest,
    PushSkillRequest,
    Skill,
    SkillId,
    SkillState,
)
from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_service_pb2_grpc import (
    SkillCommandControllerStub,
    SkillQueryControllerStub,
)
from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import (
    ApiResourceOwnerScope,
    ApiResourceReference,
)
from stigmer_apis.errors import DataLoss, InvalidArgument, NotFound
from stigmer_apis.transport import aio, archive_options, unix_target
from stigmer_backend.resources import skill_archive
from stigmer_backend.services.calls import OUTCOME
from stigmer_backend.services.skill_archives import SkillArchives
from tests.conformance.grounds import archive
from tests.support.refusals import refused
from tests.support.served_backend import Served, serve_backend
from tests.support.waiting import eventually


class Skills:
    """A person's calls about skills."""

    def __init__(self, served: Served, channel: aio.Channel) -> None:
        self._metadata = served.stubs.metadata
        self._commands = SkillCommandControllerStub(channel)
        self._queries = SkillQueryControllerStub(channel)

    async def push(self, body: bytes, name: str = "digging", tag: str = "") -> tuple[Skill, str]:
        """Push; the skill, and what it came to."""
        request = PushSkillRequest(
            name=name, scope=ApiResourceOwnerScope.organization, org="acme", artifact=body, tag=tag
        )
        call = self._commands.push(request, metadata=self._metadata)
        skill = await call
        return skill, str(dict(await call.trailing_metadata())[OUTCOME])

    async def find(self, version: str = "", name: str = "digging") -> Skill:
        """By reference."""
        return await self._queries.getByReference(
            ApiResourceReference(slug=name, version=version), metadata=self._metadata
        )

    async def artifact(self, key: str) -> bytes:
        """The archive."""
        request = GetArtifactRequest(artifact_storage_key=key)
        return (await self._queries.getArtifact(request, metadata=self._metadata)).artifact

    async def delete(self, skill: Skill) -> Skill:
        """Delete."""
        return await self._commands.delete(SkillId(value=skill.metadata.id), metadata=self._metadata)


@pytest.fixture
def skills(served: Served) -> Skills:
    """Over the ordinary channel."""
    return Skills(served, served.stubs.channel)


def kept(home: Path) -> list[str]:
    """Names of the archives on disk."""
    return sorted(path.name for path in (home / "data" / "skills").rglob("*") if path.is_file())


async def test_a_push_makes_a_skill_whose_bytes_come_back_as_they_were(served: Served, skills: Skills) -> None:
    body = archive(("scripts/dig.sh", "dig"))
    made, outcome = await skills.push(body, tag="stable")
    assert outcome == "created"
    assert made.metadata.slug == "digging"
    assert made.metadata.org == "acme"
    assert made.status.version_hash == hashlib.sha256(body).hexdigest()
    assert made.status.state == SkillState.SKILL_STATE_READY
    assert made.spec.skill_md.startswith("---\nname: s")
    assert await skills.artifact(made.status.artifact_storage_key) == body
    (name,) = kept(served.home.root)
    assert name == f"{made.status.version_hash}.zip"
    assert stat.S_IMODE(next((served.home.data / "skills").rglob("*.zip")).stat().st_mode) == 0o600


async def test_the_same_bytes_twice_make_no_version(skills: Skills) -> None:
    first, _ = await skills.push(archive(), tag="a")
    again, outcome = await skills.push(archive(), tag="a")
    assert outcome == "unchanged"
    assert again == first
    tagged, outcome = await skills.push(archive(), tag="b")
    assert outcome == "updated"
    assert tagged.status.version_hash == first.status.version_hash
    for tag in ("a", "b"):
        assert (await skills.find(tag)).status.version_hash == first.status.version_hash


async def test_versions_are_found_by_tag_hash_and_latest(skills: Skills) -> None:
    old, _ = await skills.push(archive(("a", "1")), tag="stable")
    new, outcome = await skills.push(archive(("a", "2")))
    assert outcome == "updated"
    assert new.metadata.id == old.metadata.id
    assert new.metadata.version.id == "2"
    for version in ("", "latest", new.status.version_hash):
        assert (await skills.find(version)).status.version_hash == new.status.version_hash
    for version in ("stable", old.status.version_hash):
        assert (await skills.find(version)).status.version_hash == old.status.version_hash
    for version in ("other", "0" * 64):
        with refused(NotFound):
            await skills.find(version)
    moved, _ = await skills.push(archive(("a", "3")), tag="stable")
    assert (await skills.find("stable")).status.version_hash == moved.status.version_hash


async def test_a_deleted_skill_takes_its_archives_but_those_that_another_has(served: Served, skills: Skills) -> None:
    shared = archive(("shared", "1"))
    one, _ = await skills.push(shared, "one")
    await skills.push(archive(("own", "1")), "one")
    await skills.push(shared, "two")
    assert len(kept(served.home.root)) == 2
    await skills.delete(one)
    await eventually(lambda: len(kept(served.home.root)) == 1)
    assert kept(served.home.root) == [f"{one.status.version_hash}.zip"]
    assert await skills.artifact(one.status.artifact_storage_key) == shared
    again, outcome = await skills.push(shared, "one")
    assert outcome == "created"
    assert again.metadata.id != one.metadata.id


async def test_what_was_pushed_is_there_after_a_restart(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        made, _ = await Skills(served, served.stubs.channel).push(archive(), tag="v1")
    async with serve_backend(short_tmp) as served:
        skills = Skills(served, served.stubs.channel)
        assert await skills.find("v1") == made
        assert await skills.artifact(made.status.artifact_storage_key) == archive()


async def test_what_a_stop_left_over_is_removed_at_the_next_start(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        made, _ = await Skills(served, served.stubs.channel).push(archive())
        (folder,) = (served.home.data / "skills").iterdir()
        for left in ("incoming/0123456789abcdef", f"00/{'0' * 64}.zip"):
            place = folder / left
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(b"left over")
    async with serve_backend(short_tmp):
        await eventually(lambda: kept(short_tmp) == [f"{made.status.version_hash}.zip"])


async def test_another_store_of_the_same_home_leaves_the_archives_alone(short_tmp: Path) -> None:
    async with serve_backend(short_tmp) as served:
        made, _ = await Skills(served, served.stubs.channel).push(archive())
    async with serve_backend(short_tmp, storage="memory:") as served:
        other, _ = await Skills(served, served.stubs.channel).push(archive())
        await Skills(served, served.stubs.channel).delete(other)
        await eventually(lambda: len(kept(short_tmp)) == 1)
    async with serve_backend(short_tmp) as served:
        assert await Skills(served, served.stubs.channel).artifact(made.status.artifact_storage_key) == archive()


async def test_damage_on_disk_is_told_and_mended_by_the_same_bytes(served: Served, skills: Skills) -> None:
    made, _ = await skills.push(archive())
    place = next((served.home.data / "skills").rglob("*.zip"))
    place.write_bytes(b"something else")
    with refused(DataLoss):
        await skills.artifact(made.status.artifact_storage_key)
    await skills.push(archive())
    assert await skills.artifact(made.status.artifact_storage_key) == archive()


async def test_keys_that_are_none_lead_nowhere(skills: Skills) -> None:
    for key in ("x", "sha256/../../tokens.json", f"sha256/{'0' * 64}", f"sha256/{'g' * 64}"):
        with refused(NotFound):
            await skills.artifact(key)


async def test_an_archive_of_many_megabytes_goes_both_ways(served: Served) -> None:
    body = io.BytesIO()
    noise = os.urandom(40 << 20)
    with zipfile.ZipFile(body, "w") as packed:
        packed.writestr("top/SKILL.md", "Teaches.")
        packed.writestr("top/noise", noise)
    target = unix_target(served.home.operator_socket)
    async with aio.insecure_channel(target, options=archive_options()) as channel:
        skills = Skills(served, channel)
        made, _ = await skills.push(body.getvalue())
        assert await skills.artifact(made.status.artifact_storage_key) == body.getvalue()


def packed_with(change: Callable[[zipfile.ZipFile], None], *, skill_md: bool = True) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as packed:
        if skill_md:
            packed.writestr("SKILL.md", "Teaches.")
        change(packed)
    return body.getvalue()


def named(*names: str) -> bytes:
    def write(packed: zipfile.ZipFile) -> None:
        for name in names:
            packed.writestr(zipfile.ZipInfo(name), "x")

    return packed_with(write)


def linked(target: str, name: str = "docs/link") -> bytes:
    link = zipfile.ZipInfo(name)
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    return packed_with(lambda packed: packed.writestr(link, target))


def encrypted() -> bytes:
    body = bytearray(named("a"))
    for place in (body.index(b"PK\x03\x04") + 6, body.index(b"PK\x01\x02") + 8):
        body[place] |= 1
    return bytes(body)


def device() -> bytes:
    node = zipfile.ZipInfo("null")
    node.create_system = 3
    node.external_attr = (stat.S_IFCHR | 0o666) << 16
    return packed_with(lambda packed: packed.writestr(node, ""))


def damaged() -> bytes:
    body = bytearray(named("a" * 40))
    body[45] ^= 0xFF
    return bytes(body)


BAD = {
    "no zip": b"this is no archive",
    "empty": b"PK",
    "cut": archive(("a", "b"))[:-30],
    "damaged": damaged(),
    "no SKILL.md": packed_with(lambda packed: packed.writestr("README.md", "x"), skill_md=False),
    "SKILL.md too deep": packed_with(lambda packed: packed.writestr("a/b/SKILL.md", "x"), skill_md=False),
    "empty SKILL.md": archive(skill_md=" \n"),
    "long SKILL.md": archive(skill_md="x" * (skill_archive.MAX_SKILL_MD_BYTES + 1)),
    "binary SKILL.md": packed_with(lambda packed: packed.writestr("SKILL.md", b"\xff\xfe"), skill_md=False),
    "absolute": named("/etc/passwd"),
    "drive": named("C:/x"),
    "dots": named("a/../../x"),
    "dot": named("./x"),
    "backslash": packed_with(lambda packed: packed.writestr("dir\\..\\x", "x")),
    "empty part": named("a//b"),
    "case": named("Read.md", "read.md"),
    "accents": named("caf\u00e9", "cafe\u0301"),
    "folders' case": named("Docs/a", "docs/b"),
    "file and folder": named("a", "a/b"),
    "long name": named("n" * 1025),
    "link out": linked("../../etc/passwd"),
    "absolute link": linked("/etc/passwd"),
    "encrypted": encrypted(),
    "device": device(),
    "many files": named(*(f"f{number}" for number in range(skill_archive.MAX_FILES))),
    "bomb": packed_with(lambda packed: packed.writestr("zeros", bytes(64 << 20))),
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD)
async def test_bad_archives_are_refused_with_words_and_leave_nothing(
    served: Served, skills: Skills, body: bytes
) -> None:
    with refused(InvalidArgument) as refusal:
        await skills.push(body)
    assert isinstance(refusal.error, InvalidArgument)
    assert refusal.error.violations[0].field == "artifact"
    assert "could not be checked" not in refusal.text
    assert not kept(served.home.root)
    with refused(NotFound):
        await skills.find()


async def test_a_link_that_stays_inside_is_fine(skills: Skills) -> None:
    made, _ = await skills.push(linked("../SKILL.md"))
    assert made.metadata.slug == "digging"


async def test_a_check_that_takes_too_long_is_ended(served: Served, short_tmp: Path) -> None:
    archives = SkillArchives(short_tmp / "kept", served.store, check_seconds=0.0)
    with pytest.raises(InvalidArgument, match="could not be checked"):
        async with archives.keeping(archive()):
            pass
    assert not [path for path in (short_tmp / "kept").rglob("*") if path.is_file()]


async def test_a_name_without_a_slug_or_of_one_person_is_refused(served: Served, skills: Skills) -> None:
    with refused(InvalidArgument):
        await skills.push(archive(), "日本")
    assert not kept(served.home.root)
    request = PushSkillRequest(name="x", scope=ApiResourceOwnerScope.identity_account, artifact=archive())
    with refused(InvalidArgument):
        await SkillCommandControllerStub(served.stubs.channel).push(request, metadata=served.stubs.metadata)
