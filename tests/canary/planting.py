"""Secrets to plant."""

import secrets


def new_secrets(*names: str) -> dict[str, str]:
    """A random secret for each name, of 32 characters that need no quoting anywhere."""
    return {name: secrets.token_hex(4) + secrets.token_urlsafe(18) for name in names}
