"""Resources of any kind, as `stigmer.resource.v1.Resource` carries them."""

from typing import cast

from google.protobuf.message import Message

from stigmer_apis._generated.ai.stigmer.commons.apiresource.apiresourcekind.api_resource_kind_pb2 import ApiResourceKind
from stigmer_apis._generated.stigmer.resource.v1 import resource_service_pb2
from stigmer_apis.errors import FieldViolation, InvalidArgument
from stigmer_backend.resources.kinds import BY_FIELD, BY_NUMBER, KINDS, AnyKind, Resource

Wrapped = resource_service_pb2.Resource
"""A resource of any kind, on the wire."""


def wrap(kind: AnyKind, resource: Resource) -> Wrapped:
    """`resource`, of `kind`, as it is sent. A copy."""
    wrapped = Wrapped()
    cast(Message, getattr(wrapped, kind.field)).MergeFrom(cast(Message, resource))
    return wrapped


def unwrap(wrapped: Wrapped, field: str = "resource") -> tuple[AnyKind, Resource]:
    """The kind and the resource in `wrapped`: its own part, not a copy.

    Raises `InvalidArgument`, on `field`, where there is none.
    """
    which = wrapped.WhichOneof("resource")
    if which is None:
        raise InvalidArgument(
            f"{field} holds no resource",
            remedy=f"set one of {', '.join(BY_FIELD)}",
            violations=[FieldViolation(field, "required", "must hold a resource")],
        )
    return BY_FIELD[which], cast(Resource, getattr(wrapped, which))


def kind_of(number: ApiResourceKind.ValueType, field: str = "kind") -> AnyKind:
    """The kind with this number. Raises `InvalidArgument`, on `field`, for one that is not served."""
    kind = BY_NUMBER.get(number)
    if kind is None:
        served = ", ".join(f"{kind.number} ({kind.words})" for kind in KINDS)
        raise InvalidArgument(
            f"{number} is no kind that is served here",
            remedy=f"use one of {served}",
            violations=[FieldViolation(field, "stigmer.kind", "must be a kind that is served")],
        )
    return kind
