"""Whom the tokens are forged for, and what they are forged with.

Where it can be, a token is signed with the real key, so that nothing else can be why it is refused.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from adapters.security.keys import TokenKey, new_private_key

Claims = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """A service, the key that it signs with, claims that it would take, and other things that it gave out.

    `token` is a good one. `worn_out`: what was good once, or is good for something else.
    """

    key: TokenKey
    claims: Claims
    token: str
    worn_out: Mapping[str, str]

    @property
    def attacker(self) -> TokenKey:
        """Of the same kind, but not ours."""
        match self.key.algorithm:
            case "HS256":
                return TokenKey.secret("the secret key of somebody else, long enough")
            case "EdDSA":
                return TokenKey.from_pem(new_private_key("ed25519"))
            case "ES256":
                return TokenKey.from_pem(new_private_key("es256"))

    @property
    def header(self) -> dict[str, Any]:
        return dict(self.key.header)

    def signature(self, head: str, body: str, key: TokenKey | None = None) -> bytes:
        key = key or self.key
        return jwt.get_algorithm_by_name(key.algorithm).sign(f"{head}.{body}".encode(), key.signing)

    def parts(self, head: str, body: str, key: TokenKey | None = None) -> str:
        """Whatever these are: signed."""
        return f"{head}.{body}.{coded(self.signature(head, body, key))}"

    def signed(self, header: object = None, claims: object = None, key: TokenKey | None = None) -> str:
        head = header if isinstance(header, bytes) else packed(self.header if header is None else header)
        body = claims if isinstance(claims, bytes) else packed(self.claims if claims is None else claims)
        return self.parts(coded(head), coded(body), key)


Forgery = Callable[[Victim], str | bytes]


def given(forge: Callable[..., str | bytes], *values: Any) -> Forgery:
    return lambda victim: forge(victim, *values)


def coded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def packed(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


def changed(known: Mapping[str, Any], **said: Any) -> dict[str, Any]:
    return {name: value for name, value in {**known, **said}.items() if value is not ABSENT}


def named(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:36]}... ({len(text)})"


def twice(known: Mapping[str, Any], name: str, first: object) -> bytes:
    """A JSON object that has the name twice, the second time with the right value."""
    return packed({name: first})[:-1] + b"," + packed(dict(known))[1:]
