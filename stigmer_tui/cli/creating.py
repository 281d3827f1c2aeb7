"""`create` of the noun forms: one new resource, which must not be there yet."""

from typing import Any

import click

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import Resource
from stigmer_apis.client import Client
from stigmer_apis.documents.problems import ManifestError, Problem
from stigmer_apis.errors import AlreadyExists, InvalidArgument, NotFound
from stigmer_apis.protocol import API_VERSION
from stigmer_apis.slugs import slugify
from stigmer_tui.cli.connect import with_client
from stigmer_tui.cli.exit_codes import ExitCode
from stigmer_tui.cli.resources import number
from stigmer_tui.cli.sources import complain_of, read_files
from stigmer_tui.manifests.kinds import Kind
from stigmer_tui.manifests.refused import refused
from stigmer_tui.text import safe


def blank(kind: Kind, name: str) -> tuple[Resource, Any]:
    """A resource of `kind` with this name, and its own message, to be filled in."""
    resource = Resource()
    message = getattr(resource, kind.field)
    message.api_version, message.kind = API_VERSION, kind.name
    message.metadata.name = name
    if kind.scope:
        scopes = message.metadata.DESCRIPTOR.fields_by_name["owner_scope"].enum_type
        message.metadata.owner_scope = scopes.values_by_name[kind.scope].number
    message.spec.SetInParent()
    return resource, message


def create(kind: Kind, resource: Resource) -> int:
    """Store it. Says its name; fails where there is one of that name."""

    async def work(client: Client) -> int:
        try:
            return await create_with(client, kind, resource)
        except InvalidArgument as error:
            raise _by_its_words(kind, error) from error

    return with_client(work)


async def create_with(client: Client, kind: Kind, resource: Resource) -> int:
    """The same, with a client. Raises `AlreadyExists` and what the server refuses."""
    metadata = getattr(resource, kind.field).metadata
    slug = metadata.slug or slugify(metadata.name)
    if not slug:
        raise InvalidArgument(f"{metadata.name!r} cannot be a name", remedy="a name has a letter a-z or a digit in it")
    try:
        await client.resources.get(number(kind), slug)
    except NotFound:
        await client.resources.apply([resource])
        click.echo(f"{kind.word}/{safe(slug)} created")
        return ExitCode.OK
    raise AlreadyExists(
        f"there is a {kind.words} named {slug!r} already", remedy=f"change it: stigmer edit {kind.word} {slug}"
    )


def _by_its_words(kind: Kind, error: InvalidArgument) -> InvalidArgument:
    """The same refusal, each field called as the person gave it, and not by its path in a request."""
    told = [
        f"{one.field.rpartition('.')[2]}: {one.message}"
        for one in error.violations
        if one.field.startswith("resources[")
    ]
    if not told:
        return error
    return InvalidArgument(
        f"the {kind.words} cannot be like that: {'; '.join(told)}", remedy="", violations=error.violations
    )


def create_from(kind: Kind, file: str) -> int:
    """Store the one resource that a file describes; all else about it as with `create`."""
    try:
        documents = read_files([file]).documents
        if len(documents) != 1 or documents[0].kind != kind:
            raise ManifestError(
                [
                    Problem(
                        file,
                        0,
                        0,
                        f"does not describe one {kind.words} alone",
                        remedy=f"stigmer apply -f {file} takes all kinds",
                    )
                ]
            )
    except ManifestError as error:
        return complain_of(error)

    async def work(client: Client) -> int:
        try:
            return await create_with(client, kind, documents[0].resource)
        except InvalidArgument as error:
            found = await refused(client, error, documents)
            if found is None:
                raise
            return complain_of(found)

    return with_client(work)
