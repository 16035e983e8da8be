"""Secrets of our own making, of refresh tokens and of services: random, and kept as a hash alone."""

import hashlib
import hmac

SECRET_BYTES = 32


def hash_of(secret: bytes) -> bytes:
    """Of 256 random bits, so that no salt and no slow hash is needed."""
    return hashlib.sha256(secret).digest()


def is_hash_of(known: bytes, secret: bytes) -> bool:
    return hmac.compare_digest(hash_of(secret), known)
