"""The keys of access tokens, each with its name: a secret of our own, or a pair whose public half all may see."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_p256
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

Algorithm = Literal["HS256", "EdDSA", "ES256"]

TYPE = "at+jwt"


class KeyRefused(Exception):
    """Why a file has no key for tokens, as the end of a sentence that begins with the file's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenKey:
    """`algorithm` belongs to the key: whatever a token says, it is verified by this one.

    `signing`: None where only the public half is known. `jwk` is what the public may know; None for a secret.
    """

    kid: str
    algorithm: Algorithm
    verifying: Any
    signing: Any
    jwk: Mapping[str, str] | None = None

    @property
    def header(self) -> Mapping[str, str]:
        """Of every token that the key signs, and of no other."""
        return {"alg": self.algorithm, "kid": self.kid, "typ": TYPE}

    @classmethod
    def secret(cls, secret: str) -> "TokenKey":
        """Its name says no more of the secret than the signature of any token does."""
        key = secret.encode()
        kid = _base64(hmac.digest(key, b"the name of this key", "sha256")[:12])
        return cls(kid=kid, algorithm="HS256", verifying=key, signing=key)

    @classmethod
    def from_pem(cls, pem: bytes) -> "TokenKey":
        """A private or public Ed25519 or P-256 key. Raises KeyRefused."""
        signing, verifying = _read(pem)
        match verifying:
            case Ed25519PublicKey():
                point = _base64(verifying.public_bytes_raw())
                return cls._pair("EdDSA", {"crv": "Ed25519", "kty": "OKP", "x": point}, signing, verifying)
            case EllipticCurvePublicKey(curve=SECP256R1()):
                numbers = verifying.public_numbers()
                x, y = (_base64(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
                return cls._pair("ES256", {"crv": "P-256", "kty": "EC", "x": x, "y": y}, signing, verifying)
            case _:
                kind = type(verifying).__name__.removesuffix("PublicKey")
                size = getattr(verifying, "key_size", "of one size")
                raise KeyRefused(f"has a key of the kind {kind} ({size}), but must have an Ed25519 or a P-256 key.")

    @classmethod
    def _pair(cls, algorithm: Algorithm, jwk: Mapping[str, str], signing: Any, verifying: Any) -> "TokenKey":
        kid = thumbprint(jwk)
        public = {**jwk, "kid": kid, "alg": algorithm, "use": "sig"}
        return cls(kid=kid, algorithm=algorithm, verifying=verifying, signing=signing, jwk=public)


@dataclass(frozen=True, slots=True)
class TokenKeys:
    """The first one signs; all of them verify, so that tokens of a former key hold until they expire."""

    all: Sequence[TokenKey]

    @property
    def current(self) -> TokenKey:
        return self.all[0]

    @property
    def by_kid(self) -> Mapping[str, TokenKey]:
        return MappingProxyType({key.kid: key for key in reversed(self.all)})

    @property
    def jwks(self) -> Mapping[str, object]:
        """The JWK set (RFC 7517) of the public keys; none where a secret signs."""
        return {"keys": [key.jwk for key in self.all if key.jwk is not None]}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638, of a key that has its required members only."""
    return _base64(hashlib.sha256(json.dumps(jwk, sort_keys=True, separators=(",", ":")).encode()).digest())


def new_private_key(algorithm: Literal["ed25519", "es256"]) -> bytes:
    """As PEM."""
    key = Ed25519PrivateKey.generate() if algorithm == "ed25519" else generate_p256(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _read(pem: bytes) -> tuple[Any, Any]:
    """The private key, or None, and the public one."""
    try:
        if b"PRIVATE KEY" not in pem:
            return None, load_pem_public_key(pem)
        private = load_pem_private_key(pem, password=None)
    except TypeError:
        raise KeyRefused("has a key behind a password, but must have a plain one.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused("has no key in PEM form.") from None
    return private, private.public_key()


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
