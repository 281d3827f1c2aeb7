"""Checks requests against the rules in the contract before a service sees them."""

from google.protobuf.message import Message

from stigmer_apis._generated.stigmer.resource.v1.resource_service_pb2 import ApplyResourcesRequest
from stigmer_apis.errors import InvalidArgument
from stigmer_backend.resources.contract_rules import violations_of

_CHECKED_BY_THEIR_SERVICE = (ApplyResourcesRequest,)
"""Requests whose every mistake is told at once, those that only the store knows too; and whose size would hold up the loop here."""


def validate(request: object) -> None:
    """Raise `InvalidArgument`, naming each field and rule, when `request` breaks a rule of its message."""
    if not isinstance(request, Message) or isinstance(request, _CHECKED_BY_THEIR_SERVICE):
        return
    told = violations_of(request)
    if not told:
        return
    first = f"{told[0].field}: {told[0].message}" if told[0].field else told[0].message
    more = f" (and {len(told) - 1} more)" if len(told) > 1 else ""
    raise InvalidArgument(f"{request.DESCRIPTOR.name} is not valid: {first}{more}", violations=told)
