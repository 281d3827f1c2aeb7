"""Errors of access, in one tree.

    AccessError
    ├── TokensUnreadable    data/tokens.json or data/api-keys.json is not what the daemon wrote
    └── AuthorityUnusable   the certificates cannot be used

What a caller may not do is answered with errors of `stigmer_apis.errors`, not with these.
"""

from pathlib import Path


class AccessError(Exception):
    """Base of the errors of this package. Its text says what failed, on what, and how to mend it."""


class TokensUnreadable(AccessError):
    """The file of token hashes cannot be read, or is not what the daemon wrote there.

    It is never taken as empty: that would lock a living runner out without a word.
    """

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"the token file {path} cannot be used: {what}. Delete it and start again: new tokens are made, and a runner that "
            "is still running is replaced"
        )
        self.path = path


class AuthorityUnusable(AccessError):
    """A certificate or its key cannot be read, or the two do not belong together."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(
            f"{path} cannot be used for TLS: {what}. Put the right file there; what Stigmer made itself may be deleted and is made anew"
        )
        self.path = path
