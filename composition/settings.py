"""Every setting of the service: what it means, what it is when nobody sets it, and what it may be.

Read once, where a process starts, from the environment and from a `.env` file (the environment wins), and handed down
from there. The names are those of the environment in lower case.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import msgspec
from dotenv import dotenv_values
from msgspec import Meta
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from order_service.domain.errors import InvalidRequest
from order_service.domain.money import Money
from order_service.domain.rules import ShopRules
from order_service.domain.screening import ScreeningLimits

Port = Annotated[int, Meta(ge=0, le=65535)]
Count = Annotated[int, Meta(ge=1)]


class SettingsError(Exception):
    """A setting is missing or cannot be right; the message names it and says how to mend it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    # The HTTP server
    app_host: str = "127.0.0.1"
    app_port: Port = 8010

    # PostgreSQL; neither DATABASE_URL nor POSTGRES_HOST: a private one, run by the service itself
    postgres_host: str | None = None
    postgres_port: Port = 5432
    postgres_user: str = "postgres"
    postgres_pass: str = ""
    postgres_db: str = "order_service"
    postgres_pool_size: Count = 10
    database_url: str | None = None

    # Redis; neither REDIS_URL nor REDIS_HOST: cache, limits and jobs live in the process
    redis_host: str | None = None
    redis_port: Port = 6379
    redis_pass: str = ""
    redis_db: Annotated[int, Meta(ge=0)] = 0
    redis_url: str | None = None
    redis_cache_ttl: Count = 300

    # Kafka; neither KAFKA_BOOTSTRAP_SERVERS nor KAFKA_HOST: events stay in the process
    kafka_host: str | None = None
    kafka_port: Port = 9092
    kafka_topic: str = "order_management_service"
    kafka_bootstrap_servers: str | None = None
    kafka_payments_topic: str = "payments"
    kafka_shipments_topic: str = "shipments"

    # Access
    secret_key: str | None = None
    former_secret_keys: str = ""
    signing_key_files: str = ""
    access_token_minutes: Count = 60
    session_days: Count = 30
    rate_limit_accounts_per_minute: Count = 5
    rate_limit_orders_per_minute: Count = 10
    trusted_proxies: str = ""
    cors_origins: str = "http://localhost:3000,http://localhost:4200"

    # The shop's rules
    time_to_pay_minutes: Count = 3 * 24 * 60
    cancel_window_minutes: Annotated[int, Meta(ge=0)] = 30
    screening_largest_total: str = ""
    screening_largest_quantity: Count | None = 10_000
    screening_most_orders_per_hour: Count | None = 1_000
    screening_repeat_window_seconds: Count | None = None

    # Looking after itself
    stalled_after_seconds: Count = 30
    var_dir: str = "var"

    @property
    def postgres_url(self) -> URL | None:
        """Where PostgreSQL is; None means the embedded one."""
        if self.database_url is not None:
            try:
                url = make_url(self.database_url)
            except ArgumentError:
                url = URL.create("")
            if url.drivername.partition("+")[0] not in {"postgresql", "postgres"}:
                raise SettingsError("DATABASE_URL must be like postgresql://user:password@host:5432/order_service.")
            return url.set(drivername="postgresql+asyncpg")
        if self.postgres_host is None:
            return None
        return URL.create(
            "postgresql+asyncpg",
            username=self.postgres_user,
            password=self.postgres_pass or None,
            host=self.postgres_host,
            port=self.postgres_port,
            database=self.postgres_db,
        )

    @property
    def redis(self) -> str | None:
        """The address of Redis; None means that cache, limits and jobs live in the process."""
        if self.redis_url is not None or self.redis_host is None:
            return self.redis_url
        password = f":{quote(self.redis_pass, safe='')}@" if self.redis_pass else ""
        return f"redis://{password}{self.redis_host}:{self.redis_port}/{self.redis_db}"

    @property
    def kafka(self) -> list[str] | None:
        """The brokers to ask first; None means that events stay in the process."""
        if self.kafka_bootstrap_servers is not None:
            return _listed(self.kafka_bootstrap_servers)
        return None if self.kafka_host is None else [f"{self.kafka_host}:{self.kafka_port}"]

    @property
    def dead_letter_topic(self) -> str:
        return f"{self.kafka_topic}.dead_letter"

    @property
    def var(self) -> Path:
        """The folder for what the service keeps on this machine, made if need be. Raises SettingsError."""
        path = Path(self.var_dir).absolute()
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"VAR_DIR: {path} cannot be made a folder: {error.strerror}.") from None
        return path

    @property
    def shop_rules(self) -> ShopRules:
        window = self.screening_repeat_window_seconds
        return ShopRules(
            time_to_pay=timedelta(minutes=self.time_to_pay_minutes),
            cancel_window=timedelta(minutes=self.cancel_window_minutes),
            screening=ScreeningLimits(
                largest_total=_amounts(self.screening_largest_total),
                largest_quantity=self.screening_largest_quantity,
                most_orders_per_hour=self.screening_most_orders_per_hour,
                repeat_window=None if window is None else timedelta(seconds=window),
            ),
        )

    @property
    def former_secrets(self) -> list[str]:
        return _listed(self.former_secret_keys)

    @property
    def signing_keys(self) -> list[Path]:
        return [Path(name) for name in _listed(self.signing_key_files)]

    @property
    def access_token_lifetime(self) -> timedelta:
        return timedelta(minutes=self.access_token_minutes)

    @property
    def session_lifetime(self) -> timedelta:
        return timedelta(days=self.session_days)

    @property
    def stalled_after(self) -> timedelta:
        return timedelta(seconds=self.stalled_after_seconds)

    @property
    def proxies(self) -> Sequence[IPv4Network | IPv6Network]:
        """Whose word about a client's address is taken."""
        try:
            return [ip_network(part) for part in _listed(self.trusted_proxies)]
        except ValueError as error:
            raise SettingsError(f"TRUSTED_PROXIES: {error}. Use networks such as 10.0.0.0/8,::1/128.") from None

    @property
    def allowed_origins(self) -> list[str]:
        return _listed(self.cors_origins)


