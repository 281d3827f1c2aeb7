"""The cryptography: AES-256-GCM, scrypt, and how what is bound is written down. No other module of ours touches it."""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
SALT_BYTES: Final = 16

_SCRYPT_COST = 2**15
_SCRYPT_BLOCK = 8
_SCRYPT_LANES = 1


class WrongKey(Exception):
    """The ciphertext does not belong to this key and these bound values."""


def new_key() -> bytes:
    """A key that nobody had before."""
    return os.urandom(KEY_BYTES)


def encrypt(key: bytes, plain: bytes, bound: bytes) -> bytes:
    """A nonce of 12 bytes, the ciphertext, and its tag of 16. `bound` has to be the same to open it.

    Nonces are random: safe for 2^32 messages a key (NIST SP 800-38D, 8.3). A data key encrypts one, a master key as many as there are
    secrets.
    """
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound)


def decrypt(key: bytes, sealed: bytes, bound: bytes) -> bytes:
    """What was encrypted. Raises `WrongKey`."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise WrongKey
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound)
    except InvalidTag as error:
        raise WrongKey from error


def derive_key(passphrase: bytes, salt: bytes) -> bytes:
    """A key out of a passphrase: scrypt with N = 2^15, r = 8, p = 1, which takes 32 MiB and about a tenth of a second."""
    scrypt = Scrypt(salt=salt, length=KEY_BYTES, n=_SCRYPT_COST, r=_SCRYPT_BLOCK, p=_SCRYPT_LANES)
    return scrypt.derive(passphrase)


def bind(*parts: bytes | str) -> bytes:
    """Parts written one behind the other, each with its length, so that no two lists of parts look the same."""
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(len(part).to_bytes(4) + part for part in encoded)
