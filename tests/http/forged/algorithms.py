"""Tokens that are signed in another way than ours, or not at all."""

from collections.abc import Callable, Iterator
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.security.keys import TokenKey, new_private_key
from tests.http.forged.victim import ABSENT, Forgery, Victim, changed, coded, given, packed


def no_algorithm() -> Iterator[tuple[str, Forgery]]:
    for alg in ("none", "None", "NONE", "nOnE", "noNe", "", " none", "none\0", None, False, ["none"], ABSENT):
        header = given(lambda v, alg: coded(packed(changed(v.header, alg=alg))), alg)
        yield f"alg {alg!r}, unsigned", given(lambda v, h: f"{h(v)}.{coded(packed(v.claims))}.", header)
        yield f"alg {alg!r}, signed", given(lambda v, alg: v.signed(changed(v.header, alg=alg)), alg)


PUBLIC: dict[str, Callable[[Any, str], bytes]] = {
    "PEM": lambda key, _: key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    "PEM without its last line feed": lambda key, _: key.public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    ).strip(),
    "DER": lambda key, _: key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "JWK": lambda key, _: packed(TokenKey.from_pem(PUBLIC["PEM"](key, "")).jwk),
    "kid": lambda _, kid: kid.encode(),
    "nothing": lambda *_: b"",
    "the name of the service": lambda *_: b"order-service",
    "the original's secret": lambda *_: b"SUPER_SECRET_KEY",
}
"""What everybody knows, or might guess, and might take for a secret. A service with a secret has no public key."""


def public_as_secret() -> Iterator[tuple[str, Forgery]]:
    def forge(victim: Victim, alg: str, what: str) -> str:
        known = victim.key if victim.key.jwk else TokenKey.from_pem(new_private_key("es256"))
        secret = PUBLIC[what](known.verifying, victim.key.kid)
        head, body = coded(packed(changed(victim.header, alg=alg))), coded(packed(victim.claims))
        hmac = jwt.get_algorithm_by_name(alg)
        return f"{head}.{body}.{coded(hmac.sign(f'{head}.{body}'.encode(), secret))}"

    for alg in ("HS256", "HS384", "HS512"):
        for what in PUBLIC:
            yield f"{alg} with {what}", given(forge, alg, what)


ALGORITHMS = (
    *("HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "ES256K", "EdDSA", "Ed25519", "Ed448", "dir", "A128KW"),
)


def other_algorithms() -> Iterator[tuple[str, Forgery]]:
    for alg in ALGORITHMS:  # our own is written in another way
        yield (
            f"called {alg}, signed as ever",
            given(
                lambda v, alg: v.signed(changed(v.header, alg=alg if alg != v.key.algorithm else alg.swapcase())), alg
            ),
        )
    keys: dict[str, Callable[[], Any]] = {
        "RS256": lambda: rsa.generate_private_key(65537, 2048),
        "PS256": lambda: rsa.generate_private_key(65537, 2048),
        "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
        "ES256K": lambda: ec.generate_private_key(ec.SECP256K1()),
        "HS384": lambda: "a secret of somebody else that is long enough for HS384",
        "HS512": lambda: "a secret of somebody else that is long enough for HS512, which needs 64",
    }
    for alg, make in keys.items():
        yield (
            f"really signed by {alg}",
            given(lambda v, alg, make: jwt.encode(v.claims, make(), alg, changed(v.header, alg=alg)), alg, make),
        )
