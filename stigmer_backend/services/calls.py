"""What a call carries beside its request."""

from typing import Final, TypeVar

from stigmer_apis.protocol import IDEMPOTENCY_KEY
from stigmer_apis.transport import aio
from stigmer_backend.resources.catalogue import Outcome

FORCE: Final = "stigmer-force"
"""Metadata key of a delete that takes along what others made: `true`."""

OUTCOME: Final = "stigmer-outcome"
"""Metadata key of an answer to create, update and apply: `created`, `updated` or `unchanged`."""

Request = TypeVar("Request")
Response = TypeVar("Response")


def idempotency_key(context: aio.ServicerContext[Request, Response]) -> str:
    """The call's idempotency key, empty where there is none."""
    return _metadata(context, IDEMPOTENCY_KEY)


def is_forced(context: aio.ServicerContext[Request, Response]) -> bool:
    """Whether a delete takes along what others made."""
    return _metadata(context, FORCE).lower() in ("true", "1")


def tell(context: aio.ServicerContext[Request, Response], outcome: Outcome) -> None:
    """Say beside the answer what a write came to."""
    context.set_trailing_metadata(((OUTCOME, outcome.value),))


def _metadata(context: aio.ServicerContext[Request, Response], wanted: str) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == wanted:
            return value if isinstance(value, str) else value.decode("utf-8", "replace")
    return ""
