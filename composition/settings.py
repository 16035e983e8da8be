"""Every setting of the service: what it means, what it is when nobody sets it, and what it may be.

Read once, where a process starts, from the environment and from a `.env` file (the environment wins), and handed
down from there. The names are those of the environment in lower case. A comment between empty lines begins a group of
settings, and what is written below a setting is its meaning: `settings_reference.py` makes `.env.example` and
`docs/settings.md` of them (`just settings`).
"""

import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from dotenv import dotenv_values
from msgspec import Meta

from composition.collector import Collecting
from composition.connections import Count, Port
from composition.refusal import SettingsError
from composition.values import amounts, listed, origins, proxies
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
    """The address that it listens on; 0.0.0.0 is all of this machine's."""
    app_port: Port = 8010
    """Of the API, and of the queue's page: where both run on one machine, start the page with another."""
    app_drain_seconds: Annotated[int, Meta(ge=0, le=600)] = 3
    """For how long a process of the API that was told to stop (SIGTERM) goes on answering, while /readyz says no and
    every answer asks the client to come back over a connection of its own: longer than the balancer takes to notice.
    `order-service up` does not wait."""
    ops_pages: bool = True
    """Whether /ops is there, the pages of whoever looks after the service: false for processes that customers reach,
    if others have them."""

    # Access

    secret_key: str | None = None
    """Signs tokens and cursors; at least 32 characters, the same for every process, kept secret. Make one with:
    `python -c 'import secrets; print(secrets.token_urlsafe(48))'`. Without services it may stay empty: a random one
    is made and kept in VAR_DIR/secret_key."""
    former_secret_keys: str = ""
    """Secrets that were SECRET_KEY before, separated by commas: their access tokens hold until they expire."""
    signing_key_files: str = ""
    """Private keys that sign access tokens instead of SECRET_KEY, so that others can verify them by
    /.well-known/jwks.json: PEM files separated by commas, Ed25519 or P-256. The first signs, the others (public ones,
    too) only verify: a new key comes first, and the former stays for ACCESS_TOKEN_MINUTES. Make one with:
    `order-service create-signing-key FILE`"""
    access_token_minutes: Annotated[int, Meta(ge=1, le=24 * 60)] = 60  # no longer than ended sessions are known
    """How long an access token is good for, a day at most."""
    session_days: Count = 30
    """How long one stays logged in by refresh tokens; then the password is asked for again."""
    rate_limit_accounts_per_minute: Count = 5
    """Requests a minute to account routes, for each client address (with a token: for each account)."""
    rate_limit_orders_per_minute: Count = 10
    """Requests a minute to order routes, for each account."""
    wrong_passwords_per_hour: Count = 20
    """Wrong passwords an hour at one e-mail address, all client addresses together; as many more from each client
    address from which its holder logged in within the last 30 days, so that nobody can lock them out there."""
    trusted_proxies: str = ""
    """Proxies before the service, as networks separated by commas; only their X-Forwarded-For is believed."""
    cors_origins: str = "http://localhost:3000,http://localhost:4200"
    """Web pages that may call the API from a browser, separated by commas: scheme://host[:port], never *"""

    # The shop's rules

    time_to_pay_minutes: Count = 3 * 24 * 60
    """An order that nobody pays within this time is canceled: 4320 minutes are three days."""
    cancel_window_minutes: Annotated[int, Meta(ge=0)] = 30
    """For how long after paying a customer may still cancel."""
    screening_largest_total: str = ""
    """Screening refuses, and so cancels, an order that costs more than this, by currency, such as
    EUR=10000,JPY=1500000 (empty: any price is welcome)."""
    screening_largest_quantity: Count | None = 10_000
    """Screening refuses an order with more than this of one line."""
    screening_most_orders_per_hour: Count | None = 1_000
    """Screening refuses an order of a customer who placed this many in the hour before."""
    screening_repeat_window_seconds: Count | None = None
    """Screening refuses an order with the same lines as another of the customer, placed within these seconds before
    (empty: not looked at)."""

    # Looking after itself

    metrics_host: str = "127.0.0.1"
    """With METRICS_PORT. Not for the public."""
    metrics_port: Port | None = None
    """Where each role tells how it is, for Prometheus and for whoever restarts it: /metrics, /livez and /readyz
    (empty: nowhere). Where several roles run on one machine, each needs a port of its own."""
    stalled_after_seconds: Count = 30
    """An order that waits for screening longer is put into the queue again."""
    event_log_months: Count | None = None
    """For how many months, beside the current one, the events of the orders placed in a month stay in the event log,
    and so in histories (empty: for ever). What is older leaves it as a table of its own, order_events_YYYY_MM, to be
    archived or dropped."""
    log_format: Literal["json", "text"] | None = None
    """json: a line is an object. Not set: processes of their own write json, and `order-service up` text."""
    var_dir: str = "var"
    """Where the service keeps what it has to keep on this machine."""

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
                largest_total=amounts(self.screening_largest_total),
                largest_quantity=self.screening_largest_quantity,
                most_orders_per_hour=self.screening_most_orders_per_hour,
                repeat_window=None if window is None else timedelta(seconds=window),
            ),
        )

    @property
    def former_secrets(self) -> list[str]:
        return listed(self.former_secret_keys)

    @property
    def signing_keys(self) -> list[Path]:
        return [Path(name) for name in listed(self.signing_key_files)]

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
        return proxies(self.trusted_proxies)

    @property
    def allowed_origins(self) -> list[str]:
        """The web pages that may call the API from a browser, each as the browser calls it."""
        return origins(self.cors_origins)

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


def _explained(error: str) -> str:
    """msgspec's ``Expected `int` - at `$.app_port` `` in an operator's words."""
    reason, _, path = error.partition(" - at `$.")
    name = path.rstrip("`").upper()
    return f"{name}: {reason}. Correct it in the environment or in .env; docs/settings.md says what it means."
