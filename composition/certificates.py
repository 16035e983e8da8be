"""Files of certificates, looked at where a process starts and not when it first connects."""

import ssl

from composition.refusal import SettingsError


def require_certificates(name: str, file: str) -> None:
    try:
        ssl.create_default_context(cafile=file)
    except OSError as error:  # an SSLError is one
        raise SettingsError(f"{name}: {file} cannot be used as certificates in PEM: {error}.") from None


def require_a_pair(certificate: str, key: str | None) -> None:
    try:
        ssl.create_default_context().load_cert_chain(certificate, key, password="")
    except OSError as error:
        raise SettingsError(
            f"POSTGRES_SSL_CERT_FILE, POSTGRES_SSL_KEY_FILE: {certificate} and {key} are no certificate and its key, "
            f"in PEM and without a password: {error}."
        ) from None
