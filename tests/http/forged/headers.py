"""Tokens with a header that is not ours: other keys, other types, and things to fetch or to unpack."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from tests.http.forged.victim import ABSENT, Forgery, Victim, changed, coded, given, named, packed, twice

KIDS: tuple[Any, ...] = (
    *("../../../../dev/null", "/dev/null", "/etc/passwd", "file:///dev/null", "C:\\key", "https://evil.example/key"),
    *("' OR '1'='1", "x' UNION SELECT 'key' --", "; DROP TABLE services", "$(id)", "${jndi:ldap://evil}", "%00", "*"),
    *("\0", "", " ", "é", "a" * 2000, 0, 1, -1, 1.5, None, True, [], {}, ABSENT),
)


def kids() -> Iterator[tuple[str, Forgery]]:
    for kid in KIDS:
        yield f"kid {named(kid)}", given(lambda v, kid: v.signed(changed(v.header, kid=kid)), kid)
    ours: dict[str, Callable[[str], Any]] = {
        "and a NUL": lambda kid: kid + "\0",
        "and a space": lambda kid: kid + " ",
        "padded": lambda kid: kid + "=",
        "cut": lambda kid: kid[:-1],
        "in other case": lambda kid: kid.swapcase(),
        "in a list": lambda kid: [kid],
        "in an object": lambda kid: {"kid": kid},
    }
    for how, change in ours.items():
        yield f"our kid {how}", given(lambda v, change: v.signed(changed(v.header, kid=change(v.key.kid))), change)
    yield "kid of a key that is not ours, and signed by it", attackers_own
    yield "our kid, signed by a key that is not ours", lambda v: v.signed(key=v.attacker)


def attackers_own(victim: Victim) -> str:
    key = victim.attacker
    return victim.signed(dict(key.header), key=key)


def headers() -> Iterator[tuple[str, Forgery]]:
    extra: dict[str, Any] = {
        "jku": "https://evil.example/jwks.json",
        "jwk": {"kty": "oct", "k": "AAAA"},
        "x5u": "https://evil.example/cert.pem",
        "x5c": ["MIIB"],
        "x5t": "AAAA",
        "x5t#S256": "AAAA",
        "zip": "DEF",
        "cty": "JWT",
        "enc": "A256GCM",
        "p2c": 2**31,
        "b64": True,
        "url": "https://evil.example",
        "nonce": "1",
        "iss": "order-service",
        "whatever": 1,
    }
    for name, value in extra.items():
        yield f"with {name}", given(lambda v, name, value: v.signed({**v.header, name: value}), name, value)
    for crit in ([], ["exp"], ["b64"], ["alg"], [1], "exp", None):
        yield f"crit {crit!r}", given(lambda v, crit: v.signed({**v.header, "crit": crit}), crit)
    yield "not encoded", lambda v: v.signed({**v.header, "b64": False, "crit": ["b64"]})
    yield "not encoded, and detached", lambda v: v.parts(coded(packed({**v.header, "b64": False})), "")
    for name in ("jwk", "x5c", "jku", "x5u"):
        yield f"signed by the key in its own {name}", given(brings_its_key, name)
    typs = ("JWT", "jwt", "AT+JWT", "At+Jwt", "application/at+jwt", "at+jwt ", "at+jwt;x=y", "id+jwt", "dpop+jwt")
    for typ in (*typs, "logout+jwt", "refresh+jwt", "", None, 1, ["at+jwt"], ABSENT):
        yield f"typ {typ!r}", given(lambda v, typ: v.signed(changed(v.header, typ=typ)), typ)
    for what, header in {
        "a list": b"[]",
        "a text": b'"at+jwt"',
        "a number": b"1",
        "null": b"null",
        "empty": b"{}",
        "nothing": b" ",
        "no JSON": b"{alg}",
        "no UTF-8": b'{"alg":"\xff"}',
        "in deep brackets": b'{"alg":' + b"[" * 2500,
    }.items():
        yield f"a header that is {what}", given(lambda v, header: v.signed(header), header)
    for name in ("alg", "kid", "typ"):
        yield f"a header with {name} twice", given(lambda v, name: v.signed(twice(v.header, name, "none")), name)
    yield "a header with spaces and a wrong alg", lambda v: v.signed(json.dumps(changed(v.header, alg="x")).encode())


def brings_its_key(victim: Victim, name: str) -> str:
    key = victim.attacker
    public: Any = key.jwk or {"kty": "oct", "k": coded(key.signing)}
    value = {"jwk": public, "x5c": [coded(packed(public))]}.get(name, f"https://evil.example/{name}")
    return victim.signed({**victim.header, name: value}, key=key)
