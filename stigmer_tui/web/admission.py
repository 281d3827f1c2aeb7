"""Who may come in: a browser that was given a link which works once, speaking to this address and from a page of ours.

Whoever reaches the port is not trusted: other people of the machine, and pages of other places in the same browser. A link holds a token for one use; it is
exchanged for a cookie that scripts cannot read and other pages cannot send. Everything lies below a path that nobody can guess, because cookies of
127.0.0.1 are shown to every port, and paths are not.
"""

import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

MOST_LINKS = 8
"""Links that were not used yet; the oldest goes."""
COOKIE = "stigmer"


class Admission:
    """The links and sessions of one server."""

    def __init__(self, port: int) -> None:
        self.path = f"/{secrets.token_urlsafe(16)}"
        """Everything lies below it."""
        self._hosts = frozenset({f"127.0.0.1:{port}", f"localhost:{port}"})
        self._address = f"127.0.0.1:{port}"
        self._links: list[str] = []
        self._sessions: set[str] = set()

    def new_link(self) -> str:
        """A URL that lets one browser in, once."""
        token = secrets.token_urlsafe(32)
        self._links = [*self._links[1 - MOST_LINKS :], token]
        return f"http://{self._address}{self.path}/?token={token}"

    def exchange(self, token: str) -> str:
        """The session for a link's token, which is used up; empty for one that is none, or was used."""
        found = [each for each in self._links if _same(each, token)]
        if not found:
            return ""
        self._links.remove(found[0])
        session = secrets.token_urlsafe(32)
        self._sessions.add(session)
        return session

    def is_in(self, session: str) -> bool:
        """Whether a cookie is one that was given."""
        return any(_same(each, session) for each in self._sessions)

    def is_ours(self, host: str) -> bool:
        """Whether a request names this server: a name that somebody else's page points here does not."""
        return host in self._hosts

    def may_connect(self, headers: Mapping[str, str]) -> bool:
        """Whether what asks for the terminal is a page of ours: browsers say where a page is from."""
        origin, host = urlsplit(headers.get("Origin", "")), headers.get("Host", "")
        return self.is_ours(host) and origin.scheme == "http" and origin.netloc == host


def _same(known: str, given: str) -> bool:
    return hmac.compare_digest(known.encode(), given.encode("utf-8", "replace"))
