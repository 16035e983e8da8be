"""Where Kafka is, and how to get in: for aiokafka's clients and for FastStream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ssl import SSLContext, create_default_context
from typing import Any

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

_SASL: Mapping[str, type[SASLPlaintext | SASLScram256 | SASLScram512]] = {
    "PLAIN": SASLPlaintext,
    "SCRAM-SHA-256": SASLScram256,
    "SCRAM-SHA-512": SASLScram512,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """`protocol` and `mechanism` as Kafka names them. `ca_file`: None trusts the authorities of the system."""

    servers: Sequence[str]
    protocol: str = "PLAINTEXT"
    mechanism: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """For a client of aiokafka."""
        options: dict[str, Any] = {
            "bootstrap_servers": list(self.servers),
            "security_protocol": self.protocol,
            "ssl_context": self._tls(),
        }
        if self.mechanism is not None:
            options |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        return options

    @property
    def security(self) -> BaseSecurity:
        """For a broker of FastStream."""
        tls = self._tls()
        if self.mechanism is None:
            return BaseSecurity(ssl_context=tls, use_ssl=tls is not None)
        return _SASL[self.mechanism](
            username=self.user or "", password=self.password or "", ssl_context=tls, use_ssl=tls is not None
        )

    def _tls(self) -> SSLContext | None:
        return _trusting(self.ca_file) if self.protocol.endswith("SSL") else None


@lru_cache(maxsize=1)
def _trusting(ca_file: str | None) -> SSLContext:
    """For all clients: to read what a system trusts takes 20 ms, in which no event loop turns."""
    return create_default_context(cafile=ca_file)
