"""The one mapping between the error tree and gRPC.

An error travels as `google.rpc.Status` in the trailing metadata (`grpc-status-details-bin`): its code and message, an `ErrorInfo` whose `reason`
names the class, a `Help` link whose description is the remedy, and a `BadRequest` with the violations. Metadata has a limit of 8 KiB, past which
gRPC drops the whole answer, so that texts and violations are cut here; they are for people. `ManyInvalid` alone may be larger: it answers a call
that only clients make whose limit is `transport.METADATA_BYTES`.
"""

import re
from typing import Never, TypeVar

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, Help
from google.rpc.status_pb2 import Status

from stigmer_apis import errors
from stigmer_apis.errors import FieldViolation, InvalidArgument, ManyInvalid, SequenceGap, StigmerError
from stigmer_apis.transport import aio, grpc

DOMAIN = "stigmer.ai"
"""`ErrorInfo.domain` of what we raise."""

STATUS_METADATA = "grpc-status-details-bin"
"""Where gRPC carries a `google.rpc.Status`."""

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")

_MAX_TEXT_BYTES = 800
_MAX_SHORT_BYTES = 500
_MAX_VIOLATIONS = 8
_MAX_PATH_BYTES = 100
_MAX_VIOLATION_BYTES = 160
_MAX_MANY_BYTES = 400 * 1024
"""All violations of a `ManyInvalid`."""

_CODES: dict[type[StigmerError], grpc.StatusCode] = {
    errors.InvalidArgument: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.FailedPrecondition: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Aborted: grpc.StatusCode.ABORTED,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.ResourceExhausted: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Unimplemented: grpc.StatusCode.UNIMPLEMENTED,
    errors.DataLoss: grpc.StatusCode.DATA_LOSS,
    errors.Internal: grpc.StatusCode.INTERNAL,
}
_CLASSES = {code: kind for kind, code in _CODES.items()}
_BOUNDARY = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _reason(kind: type[StigmerError]) -> str:
    """`ErrorInfo.reason` of a class: its name as the specification wants reasons, UPPER_SNAKE_CASE."""
    return _BOUNDARY.sub("_", kind.__name__).upper()


def _tree(kind: type[StigmerError]) -> list[type[StigmerError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _tree(child))]


_BY_REASON = {_reason(kind): kind for kind in _tree(StigmerError) if kind.__module__ == errors.__name__}


def code_of(error: StigmerError) -> grpc.StatusCode:
    """The gRPC code of `error`: its class's, or the nearest ancestor's; INTERNAL for the root itself."""
    for kind in type(error).__mro__:
        if kind in _CODES:
            return _CODES[kind]
    return grpc.StatusCode.INTERNAL


def status_of(error: StigmerError) -> Status:
    """`error` as a status with its details: less than 5 KiB whatever the error holds, but for `ManyInvalid`: less than 500 KiB."""
    number: int = code_of(error).value[0]
    status = Status(code=number, message=_cut(error.message, _MAX_TEXT_BYTES))
    kind = next(kind for kind in type(error).__mro__ if kind in _BY_REASON.values())
    info = ErrorInfo(reason=_reason(kind), domain=DOMAIN)
    if isinstance(error, SequenceGap):
        info.metadata["expected"] = str(error.expected)
        info.metadata["got"] = str(error.got)
    status.details.append(_packed(info))
    if error.remedy:
        status.details.append(_packed(Help(links=[Help.Link(description=_cut(error.remedy, _MAX_TEXT_BYTES))])))
    if isinstance(error, InvalidArgument) and error.violations:
        status.details.append(_packed(_bad_request(error)))
    return status


def trailing_metadata_of(error: StigmerError) -> tuple[tuple[str, bytes], ...]:
    """The metadata that carries `status_of(error)`, for `ServicerContext.abort`."""
    return ((STATUS_METADATA, status_of(error).SerializeToString()),)


async def abort(context: aio.ServicerContext[_Request, _Response], error: StigmerError) -> Never:
    """End the call of `context` with `error`. Raises gRPC's own `AbortError`, as `context.abort` does."""
    return await context.abort(code_of(error), _cut(error.message, _MAX_SHORT_BYTES), trailing_metadata_of(error))


def error_from_rpc(error: aio.AioRpcError) -> StigmerError:
    """What the other end raised. An error without our details becomes its code's class, with gRPC's words."""
    status = _status_in(error)
    if status is not None:
        found = error_from_status(status)
        if found is not None:
            return found
    kind = _CLASSES.get(
        error.code(), errors.Unavailable if error.code() is grpc.StatusCode.CANCELLED else errors.Internal
    )
    return kind(error.details() or f"the call ended with {error.code().name}")


def is_from_stigmer(error: aio.AioRpcError) -> bool:
    """Whether the other end said this, and not the transport on the way."""
    status = _status_in(error)
    return status is not None and error_from_status(status) is not None


def error_from_status(status: Status) -> StigmerError | None:
    """The error that `status` carries; None where it carries none of ours."""
    info, remedy, violations = ErrorInfo(), Help(), BadRequest()
    for detail in status.details:
        for part in (info, remedy, violations):
            detail.Unpack(part)
    kind = _BY_REASON.get(info.reason) if info.domain == DOMAIN else None
    if kind is None:
        return None
    said = remedy.links[0].description if remedy.links else ""
    if issubclass(kind, InvalidArgument):
        found = [FieldViolation(v.field, v.reason, v.description) for v in violations.field_violations]
        return kind(status.message, remedy=said, violations=found)
    if issubclass(kind, SequenceGap):
        expected, got = info.metadata["expected"], info.metadata["got"]
        return kind(status.message, remedy=said, expected=int(expected or 0), got=int(got or 0))
    return kind(status.message, remedy=said)


def _status_in(error: aio.AioRpcError) -> Status | None:
    """The details of `error`; None where there are none that can be read."""
    metadata = error.trailing_metadata()
    body = metadata.get(STATUS_METADATA) if metadata is not None else None
    if not isinstance(body, bytes):
        return None
    try:
        return Status.FromString(body)
    except DecodeError:
        return None


def _bad_request(error: InvalidArgument) -> BadRequest:
    request = BadRequest()
    many = isinstance(error, ManyInvalid)
    used = 0
    for place, violation in enumerate(error.violations):
        field = _cut(violation.field, 3 * _MAX_PATH_BYTES if many else _MAX_PATH_BYTES)
        reason = _cut(violation.rule, _MAX_PATH_BYTES)
        description = _cut(violation.message, 3 * _MAX_VIOLATION_BYTES if many else _MAX_VIOLATION_BYTES)
        used += len(field.encode()) + len(reason.encode()) + len(description.encode())
        if used > _MAX_MANY_BYTES if many else place == _MAX_VIOLATIONS:
            request.field_violations.add(description=f"and {len(error.violations) - place} more")
            break
        request.field_violations.add(field=field, reason=reason, description=description)
    return request


def _packed(detail: ErrorInfo | Help | BadRequest) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed


def _cut(text: str, limit: int) -> str:
    """At most `limit` bytes of `text` as UTF-8; a text that is longer ends with an ellipsis. Lone surrogates become `?`."""
    body = text.encode("utf-8", "replace")
    if len(body) <= limit:
        return body.decode()
    return body[: limit - 3].decode("utf-8", "ignore") + "…"
