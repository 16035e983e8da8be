"""Tokens whose claims are not what the profile asks for, or are not those that were signed."""

import json
from collections.abc import Iterator
from typing import Any

from tests.http.forged.victim import ABSENT, Forgery, changed, coded, given, named, packed, twice

SOMEBODY = "01a20e66-0000-7000-8000-000000000001"

WRONG: dict[str, tuple[Any, ...]] = {
    "iss": ("billing", "", "order-service ", "Order-Service", "https://order-service", 1, None, ["order-service"]),
    "aud": (
        *("billing", "", "order", "order-service-2", "ORDER-SERVICE", "*", 1, None, True, {}, []),
        *(["order-service"], ["billing", "order-service"], ["billing"], [1]),
    ),
    "sub": ("", "admin", "*", "0", 0, 1, None, True, [], {}, f"{SOMEBODY} ", f"{SOMEBODY}\0", [SOMEBODY]),
    "exp": (0, 1, -1, -(10**30), 10**12, 10**30, 1.5, 2e9, "2000000000", "tomorrow", "", None, True, [], {}),
    "iat": (-1, 10**12, 10**30, 1.5, "0", "", None, True, []),
    "nbf": (-1, 10**12, 10**30, 1.5, "0", "", None, True, []),
    "role": ("root", "system", "Admin", "ADMIN", "admin ", "operator,admin", "", 0, 1, None, True, ["admin"], {}),
    "scope": (
        *("root", "*", "", " ", "orders", "orders:*", "ORDERS:READ", "orders:read root", "orders:read,orders:write"),
        *("orders:read  orders:write", "orders:read\torders:write", " orders:read", 0, 1, None, True, {}),
        ["orders:read"],
    ),
    "jti": (0, None, [], True),
    "client_id": (0, None, [], True),
    "sid": ("", "x", 0, 1, True, [], {}, SOMEBODY[:-1]),
}
REQUIRED = ("iss", "aud", "sub", "exp", "iat", "role", "scope", "jti", "client_id")


def wrong_claims() -> Iterator[tuple[str, Forgery]]:
    for name, values in WRONG.items():
        for value in values:
            yield (
                f"{name} {value!r}",
                given(lambda v, n, value: v.signed(claims=changed(v.claims, **{n: value})), name, value),
            )
    for name in REQUIRED:
        yield f"without {name}", given(lambda v, name: v.signed(claims=changed(v.claims, **{name: ABSENT})), name)
    for name, first in {"sub": SOMEBODY, "role": "admin", "exp": 1, "scope": "events:read", "aud": "x"}.items():
        yield (
            f"{name} twice",
            given(lambda v, name, first: v.signed(claims=twice(v.claims, name, first)), name, first),
        )
    for number in ("NaN", "Infinity", "-Infinity", "1e400", "9" * 300, "0x7fffffff", "2_000_000_000", "02000000000"):
        raw = number.encode()
        yield (
            f"exp {named(number)} as it stands",
            given(
                lambda v, raw: v.signed(claims=packed(changed(v.claims, exp=ABSENT))[:-1] + b',"exp":' + raw + b"}"),
                raw,
            ),
        )
    for name, seconds in {"expired a second ago": -1, "expired an hour ago": -3600}.items():
        yield name, given(lambda v, s: v.signed(claims=changed(v.claims, exp=v.claims["iat"] + s)), seconds)
    for name in ("iat", "nbf"):
        yield (
            f"{name} in ten minutes",
            given(lambda v, n: v.signed(claims=changed(v.claims, **{n: v.claims["iat"] + 600})), name),
        )
    for what, payload in {
        "a list": b"[]",
        "a text": b'"admin"',
        "a number": b"1",
        "null": b"null",
        "no JSON": b"admin",
        "no UTF-8": b'{"sub":"\xff"}',
        "in deep brackets": b'{"sub":' + b"[" * 2500,
    }.items():
        yield f"a payload that is {what}", given(lambda v, payload: v.signed(claims=payload), payload)
    yield "a payload in UTF-16", lambda v: v.signed(claims=json.dumps(v.claims).encode("utf-16"))
    yield "a payload behind a byte order mark", lambda v: v.signed(claims=b"\xef\xbb\xbf" + packed(v.claims))
    yield "something behind the payload", lambda v: v.signed(claims=packed(v.claims) + b"{}")


WIDER: dict[str, dict[str, Any]] = {
    "role": {"role": "admin"},
    "scope": {"scope": "orders:read events:read"},
    "sub": {"sub": SOMEBODY},
    "exp": {"exp": 2_000_000_000},
    "sid": {"sid": ABSENT},
    "everything": {"sub": SOMEBODY, "role": "admin", "scope": "orders:read", "exp": 2_000_000_000},
}


def widened() -> Iterator[tuple[str, Forgery]]:
    for what, wider in WIDER.items():
        yield (
            f"another {what} under the old signature",
            given(
                lambda v, w: (
                    f"{v.token.split('.')[0]}.{coded(packed(changed(v.claims, **w)))}.{v.token.split('.')[2]}"
                ),
                wider,
            ),
        )
        yield (
            f"another {what}, signed by another key",
            given(lambda v, w: v.signed(claims=changed(v.claims, **w), key=v.attacker), wider),
        )
