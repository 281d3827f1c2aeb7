"""Creating, updating and applying, of every kind that has it."""

from typing import cast

import pytest
from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.commons.apiresource.api_resource_pb2 import ApiResourceReference
from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis.errors import Aborted, AlreadyExists, InvalidArgument, NotFound
from stigmer_apis.ids import is_id
from stigmer_backend.resources.kinds import AnyKind
from stigmer_backend.resources.text import NAME_LIMIT
from tests.conformance.grounds import APPLIED, NAMED, UPDATED, WRITTEN, Ground, change, make
from tests.conformance.wire import Wire, copy_of
from tests.support.refusals import refused


def each(kinds: tuple[AnyKind, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.name)


@each(WRITTEN)
async def test_what_is_created_has_id_slug_version_and_audit_and_is_found_by_id(
    wire: Wire, ground: Ground, kind: AnyKind
) -> None:
    wanted = await make(ground, kind, "My First One")
    wanted.metadata.labels["team"] = "blue"
    made = await wire.write(kind, "create", wanted)
    assert is_id(made.metadata.id, kind.prefix)
    assert made.metadata.slug == "my-first-one"
    assert made.metadata.version.id == "1"
    assert made.kind == kind.name
    audit = made.status.audit.spec_audit
    assert audit.created_by.id == "local-user"
    assert audit.created_at.seconds
    found = await wire.get(kind, made.metadata.id)
    assert found.metadata == made.metadata
    assert found.spec == made.spec


@each(NAMED)
async def test_it_is_found_by_reference_and_nothing_else_is(wire: Wire, ground: Ground, kind: AnyKind) -> None:
    made = await wire.write(kind, "create", await make(ground, kind, "one"))
    for number in (ApiResourceKind.api_resource_kind_unknown, kind.number):
        reference = ApiResourceReference(slug="one", kind=number)
        assert await wire.call(kind, "getByReference", reference) == made
    for slug in ("nobody", "nul\0byte", "x" * 4000):
        with refused(NotFound):
            await wire.call(kind, "getByReference", ApiResourceReference(slug=slug))
    other = ApiResourceKind.agent if kind.number != ApiResourceKind.agent else ApiResourceKind.skill
    for reference in (ApiResourceReference(), ApiResourceReference(slug="one", kind=other)):
        with refused(InvalidArgument):
            await wire.call(kind, "getByReference", reference)


@each(WRITTEN)
async def test_a_taken_name_is_refused_and_what_is_not_there_is_not_found(
    wire: Wire, ground: Ground, kind: AnyKind
) -> None:
    await wire.write(kind, "create", await make(ground, kind, "twice"))
    with refused(AlreadyExists) as refusal:
        await wire.write(kind, "create", await make(ground, kind, "Twice"))
    assert "twice" in refusal.text
    for name in ("get", "delete"):
        for unknown in (f"{kind.prefix}-nobody", "nul\0", "x" * 4000):
            with refused(NotFound):
                await getattr(wire, name)(kind, unknown)


@each(UPDATED)
async def test_an_update_replaces_the_spec_and_keeps_what_made_it(wire: Wire, ground: Ground, kind: AnyKind) -> None:
    made = await wire.write(kind, "create", await make(ground, kind, "one"))
    wanted = copy_of(made)
    wanted.metadata.name = "Renamed"
    wanted.metadata.org = "elsewhere"
    wanted.metadata.labels["k"] = "v"
    change(kind, wanted, "other words")
    after = await wire.write(kind, "update", wanted)
    assert after.metadata.id == made.metadata.id
    assert (after.metadata.slug, after.metadata.name, after.metadata.org) == ("one", "Renamed", made.metadata.org)
    assert after.metadata.labels["k"] == "v"
    assert (after.metadata.version.id, after.metadata.version.previous_version_id) == ("2", "1")
    assert after.status.audit.spec_audit.created_at == made.status.audit.spec_audit.created_at
    assert after.status.audit.spec_audit.updated_at != made.status.audit.spec_audit.updated_at
    assert (await wire.get(kind, made.metadata.id)).metadata == after.metadata


@each(UPDATED)
async def test_of_two_people_who_change_one_thing_the_second_is_told(wire: Wire, ground: Ground, kind: AnyKind) -> None:
    made = await wire.write(kind, "create", await make(ground, kind, "shared"))
    first, second = copy_of(made), copy_of(made)
    change(kind, first, "mine")
    change(kind, second, "yours")
    await wire.write(kind, "update", first)
    with refused(Aborted) as refusal:
        await wire.write(kind, "update", second)
    assert "version 2" in refusal.text
    second.metadata.version.id = "2"
    assert (await wire.write(kind, "update", second)).metadata.version.id == "3"
    stranger = copy_of(made)
    stranger.metadata.id = stranger.metadata.slug = ""
    stranger.metadata.name = "nobody knows it"
    with refused(NotFound):
        await wire.write(kind, "update", stranger)


@each(APPLIED)
async def test_applying_twice_changes_nothing_and_says_so(wire: Wire, ground: Ground, kind: AnyKind) -> None:
    wanted = await make(ground, kind, "again")
    told: list[str] = []
    answers: list[Message] = []
    for words in ("", "", "changed"):
        if words:
            change(kind, wanted, words)
        answer, outcome = await wire.told(kind, "apply", cast(Message, wanted))
        told.append(outcome)
        answers.append(answer)
    assert told == ["created", "unchanged", "updated"]
    assert answers[0] == answers[1]


@each(WRITTEN)
async def test_the_same_call_twice_makes_one(wire: Wire, ground: Ground, kind: AnyKind) -> None:
    wanted = await make(ground, kind, "once")
    made = await wire.write(kind, "create", wanted, key="key-1")
    again = await wire.write(kind, "create", wanted, key="key-1")
    assert again.metadata.id == made.metadata.id
    other = copy_of(wanted)
    other.metadata.name = "other"
    with refused(InvalidArgument):
        await wire.write(kind, "create", other, key="key-1")


@each(WRITTEN)
async def test_names_tags_and_labels_may_be_as_long_as_the_limit_and_no_longer(
    wire: Wire, ground: Ground, kind: AnyKind
) -> None:
    longest = "n" * NAME_LIMIT
    wanted = await make(ground, kind, "x")
    wanted.metadata.name = "N" * (NAME_LIMIT - len("-default"))
    wanted.metadata.tags.append(longest)
    wanted.metadata.labels[longest] = longest
    made = await wire.write(kind, "create", wanted)
    assert (await wire.get(kind, made.metadata.id)).metadata.labels[longest] == longest
    for field in ("metadata.name", "metadata.slug", "metadata.tags[0]", "metadata.labels"):
        wrong = await make(ground, kind, "y")
        match field:
            case "metadata.name":
                wrong.metadata.name = longest + "n"
            case "metadata.slug":
                wrong.metadata.slug = longest + "n"
            case "metadata.labels":
                wrong.metadata.labels[longest + "n"] = ""
            case _:
                wrong.metadata.tags.append(longest + "n")
        with refused(InvalidArgument) as refusal:
            await wire.write(kind, "create", wrong)
        assert isinstance(refusal.error, InvalidArgument)
        assert field in {one.field for one in refusal.error.violations}


@each(WRITTEN)
async def test_what_breaks_the_contract_is_refused_with_field_rule_and_what_was_seen(
    wire: Wire, ground: Ground, kind: AnyKind
) -> None:
    wrong = await make(ground, kind, "x")
    wrong.api_version = "v0"
    wrong.kind = "Nothing"
    with refused(InvalidArgument) as refusal:
        await wire.write(kind, "create", wrong)
    assert isinstance(refusal.error, InvalidArgument)
    told = {one.field: one for one in refusal.error.violations}
    assert told["api_version"].rule == "string.const"
    assert "'v0'" in told["api_version"].message
    assert "'Nothing'" in told["kind"].message
