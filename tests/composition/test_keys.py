"""The keys of access tokens, as an operator makes and names them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from adapters.security.keys import TokenKey, new_private_key, thumbprint
from composition.cli import main
from composition.keys import token_keys
from composition.settings import Settings, SettingsError

SECRET, FORMER = "a secret of 32 or more characters", "a former secret of 32 or more characters"


def settings(*files: Path, former: str = "") -> Settings:
    return Settings(signing_key_files=", ".join(map(str, files)), former_secret_keys=former)


def a_file(folder: Path, name: str, pem: bytes) -> Path:
    (folder / name).write_bytes(pem)
    return folder / name


def public_half(pem: bytes) -> bytes:
    public = load_pem_private_key(pem, password=None).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_a_thumbprint_is_that_of_the_standard() -> None:
    """RFC 8037, appendix A.3."""
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_without_files_the_secret_signs_and_the_public_learns_nothing() -> None:
    keys = token_keys(settings(former=FORMER), SECRET)
    assert keys.current.algorithm == "HS256"
    assert len(keys.by_kid) == 2
    assert keys.jwks == {"keys": []}
    assert SECRET not in repr(keys.current.kid)


def test_with_files_the_first_signs_and_the_secret_does_not_count_any_more(tmp_path: Path) -> None:
    first = a_file(tmp_path, "first.pem", new_private_key("ed25519"))
    second = a_file(tmp_path, "second.pem", public_half(new_private_key("es256")))
    keys = token_keys(settings(first, second), SECRET)
    assert [(key.algorithm, key.signing is None) for key in keys.all] == [("EdDSA", False), ("ES256", True)]
    assert TokenKey.secret(SECRET).kid not in keys.by_kid
    assert TokenKey.secret(SECRET).kid in token_keys(settings(first, former=SECRET), SECRET).by_kid


def test_the_public_half_has_the_name_of_the_whole() -> None:
    pem = new_private_key("es256")
    assert TokenKey.from_pem(pem).kid == TokenKey.from_pem(public_half(pem)).kid


def in_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def behind_a_password() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "RSA": (lambda: in_pem(rsa.generate_private_key(65537, 2048)), r"kind \w*RSA \(2048\)"),
    "P-192": (lambda: in_pem(ec.generate_private_key(ec.SECP192R1())), "kind .*192"),
    "P-384": (lambda: in_pem(ec.generate_private_key(ec.SECP384R1())), "kind .*384"),
    "secp256k1": (lambda: in_pem(ec.generate_private_key(ec.SECP256K1())), "kind .*256"),
    "Ed448": (lambda: in_pem(ed448.Ed448PrivateKey.generate()), "kind Ed448"),
    "behind a password": (behind_a_password, "behind a password"),
    "only public, but first": (lambda: public_half(new_private_key("ed25519")), "must have a private one"),
    "no PEM": (lambda: b"secret", "no key in PEM form"),
    "empty": (lambda: b"", "no key in PEM form"),
    "cut off": (lambda: new_private_key("ed25519")[:60], "no key in PEM form"),
    "no text": (lambda: b"\xff\xfe\x00", "no key in PEM form"),
}


@pytest.mark.parametrize(("pem", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_a_file_without_a_key_that_can_sign_tokens_is_named(
    tmp_path: Path, pem: Callable[[], bytes], why: str
) -> None:
    file = a_file(tmp_path, "key.pem", pem())
    with pytest.raises(SettingsError, match=rf"SIGNING_KEY_FILES: {file}.*{why}"):
        token_keys(settings(file), SECRET)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.pem cannot be read: No such file"):
        token_keys(settings(tmp_path / "absent.pem"), SECRET)
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        token_keys(settings(tmp_path), SECRET)


def test_a_former_secret_that_could_be_guessed_is_refused() -> None:
    with pytest.raises(SettingsError, match="FORMER_SECRET_KEYS has less than 32"):
        token_keys(settings(former=f"{FORMER},short"), SECRET)


@pytest.mark.parametrize("algorithm", ["ed25519", "es256"])
def test_a_key_is_made_once_and_only_we_can_read_it(
    tmp_path: Path, algorithm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "key.pem"
    assert main(["create-signing-key", str(file), "--algorithm", algorithm]) == 0
    made, told = file.read_bytes(), capsys.readouterr().out
    assert file.stat().st_mode & 0o777 == 0o600
    assert token_keys(settings(file), SECRET).current.kid in told
    assert "PRIVATE" not in told
    assert main(["create-signing-key", str(file)]) == 2
    assert "File exists" in capsys.readouterr().err
    assert file.read_bytes() == made