_NAMES = {field.encode_name.upper(): field.encode_name for field in msgspec.structs.fields(Settings)}


def read_settings(environment: Mapping[str, str] | None = None, *, env_file: Path = Path(".env")) -> Settings:
    """From `environment` (the process's own when not given) over `env_file`. Raises SettingsError.

    An empty value counts as not set, so that a line of `.env` can be left blank.
    """
    try:
        in_file = dotenv_values(env_file)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{env_file} cannot be read as UTF-8 text: {error}.") from None
    given = {**in_file, **(os.environ if environment is None else environment)}
    values = {name: given[env] for env, name in _NAMES.items() if given.get(env)}
    try:
        settings = msgspec.convert(values, Settings, strict=False)
        _ = (settings.postgres_url, settings.shop_rules, settings.proxies)
    except msgspec.ValidationError as error:
        raise SettingsError(_explained(str(error))) from None
    return settings


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _amounts(text: str) -> dict[str, Money]:
    """`EUR=10000,JPY=1500000` as amounts by currency."""
    try:
        pairs = [pair.strip().upper().split("=") for pair in text.split(",") if pair.strip()]
        return {currency: Money.parse(amount, currency, field=currency) for currency, amount in pairs}
    except (ValueError, InvalidRequest) as error:
        raise SettingsError(
            f"SCREENING_LARGEST_TOTAL is {text!r}, but must be like EUR=10000,JPY=1500000, or empty ({error})."
        ) from None


def _explained(error: str) -> str:
    """msgspec's ``Expected `int` - at `$.app_port` `` in an operator's words."""
    reason, _, path = error.partition(" - at `$.")
    name = path.rstrip("`").upper()
    return f"{name}: {reason}. Correct it in the environment or in .env; .env.example says what it means."
