"""A skill that an archive brings: all its versions with their files and tags, or nothing of it."""

from collections.abc import Sequence
from typing import cast

from stigmer_apis._generated.ai.stigmer.agentic.skill.v1.skill_pb2 import Skill, SkillState
from stigmer_apis._generated.stigmer.maintenance.v1.maintenance_service_pb2 import (
    Belonging,
    ImportEvents,
    ImportFile,
    ImportResponse,
)
from stigmer_apis.errors import StigmerError
from stigmer_apis.protocol import MAX_ARCHIVE_MESSAGE_BYTES
from stigmer_backend.maintenance.belongings import keep_history
from stigmer_backend.maintenance.import_course import Course, Files, Means, Outcome, Taken, malformed
from stigmer_backend.maintenance.importing_resources import Restamped, as_of, free_slug, restamp
from stigmer_backend.resources.kinds import SKILLS
from stigmer_backend.resources.lookup import storable
from stigmer_backend.resources.skill_versions import keep_tag, keep_version
from stigmer_backend.resources.skills import storage_key
from stigmer_backend.resources.stamps import Stamp
from stigmer_backend.store import StateRead, StateWrite, StoreFull, WriteRefused

MOST_VERSIONS = 1000


class ImportedSkill:
    """A skill that is being taken in."""

    def __init__(self, means: Means, course: Course, skill: Skill, belongings: Sequence[Belonging]) -> None:
        """`belongings`: its versions, tags and history; where there are none it is its only version."""
        self._means = means
        self._course = course
        self._skill = skill
        self._name = skill.metadata.id
        self._belongings = belongings
        self._versions = [one.skill_version for one in belongings if one.HasField("skill_version")] or [skill]
        self._files = Files(means.artifacts, MAX_ARCHIVE_MESSAGE_BYTES)
        self._slug_there = skill.metadata.slug
        self._free = True
        self._settled: Outcome | None = None

    async def begin(self) -> None:
        """Look whether it can come."""
        meta, digest = self._skill.metadata, self._skill.status.version_hash
        there = await self._means.store.read_state(self._there)
        if len(self._versions) > MOST_VERSIONS:
            self._settled = Outcome("", "refused", f"it has more than {MOST_VERSIONS} versions")
        elif there is not None:
            holder, words = there.metadata.id, f"the skill {there.metadata.slug} is there and says something else"
            if there.metadata.slug == meta.slug and there.status.version_hash == digest:
                self._settled = Outcome(holder, "same")
            elif self._course.taken is Taken.SKIP:
                self._settled = Outcome(holder, "skipped", words)
            elif self._course.taken is Taken.REFUSE:
                self._settled = Outcome("", "refused", words)
            else:
                self._free = holder != meta.id
                slug = meta.slug
                meta.slug = await self._means.store.read_state(lambda state: free_slug(state, SKILLS, slug))
                meta.name = meta.slug

    async def events(self, given: ImportEvents) -> None:
        """A skill has none."""
        raise malformed("a skill has no events")

    async def file(self, given: ImportFile) -> None:
        """The next bytes of the archive of a version; where they cannot be taken, the skill is refused."""
        if self._settled is not None or self._course.dry:
            return
        try:
            if all(version.status.version_hash != given.digest for version in self._versions):
                raise malformed("it has a file that is none of its versions")
            await self._files.take(given)
        except StigmerError as error:
            self._settled = Outcome("", "refused", error.message)

    async def end(self) -> ImportResponse:
        """Store it, or say why not."""
        try:
            outcome = self._settled or await self._store_skill()
        except StigmerError as error:
            outcome = Outcome("", "refused", error.message)
        except (StoreFull, WriteRefused) as error:
            outcome = Outcome("", "refused", str(error))
        await self._files.discard()
        self._course.note(self._name, outcome)
        return outcome.told(SKILLS, self._name)

    async def abandon(self) -> None:
        """Nothing more comes."""
        await self._files.discard()

    def _there(self, state: StateRead) -> Skill | None:
        """What has its id or its name."""
        meta = self._skill.metadata
        data = state.data(SKILLS.table, meta.id)
        if data is None and storable(meta.slug):
            holder = state.by_slug(SKILLS.table, meta.slug)
            data = None if holder is None else state.data(SKILLS.table, holder)
        return None if data is None else Skill.FromString(data)

    async def _store_skill(self) -> Outcome:
        slug = self._skill.metadata.slug
        word = "created" if self._free and slug == self._slug_there else "renamed"
        detail = f"it is called {slug} here" if word == "renamed" else ""
        if self._course.dry:
            return Outcome(self._name, word, detail)
        await self._files.finish()
        wanted = {version.status.version_hash for version in (*self._versions, self._skill)}
        missing = wanted - self._files.whole.keys()
        if missing:
            raise malformed(f"the files of {len(missing)} of its versions are not there")
        now = self._means.stamps.now()
        contents = [incoming.content for incoming in self._files.whole.values()]
        async with self._means.skills.keeping_many(contents) as kept:
            made = await self._means.store.write(lambda state: self._commit(state, kept, now))
        return Outcome(made, word, detail)

    def _commit(self, state: StateWrite, kept: dict[str, str], now: Stamp) -> str:
        """`kept`: the text of the SKILL.md of each file; what the archive says of it counts for nothing."""
        catalogue, given = self._means.catalogues.skills, self._skill
        given.spec.skill_md = kept[given.status.version_hash]
        stamp = as_of(given, now)
        made, _ = catalogue.create(state, given, stamp, keep_id=self._free)
        _show_file(made, given.status.version_hash)
        restamp(state, cast("Restamped", catalogue), made, given, stamp)
        for version in self._versions:
            digest = version.status.version_hash
            record = Skill()
            record.CopyFrom(version)
            record.metadata.id, record.metadata.slug = made.metadata.id, made.metadata.slug
            record.spec.skill_md = kept[digest]
            _show_file(record, digest)
            keep_version(state, record, as_of(version, now).at_ns)
        for belonging in self._belongings:
            tag = belonging.skill_tag
            if belonging.HasField("skill_tag") and tag.version_hash in kept and storable(tag.name):
                keep_tag(state, made.metadata.id, tag.name, tag.version_hash, now.at_ns)
        keep_history(state, SKILLS, made.metadata.id, self._belongings)
        return made.metadata.id


def _show_file(skill: Skill, digest: str) -> None:
    skill.status.version_hash = digest
    skill.status.artifact_storage_key = storage_key(digest)
    skill.status.state = SkillState.SKILL_STATE_READY
