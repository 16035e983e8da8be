"""Where PostgreSQL, Redis and Kafka are, and how the service makes sure that nobody else is listening.

For how the settings are written down here, see `composition/settings.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, get_args
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

import msgspec
from msgspec import Meta
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from adapters.kafka.cluster import Cluster
from composition.certificates import require_a_pair, require_certificates
from composition.refusal import SettingsError

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1)]

SslMode = Literal["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

_VERIFYING = ("verify-ca", "verify-full")
_TLS_OF_POSTGRES = {  # as a DATABASE_URL calls it -> as a setting of its own
    "sslmode": "POSTGRES_SSLMODE",
    "sslrootcert": "POSTGRES_SSL_CA_FILE",
    "sslcert": "POSTGRES_SSL_CERT_FILE",
    "sslkey": "POSTGRES_SSL_KEY_FILE",
}


class Connections(msgspec.Struct, frozen=True, kw_only=True):
    # PostgreSQL. Without POSTGRES_HOST and DATABASE_URL: a private one, started by the service

    postgres_host: str | None = None
    """Where the server is."""
    postgres_port: Port = 5432
    """Where it listens."""
    postgres_user: str = "postgres"
    """Who logs in; for `order-service migrate` and the scheduler, the owner of the tables."""
    postgres_pass: str = ""
    """Their password."""
    postgres_db: str = "order_service"
    """The database; it must be there, and may be empty."""
    postgres_pool_size: Count = 10
    """Connections that each process opens at most."""
    database_url: str | None = None
    """The whole address instead of its parts: postgresql://user:password@host:5432/order_service"""
    postgres_sslmode: SslMode | None = None
    """Not set is as prefer; only verify-full makes sure who answers. DATABASE_URL may say so, too:
    ?sslmode=verify-full&sslrootcert=/path"""
    postgres_ssl_ca_file: str | None = None
    """Certificates in PEM, of the authority whose signature the server's must have."""
    postgres_ssl_cert_file: str | None = None
    """The certificate in PEM with which the service shows who it is, if the server asks."""
    postgres_ssl_key_file: str | None = None
    """The key of that certificate, in PEM and without a password."""

    # Redis: cache, limits and the job queue. Without REDIS_HOST and REDIS_URL: inside the process

    redis_host: str | None = None
    """Where the server is."""
    redis_port: Port = 6379
    """Where it listens."""
    redis_user: str = ""
    """The name of an account (ACL), if there is one."""
    redis_pass: str = ""
    """The password."""
    redis_db: Annotated[int, Meta(ge=0)] = 0
    """The number of the database."""
    redis_cache_ttl: Count = 300
    """Seconds for which an order stays in the cache."""
    redis_url: str | None = None
    """The whole address instead of its parts: redis://user:password@host:6379/0, or rediss://... for TLS."""
    redis_tls: bool = False
    """TLS. With REDIS_URL, let that begin with rediss:// instead."""
    redis_ca_file: str | None = None
    """Certificates in PEM of the authority, needed where the system does not know it."""

    # Kafka: events. Without KAFKA_HOST and KAFKA_BOOTSTRAP_SERVERS: inside the process

    kafka_host: str | None = None
    """Where a broker is; it names the others."""
    kafka_port: Port = 9092
    """Where it listens."""
    kafka_bootstrap_servers: str | None = None
    """Several brokers instead of one: host1:9092,host2:9092"""
    kafka_topic: str = "order_management_service"
    """The topic on which order events are announced; messages that could not be handled go to this name with
    .dead_letter behind it."""
    kafka_payments_topic: str = "payments"
    """The topic on which payments are told to the service."""
    kafka_shipments_topic: str = "shipments"
    """The topic on which shipments are told to the service."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """Whether there is TLS (SSL), and whether the service logs in (SASL)."""
    kafka_ca_file: str | None = None
    """Certificates in PEM of the authority, needed where the system does not know it."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """How the service logs in with SASL."""
    kafka_user: str | None = None
    """As whom it does so."""
    kafka_password: str | None = None
    """With which password."""

    @property
    def postgres_url(self) -> URL | None:
        """Where PostgreSQL is, with libpq's names for TLS in its query; None means the embedded one."""
        if self.database_url is not None:
            try:
                url = make_url(self.database_url)
            except ArgumentError:
                url = URL.create("")
            if url.drivername.partition("+")[0] not in {"postgresql", "postgres"}:
                raise SettingsError("DATABASE_URL must be like postgresql://user:password@host:5432/order_service.")
            return self._with_tls(url.set(drivername="postgresql+asyncpg"))
        if self.postgres_host is None:
            return None
        return self._with_tls(
            URL.create(
                "postgresql+asyncpg",
                username=self.postgres_user,
                password=self.postgres_pass or None,
                host=self.postgres_host,
                port=self.postgres_port,
                database=self.postgres_db,
            )
        )

    @property
    def redis(self) -> str | None:
        """The address of Redis; None means that cache, limits and jobs live in the process."""
        url = self.redis_url
        if url is None and self.redis_host is not None:
            user = f"{quote(self.redis_user, safe='')}:{quote(self.redis_pass, safe='')}@"
            scheme = "rediss" if self.redis_tls else "redis"
            url = f"{scheme}://{user.removeprefix(':@')}{self.redis_host}:{self.redis_port}/{self.redis_db}"
        if url is None:
            return None
        scheme, place, path, query, _ = urlsplit(url)
        if scheme not in {"redis", "rediss", "unix"}:
            raise SettingsError("REDIS_URL must be like redis://user:password@host:6379/0, or rediss://... for TLS.")
        if scheme != "rediss":
            if self.redis_tls:
                raise SettingsError("REDIS_TLS: REDIS_URL has no TLS. Let it begin with rediss://.")
            if self.redis_ca_file:
                raise SettingsError(
                    "REDIS_CA_FILE does nothing without TLS. Set REDIS_TLS, or a rediss:// REDIS_URL."
                )
        if self.redis_ca_file:
            require_certificates("REDIS_CA_FILE", self.redis_ca_file)
            given = {name: values[-1] for name, values in parse_qs(query).items()}
            query = urlencode(given | {"ssl_ca_certs": self.redis_ca_file})
        return urlunsplit((scheme, place, path, query, ""))

    @property
    def kafka(self) -> Cluster | None:
        """Which brokers to ask first, and how; None means that events stay in the process."""
        if self.kafka_bootstrap_servers is not None:
            servers = [server.strip() for server in self.kafka_bootstrap_servers.split(",") if server.strip()]
        elif self.kafka_host is not None:
            servers = [f"{self.kafka_host}:{self.kafka_port}"]
        else:
            return None
        self._require_sound_security_of_kafka()
        return Cluster(
            servers=servers,
            protocol=self.kafka_security_protocol,
            mechanism=self.kafka_sasl_mechanism,
            user=self.kafka_user,
            password=self.kafka_password,
            ca_file=self.kafka_ca_file,
        )

    def where(self, dependency: str) -> tuple[str, str] | None:
        """Where `dependency` is looked for, without a password, and the settings that say so; None if nowhere."""
        match dependency:
            case "PostgreSQL" if (url := self.postgres_url) is not None:
                names = "POSTGRES_HOST and the settings beside it" if self.database_url is None else "DATABASE_URL"
                return postgres_address(url), names
            case "Redis" if (address := self.redis) is not None:
                names = "REDIS_HOST and the settings beside it" if self.redis_url is None else "REDIS_URL"
                parts = urlsplit(address)
                return f"{parts.netloc.rpartition('@')[2]}{parts.path}", names
            case "Kafka" if (cluster := self.kafka) is not None:
                one = "KAFKA_HOST" if self.kafka_bootstrap_servers is None else "KAFKA_BOOTSTRAP_SERVERS"
                return ",".join(cluster.servers), f"{one} and the settings beside it"
        return None

    @property
    def heard_topics(self) -> Sequence[str]:
        """Those that dead letters come from."""
        return (self.kafka_topic, self.kafka_payments_topic, self.kafka_shipments_topic)

    @property
    def dead_letter_topic(self) -> str:
        return f"{self.kafka_topic}.dead_letter"

    def _with_tls(self, url: URL) -> URL:
        given = {
            "sslmode": self.postgres_sslmode,
            "sslrootcert": self.postgres_ssl_ca_file,
            "sslcert": self.postgres_ssl_cert_file,
            "sslkey": self.postgres_ssl_key_file,
        }
        for name, value in given.items():
            if value is not None and url.query.get(name, value) != value:
                raise SettingsError(f"{_TLS_OF_POSTGRES[name]} and the {name} of DATABASE_URL differ. Give one.")
        url = url.update_query_dict({name: value for name, value in given.items() if value is not None})
        _require_sound_tls_of_postgres({name: str(value) for name, value in url.query.items()})
        return url

    def _require_sound_security_of_kafka(self) -> None:
        protocol = self.kafka_security_protocol
        of_sasl = {
            "KAFKA_SASL_MECHANISM": self.kafka_sasl_mechanism,
            "KAFKA_USER": self.kafka_user,
            "KAFKA_PASSWORD": self.kafka_password,
        }
        for name, value in of_sasl.items():
            if protocol.startswith("SASL") and value is None:
                raise SettingsError(f"{name} is not set, and KAFKA_SECURITY_PROTOCOL={protocol} needs it.")
            if not protocol.startswith("SASL") and value is not None:
                raise SettingsError(
                    f"{name} does nothing with KAFKA_SECURITY_PROTOCOL={protocol}. Set that to SASL_SSL."
                )
        if self.kafka_ca_file is not None:
            if not protocol.endswith("SSL"):
                raise SettingsError(
                    f"KAFKA_CA_FILE does nothing with KAFKA_SECURITY_PROTOCOL={protocol}. Set that to SSL or "
                    "SASL_SSL."
                )
            require_certificates("KAFKA_CA_FILE", self.kafka_ca_file)


