"""What a URI of PostgreSQL says, and what it means that a server refuses."""

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn

from stigmer_backend.store.errors import OpenRefused, ServerRefused

CONNECT_SECONDS = 5
"""One try to connect."""

KEEPALIVE = {"keepalives_idle": 3, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 9_000}
"""A server that a cut link took away is noticed after about nine seconds, by both sides. Seconds, but the last: milliseconds."""

_SERVER_SETTINGS = "-c synchronous_commit=on -c tcp_keepalives_idle=3 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c tcp_user_timeout=9000"

_PASSWORD_REMEDY = (
    "Put the password where libpq looks for it: a file that PGPASSFILE names (or ~/.pgpass, mode 0600), or PGPASSWORD"
)
_LASTING = (
    ("password authentication failed", "it refuses the password", _PASSWORD_REMEDY),
    ("no password supplied", "it wants a password, and none is known", _PASSWORD_REMEDY),
    ("no pg_hba.conf entry", "it lets nobody in from here as this user", "Add a line to the server's pg_hba.conf"),
    (
        "authentication failed",
        "it does not let this user in",
        "Name the user in the URI: `postgresql://USER@HOST/DATABASE`",
    ),
    ('database "', "there is no such database", "Make it: `createdb -E UTF8 -T template0 DATABASE`"),
    ('role "', "there is no such user", "Make it: `createuser USER`, or name another one in the URI"),
    ("permission denied", "this user may not make tables there", "Make it the database's owner"),
)
"""What stays so until a person does something: a part of the server's words, what it means, what to do."""

_PASSING = (
    ("could not translate host name", "its host is not known", "Look at the host in the URI"),
    ("starting up", "the server is starting", "Try again in a moment"),
    ("too many", "it takes no more connections", "Raise `max_connections`: a daemon uses about ten"),
    ("SSL", "no secure connection came about", "Look at `sslmode` and the certificates in the URI"),
)
"""What may be otherwise the next time."""

_AWAY = ("no server answers", "Start it, or look at the host and the port in the URI")


class Address:
    """A database, as a URI names it."""

    def __init__(self, uri: str) -> None:
        """Raises `OpenRefused` for a URI that means nothing, or that holds a password."""
        try:
            self._parts = parse_dsn(uri)
        except psycopg2.ProgrammingError as error:
            raise OpenRefused(
                f"the storage's URI means nothing ({first_line(error)}): write `postgresql://USER@HOST:PORT/DATABASE`"
            ) from error
        if "password" in self._parts:
            raise OpenRefused(f"the storage's URI holds a password, which everybody can read there. {_PASSWORD_REMEDY}")
        self.database = self._parts.get("dbname") or self._parts.get("user", "")
        host = self._parts.get("host", "this machine")
        port = self._parts.get("port", "")
        self.name = f"PostgreSQL database {self.database!r} at {host}{':' + port if port else ''}"
        """For a person."""

    def dsn(self, application: str) -> str:
        """What to connect with. `application` is how the server lists the connection."""
        options = f"{_SERVER_SETTINGS} {self._parts.get('options', '')}".strip()
        asked = {"connect_timeout": CONNECT_SECONDS, "keepalives": 1, **KEEPALIVE, **self._parts}
        return make_dsn(**{**asked, "application_name": application, "options": options})

    def refusal(self, error: Exception) -> ServerRefused:
        """Why a connection did not come about."""
        words = str(error)
        for part, what, remedy in (*_LASTING, *_PASSING):
            if part in words:
                return ServerRefused(self.name, f"{what} ({first_line(error)})", remedy)
        return ServerRefused(self.name, f"{_AWAY[0]} ({first_line(error)})", _AWAY[1])


def is_passing(error: psycopg2.OperationalError) -> bool:
    """Whether a refused connection may be taken the next time: the server is away, or starts or ends."""
    words = str(error)
    return not any(part in words for part, _, _ in _LASTING)


def first_line(error: BaseException) -> str:
    """The beginning of what a server said."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
