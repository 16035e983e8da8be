"""Tokens that are not written as ours are: other signatures, other encodings, other sizes."""

from collections.abc import Callable, Iterator

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.http.forged.victim import Forgery, Victim, changed, coded, decoded, given, packed

ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


SIGNATURES: dict[str, Callable[[bytes], bytes]] = {
    "without the last byte": lambda s: s[:-1],
    "without the first byte": lambda s: s[1:],
    "half": lambda s: s[: len(s) // 2],
    "of one byte": lambda s: s[:1],
    "twice": lambda s: s + s,
    "and a byte more": lambda s: s + b"\0",
    "behind a zero": lambda s: b"\0" + s,
    "of zeros": lambda s: bytes(len(s)),
    "of ones": lambda s: b"\xff" * len(s),
    "turned around": lambda s: s[::-1],
    "with its halves swapped": lambda s: s[len(s) // 2 :] + s[: len(s) // 2],
    "with its first bit flipped": lambda s: bytes([s[0] ^ 0x80]) + s[1:],
    "with its last bit flipped": lambda s: s[:-1] + bytes([s[-1] ^ 1]),
    "with a bit in its middle flipped": lambda s: s[:20] + bytes([s[20] ^ 4]) + s[21:],
    "in hexadecimal": lambda s: s.hex().encode(),
    "in DER": lambda s: encode_dss_signature(
        int.from_bytes(s[: len(s) // 2], "big"), int.from_bytes(s[len(s) // 2 :], "big")
    ),
    "with more than the order of the group": lambda s: (
        s[:32] + ((int.from_bytes(s[32:], "little") + ED25519_ORDER) % 2**256).to_bytes(32, "little")
    ),
}


def signatures() -> Iterator[tuple[str, Forgery]]:
    for how, change in SIGNATURES.items():
        yield (
            f"a signature {how}",
            given(
                lambda v, change: (
                    f"{v.token.rpartition('.')[0]}.{coded(change(decoded(v.token.rpartition('.')[2])))}"
                ),
                change,
            ),
        )
    yield (
        "the signature of another token",
        lambda v: (
            f"{v.token.rpartition('.')[0]}.{v.signed(claims=changed(v.claims, jti='other')).rpartition('.')[2]}"
        ),
    )
    yield (
        "the signature of the payload alone",
        lambda v: f"{v.token.rpartition('.')[0]}.{coded(v.signature('', v.token.split('.')[1]))}",
    )
    yield "the signature cut by a character", lambda v: v.token[:-1]
    yield "the signature and a character more", lambda v: f"{v.token}A"


def respelled(part: str) -> str:
    """Other characters for the same content, where its last one has bits to spare; else padding would be wrong."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    if len(part) % 4 == 0:
        return part + "="
    last = alphabet.index(part[-1])
    return part[:-1] + alphabet[last ^ 1]


def in_part(number: int, change: Callable[[str], str]) -> Forgery:
    """Signed as it stands, where the part is signed at all."""

    def forge(victim: Victim) -> str:
        head, body, signature = victim.token.split(".")
        if number == 2:
            return f"{head}.{body}.{change(signature)}"
        return victim.parts(change(head), body) if number == 0 else victim.parts(head, change(body))

    return forge


def shapes() -> Iterator[tuple[str, Forgery]]:
    for text in (
        "",
        ".",
        "..",
        "...",
        "....",
        "a",
        "a.b",
        "a.b.c",
        "null",
        "undefined",
        "Bearer",
        "{}",
        "%00",
        "=.=.=",
    ):
        yield f"no token but {text!r}", given(lambda _, text: text, text)
    for number, part in enumerate(("header", "payload", "signature")):
        yield f"an empty {part}", in_part(number, lambda _: "")
        yield f"a padded {part}", in_part(number, lambda p: p + "=" * (-len(p) % 4 or 4))
        yield f"a {part} with a spare = ", in_part(number, lambda p: p + "=")
        yield f"a {part} spelled otherwise", in_part(number, respelled)
        yield f"a {part} with a space in it", in_part(number, lambda p: f"{p[:9]} {p[9:]}")
        yield f"a {part} with a tab in it", in_part(number, lambda p: f"{p[:9]}\t{p[9:]}")
        yield f"a {part} with a ! in it", in_part(number, lambda p: f"{p[:9]}!{p[9:]}")
        yield f"a {part} with a + in it", in_part(number, lambda p: f"{p[:8]}++++{p[8:]}")
        yield f"a {part} encoded twice", in_part(number, lambda p: coded(p.encode()))
        yield f"a {part} with é in it", in_part(number, lambda p: f"{p[:9]}é{p[9:]}")
    around: dict[str, Callable[[str], str]] = {
        "a dot before it": lambda t: f".{t}",
        "a dot behind it": lambda t: f"{t}.",
        "a fourth part": lambda t: f"{t}.AAAA",
        "two more parts": lambda t: f"{t}.AAAA.AAAA",
        "itself behind it": lambda t: f"{t}.{t}",
        "itself behind a comma": lambda t: f"{t},{t}",
        "itself behind a space": lambda t: f"{t} {t}",
        "Bearer behind a comma": lambda t: f"{t}, Bearer {t}",
        "Bearer before it": lambda t: f"Bearer {t}",
        "quotes around it": lambda t: f'"{t}"',
        "brackets around it": lambda t: f"<{t}>",
        "a semicolon behind it": lambda t: f"{t};",
        "a NUL behind it": lambda t: f"{t}\0",
        "a space that does not break behind it": lambda t: f"{t}\xa0",
        "a vertical tab behind it": lambda t: f"{t}\x0b",
        "a form feed before it": lambda t: f"\x0c{t}",
        "a next line behind it": lambda t: f"{t}\x85",
        "slashes for dots": lambda t: t.replace(".", "/"),
        "full stops of another script for dots": lambda t: t.replace(".", "\xb7"),
        "all in upper case": lambda t: t.upper(),
        "percent signs": lambda t: t.replace(".", "%2E"),
    }
    for what, change in around.items():
        yield f"the token with {what}", given(lambda v, change: change(v.token).encode("latin-1"), change)
    yield (
        "a JWE",
        lambda _: ".".join([coded(b'{"alg":"dir","enc":"A256GCM"}'), "", *(coded(bytes(n)) for n in (12, 40, 16))]),
    )
    yield (
        "a JWE with our key's name",
        lambda v: ".".join(
            [coded(packed({**v.header, "enc": "A256GCM"})), *(coded(bytes(n)) for n in (40, 12, 40, 16))]
        ),
    )
    yield "a token in a token", lambda v: v.signed({**v.header, "cty": "JWT"}, v.token.encode())
    yield "a token in a token, not said so", lambda v: v.signed(claims=v.token.encode())
    yield (
        "a JWS as JSON",
        lambda v: packed(dict(zip(("protected", "payload", "signature"), v.token.split("."), strict=True))),
    )
    big = "A" * 2**20
    yield "a megabyte of A", lambda _: big
    yield "a megabyte of dots", lambda _: "." * 2**20
    yield "a megabyte of spaces", lambda _: " " * 2**20 + "x"
    yield "a megabyte behind the token", lambda v: v.token + big
    yield "a megabyte of header", lambda v: v.signed({**v.header, "x": big})
    yield "a megabyte of claims", lambda v: v.signed(claims=changed(v.claims, x=big))
    yield "a megabyte of brackets", lambda v: v.signed(claims=b"[" * 2**20)