def postgres_address(url: URL) -> str:
    """For people, without who logs in and how."""
    return f"{url.host or url.query.get('host')}:{url.port or 5432}/{url.database}"


def _require_sound_tls_of_postgres(query: Mapping[str, str]) -> None:
    mode = query.get("sslmode")
    if mode is not None and mode not in get_args(SslMode):
        raise SettingsError(f"DATABASE_URL: sslmode must be one of {', '.join(get_args(SslMode))}.")
    for name in ("sslrootcert", "sslcert", "sslkey"):
        if name in query and mode not in ("require", *_VERIFYING):
            raise SettingsError(
                f"{_TLS_OF_POSTGRES[name]} does nothing with POSTGRES_SSLMODE={mode or 'prefer'}. "
                "Set that to verify-full."
            )
    if mode in _VERIFYING and "sslrootcert" not in query:
        raise SettingsError(
            f"POSTGRES_SSL_CA_FILE is not set, and POSTGRES_SSLMODE={mode} needs it. Name the file with the "
            "authority's certificate, or that of the system, such as /etc/ssl/certs/ca-certificates.crt."
        )
    if "sslrootcert" in query:
        require_certificates("POSTGRES_SSL_CA_FILE", query["sslrootcert"])
    if "sslkey" in query and "sslcert" not in query:
        raise SettingsError("POSTGRES_SSL_KEY_FILE does nothing without POSTGRES_SSL_CERT_FILE.")
    if "sslcert" in query:
        require_a_pair(query["sslcert"], query.get("sslkey"))
