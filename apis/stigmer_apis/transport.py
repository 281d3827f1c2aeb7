"""grpc, and the options of both ends of the wire.

Hand-written code takes grpc from here. Its environment is set where `stigmer_apis` is imported, before any module of it can load grpc.
"""

from pathlib import Path

import grpc
from grpc import aio

from stigmer_apis.protocol import MAX_ARCHIVE_MESSAGE_BYTES, TRANSPORT_MESSAGE_BYTES

__all__ = ["Options", "aio", "archive_options", "client_options", "grpc", "server_options", "unix_target"]

Options = list[tuple[str, int | str]]
"""Channel or server arguments."""

KEEPALIVE_MILLISECONDS = 6_000
KEEPALIVE_TIMEOUT_MILLISECONDS = 3_500
SHORTEST_PING_MILLISECONDS = 3_000
"""More often than this nobody may ping a server."""
METADATA_BYTES = 512 * 1024
"""What a client of ours takes beside an answer: the mistakes of many resources at once travel there."""
CONNECT_MILLISECONDS = 5_000
"""How long a server may take to greet a new connection; gRPC calls it the minimal backoff, though it waits as long as `initial` and `max` say."""


def client_options() -> Options:
    """Options of a channel: a dead peer is noticed within 10 s, a new connection is tried after 0.1 to 1 s."""
    return [
        *_message_sizes(TRANSPORT_MESSAGE_BYTES),
        *_keepalive(),
        ("grpc.max_metadata_size", METADATA_BYTES),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", CONNECT_MILLISECONDS),
        ("grpc.max_reconnect_backoff_ms", 1000),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
    ]


def archive_options() -> Options:
    """Options of a channel that carries archives: as `client_options`, with messages up to 101 MiB."""
    sizes = dict(_message_sizes(MAX_ARCHIVE_MESSAGE_BYTES))
    return [(name, sizes.get(name, value)) for name, value in client_options()]


def server_options() -> Options:
    """Options of a server that such clients talk to: it lets their keepalive pings through, and refuses a socket that is taken.

    Messages are let through up to the size of an archive: which methods take how much is for what stands before the services.
    """
    return [
        *_message_sizes(MAX_ARCHIVE_MESSAGE_BYTES),
        *_keepalive(),
        ("grpc.http2.min_ping_interval_without_data_ms", SHORTEST_PING_MILLISECONDS),
        ("grpc.so_reuseport", 0),
    ]


def unix_target(path: Path) -> str:
    """The gRPC name of the unix socket at `path`."""
    return f"unix:{path}"


def _message_sizes(limit: int) -> Options:
    return [("grpc.max_send_message_length", limit), ("grpc.max_receive_message_length", limit)]


def _keepalive() -> Options:
    return [
        ("grpc.keepalive_time_ms", KEEPALIVE_MILLISECONDS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MILLISECONDS),
        ("grpc.http2.ping_timeout_ms", KEEPALIVE_TIMEOUT_MILLISECONDS),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
    ]
