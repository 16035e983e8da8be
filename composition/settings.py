"""Every setting of the service: what it means, what it is when nobody sets it, and what it may be.

Read once, where a process starts, from the environment and from a `.env` file (the environment wins), and handed down
from there. The names are those of the environment in lower case.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from dotenv import dotenv_values
from msgspec import Meta

from composition.collecting import Collecting
from composition.connections import Count, Port
from composition.refusal import SettingsError
from order_service.domain.errors import InvalidRequest
from order_service.domain.money import Money
from order_service.domain.rules import ShopRules
from order_service.domain.screening import ScreeningLimits

__all__ = ["Settings", "SettingsError", "read_settings"]

SECRETS = (
    "secret_key",
    "former_secret_keys",
    "postgres_pass",
    "database_url",
    "redis_pass",
    "redis_url",
    "kafka_password",
    "otel_exporter_otlp_headers",
)
"""Never shown. Each may be in a file, which NAME_FILE names, instead of in NAME."""


class Settings(Collecting, frozen=True, kw_only=True, forbid_unknown_fields=True):
    # The HTTP server
    app_host: str = "127.0.0.1"
    app_port: Port = 8010

    # Access
    secret_key: str | None = None
    former_secret_keys: str = ""
    signing_key_files: str = ""
    access_token_minutes: Annotated[int, Meta(ge=1, le=24 * 60)] = 60  # no longer than ended sessions are known
    session_days: Count = 30
    rate_limit_accounts_per_minute: Count = 5
    rate_limit_orders_per_minute: Count = 10
    wrong_passwords_per_hour: Count = 20
    trusted_proxies: str = ""
    cors_origins: str = "http://localhost:3000,http://localhost:4200"

    # The shop's rules
    time_to_pay_minutes: Count = 3 * 24 * 60
    cancel_window_minutes: Annotated[int, Meta(ge=0)] = 30
    screening_largest_total: str = ""
    screening_largest_quantity: Count | None = 10_000
    screening_most_orders_per_hour: Count | None = 1_000
    screening_repeat_window_seconds: Count | None = None

    # Looking after itself; without a format, processes of their own write JSON, and `up` text
    metrics_host: str = "127.0.0.1"
    metrics_port: Port | None = None  # without it nobody can ask how the process is
    log_format: Literal["json", "text"] | None = None
    stalled_after_seconds: Count = 30
    event_log_months: Count | None = None
    var_dir: str = "var"

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
            networks = [ip_network(part) for part in _listed(self.trusted_proxies)]
        except ValueError as error:
            raise SettingsError(f"TRUSTED_PROXIES: {error}. Use networks such as 10.0.0.0/8,::1/128.") from None
        if any(network.prefixlen == 0 for network in networks):
            raise SettingsError(
                "TRUSTED_PROXIES: who trusts everybody lets each client choose its address, and so has no limits. "
                "Name the networks of your proxies, such as 10.0.0.0/8,::1/128."
            )
        return networks

    @property
    def allowed_origins(self) -> list[str]:
        """The web pages that may call the API from a browser, each as the browser calls it."""
        origins = _listed(self.cors_origins)
        for origin in origins:
            _require_an_origin(origin)
        return origins

    def __repr__(self) -> str:
        """Without secrets, so that nobody can print them by accident."""
        shown = {
            name: "..." if name in SECRETS and value else value
            for name, value in msgspec.structs.asdict(self).items()
        }
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


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
    values |= _from_files(given)
    try:
        settings = msgspec.convert(values, Settings, strict=False)
        _ = (settings.postgres_url, settings.redis, settings.kafka)
        _ = (settings.shop_rules, settings.proxies, settings.allowed_origins, settings.collector)
    except msgspec.ValidationError as error:
        raise SettingsError(_explained(str(error))) from None
    return settings


def _from_files(given: Mapping[str, str | None]) -> dict[str, str]:
    """The secrets whose files are named, by setting."""
    found = {}
    for name in SECRETS:
        file = given.get(f"{name.upper()}_FILE")
        if not file:
            continue
        if given.get(name.upper()):
            raise SettingsError(f"{name.upper()} and {name.upper()}_FILE are both set. Unset one.")
        try:
            found[name] = Path(file).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name.upper()}_FILE: {file} cannot be read as text: {_reason(error)}.") from None
        if not found[name]:
            raise SettingsError(f"{name.upper()}_FILE: {file} is empty.")
    return found


def _reason(error: OSError | UnicodeDecodeError) -> str:
    """Without the bytes that could not be read."""
    return error.reason if isinstance(error, UnicodeDecodeError) else str(error.strerror)


def _require_an_origin(origin: str) -> None:
    if "*" in origin:
        raise SettingsError(
            "CORS_ORIGINS: * would let every web page that somebody visits call the API with the token that their "
            "browser holds for another page. Name the pages that may, such as https://shop.example.com."
        )
    try:
        parts = urlsplit(origin)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        parts, port = urlsplit(""), ""
    bare = f"{parts.scheme}://{parts.netloc}"
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme)
    if not parts.hostname or origin != bare.lower() or "@" in bare or not bare.endswith(port) or port == usual:
        raise SettingsError(
            f"CORS_ORIGINS: {origin!r} is no origin as browsers send it: scheme://host or scheme://host:port, in "
            "lower case, without a path, a slash at the end or the scheme's usual port."
        )


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
