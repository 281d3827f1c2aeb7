"""One call with one answer: sized, keyed, and tried again while nobody answers."""

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

from google.protobuf.message import Message

from stigmer_apis.client.connection import Connection
from stigmer_apis.client.options import Backoff
from stigmer_apis.client.wire import Wire
from stigmer_apis.errors import DaemonNotStarted, MessageTooLarge, Unauthenticated, Unavailable
from stigmer_apis.protocol import MAX_MESSAGE_BYTES
from stigmer_apis.transport import aio

_Request = TypeVar("_Request", bound=Message)
_Response = TypeVar("_Response")

Method = Callable[[Wire], aio.UnaryUnaryMultiCallable[_Request, _Response]]
"""Picks the method of a wire."""


def new_idempotency_key() -> str:
    """A key that nobody used before: 128 random bits."""
    return secrets.token_hex(16)


def check_size(message: Message, limit: int = MAX_MESSAGE_BYTES) -> None:
    """Raise `MessageTooLarge` where `message` is larger than `limit` bytes."""
    size = message.ByteSize()
    if size > limit:
        raise MessageTooLarge(
            f"the message has {size / 2**20:.1f} MiB; at most {limit / 2**20:g} MiB can be sent",
            remedy="send less: put the content in a file in the workspace and name the file",
        )


async def call(
    connection: Connection,
    method: Method[_Request, _Response],
    request: _Request,
    *,
    idempotency_key: str = "",
    timeout: float | None = None,
    once: bool = False,
) -> _Response:
    """The answer to `request`. A mutation has an idempotency key, the same for all its tries.

    Nobody answers: tried again for `ClientOptions.patience` seconds, then `Unavailable`. A token that is refused is read again once: a restarted
    server has new ones. Other errors are the server's and are raised as they are. With `once` it is not tried again.
    """
    check_size(request)
    options = connection.options
    loop = asyncio.get_running_loop()
    backoff = Backoff(options)
    patience_ends = loop.time() + options.patience
    token_was_read_again = False
    while True:
        try:
            return await _try(connection, method, request, idempotency_key, timeout or options.call_timeout)
        except DaemonNotStarted:
            raise
        except Unavailable:
            delay = backoff.delay()
            if once or loop.time() + delay > patience_ends:
                raise
            await asyncio.sleep(delay)
        except Unauthenticated:
            if token_was_read_again:
                raise
            token_was_read_again = True


async def _try(
    connection: Connection, method: Method[_Request, _Response], request: _Request, idempotency_key: str, timeout: float
) -> _Response:
    async with connection.wire() as wire:
        try:
            return await method(wire)(request, timeout=timeout, metadata=wire.metadata(idempotency_key))
        except aio.AioRpcError as error:
            raise connection.broken(wire, error) from error
