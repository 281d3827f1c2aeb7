"""Numbers that both ends of the wire agree on."""

from typing import Final

PROTOCOL: Final = 1
"""Version of the services in `stigmer.*`. Client and server of different numbers refuse each other."""

MAX_MESSAGE_BYTES: Final = 16 * 1024 * 1024
"""The largest request that a client sends; checked before it is sent."""

MAX_ARCHIVE_MESSAGE_BYTES: Final = 101 * 1024 * 1024
"""The same for skill `push` and `getArtifact`: an archive of at most 100 MB and what stands around it."""

MAX_ARTIFACT_BYTES: Final = 256 * 1024 * 1024
"""The largest file that a run can hand over to be kept."""

TRANSPORT_MESSAGE_BYTES: Final = 2 * MAX_MESSAGE_BYTES
"""What the transport lets through: an answer holds a request of the largest size and a status or an event frame around it."""

MAX_STATUS_BYTES: Final = 3 * 1024 * 1024
"""A status or a page that a server returns stays below: published Go clients refuse 4 MiB."""

OUTPUT_HEAD_BYTES: Final = 32 * 1024
"""How much of the beginning of an output stands in the published status."""

OUTPUT_TAIL_BYTES: Final = 32 * 1024
"""How much of the end of an output stands in the published status."""

MAX_INPUT_BYTES: Final = 64 * 1024
"""The most keys in one frame to an attached terminal."""

SESSION_SHELL: Final = "session_shell"
"""The line that is an interactive shell of its session."""

HEARTBEAT_SECONDS: Final = 5.0
"""A tail says at least this often how far it has come."""

WATCHDOG_SECONDS: Final = 2 * HEARTBEAT_SECONDS
"""A tail that is silent for so long is opened again."""

LEASE_SECONDS: Final = 10.0
"""A runner without a heartbeat for so long loses its leases."""

RUNNER_HEARTBEAT_SECONDS: Final = 2.0
"""How often a runner sends a heartbeat."""

MAX_SOCKET_PATH_BYTES: Final = 100
"""A unix socket's path: Linux takes 107 bytes, macOS 103; the difference is left to gRPC and to what stands after the directory."""

DEFAULT_PAGE_SIZE: Final = 50
"""Rows of a page in `stigmer.*` when the request says 0."""

MAX_PAGE_SIZE: Final = 1000
"""The most rows of a page."""

AUTHORIZATION: Final = "authorization"
"""Metadata key of the token: `Bearer <token>`."""

TLS_NAME: Final = "stigmer-server.internal"
"""A name in every certificate that a server's own authority signs: a client that knows the authority needs to know no other name of the server."""

IDEMPOTENCY_KEY: Final = "stigmer-idempotency-key"
"""Metadata key that every mutation carries: a repeat with the same key is the same call."""

DAMAGE_ANNOTATION: Final = "stigmer.damage"
"""In the metadata of what a damaged disk has taken something of, as it is read: what is lost, in words. It is never stored."""

API_VERSION: Final = "agentic.stigmer.ai/v1"
"""`api_version` of every resource."""
