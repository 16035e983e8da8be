import re
from collections.abc import Callable
from pathlib import Path
from secrets import token_hex, token_urlsafe

import msgspec
import pytest
from sqlalchemy import make_url

from composition.database import migrate
from composition.process import resources
from composition.secret import secret_key
from composition.settings import SECRETS, Settings, SettingsError, read_settings

NOTHING = Path("/nonexistent/.env")
ENV_EXAMPLE = Path(__file__).parents[2] / ".env.example"


def test_nothing_set_means_that_everything_is_embedded() -> None:
    settings = read_settings({}, env_file=NOTHING)
    assert settings.postgres_url is None
    assert settings.app_port == 8010


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("APP_PORT=9000\nKAFKA_TOPIC=from_file\n")
    settings = read_settings({"APP_PORT": "9001"}, env_file=env_file)
    assert (settings.app_port, settings.kafka_topic) == (9001, "from_file")


def test_an_empty_value_counts_as_not_set() -> None:
    assert read_settings({"APP_PORT": "", "POSTGRES_HOST": ""}, env_file=NOTHING) == Settings()


def test_the_parts_of_an_address_make_a_url() -> None:
    parts = {"POSTGRES_HOST": "db", "POSTGRES_PORT": "5426", "POSTGRES_USER": "ann", "POSTGRES_PASS": "p@ss/w:rd"}
    url = read_settings(parts, env_file=NOTHING).postgres_url
    assert url is not None
    assert url.render_as_string(hide_password=False) == (
        "postgresql+asyncpg://ann:p%40ss%2Fw%3Ard@db:5426/order_service"
    )


def test_a_whole_url_wins_over_its_parts() -> None:
    given = {"POSTGRES_HOST": "db", "DATABASE_URL": "postgresql://ann:secret@other:5433/orders"}
    url = read_settings(given, env_file=NOTHING).postgres_url
    assert url is not None
    assert (url.drivername, url.host, url.port, url.database) == ("postgresql+asyncpg", "other", 5433, "orders")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APP_PORT", "eighty"),
        ("APP_PORT", "65536"),
        ("POSTGRES_POOL_SIZE", "0"),
        ("DATABASE_URL", "not a url"),
        ("DATABASE_URL", "mysql://ann@db/orders"),
        ("TRUSTED_PROXIES", "everybody"),
        ("TRACE_RATIO", "1.1"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://ann:secret@collector:4318"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,0.0.0.0/0"),
        ("TRUSTED_PROXIES", "::/0"),
        ("ACCESS_TOKEN_MINUTES", "1441"),
        ("POSTGRES_SSLMODE", "yes"),
        ("DATABASE_URL", "postgresql://ann@db/orders?sslmode=yes"),
        ("REDIS_URL", "http://cache"),
        ("KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("KAFKA_SASL_MECHANISM", "GSSAPI"),
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://*.example.com"),
        ("CORS_ORIGINS", "null"),
        ("CORS_ORIGINS", "shop.example.com"),
        ("CORS_ORIGINS", "https://shop.example.com/"),
        ("CORS_ORIGINS", "https://shop.example.com/admin"),
        ("CORS_ORIGINS", "https://shop.example.com?"),
        ("CORS_ORIGINS", "https://Shop.example.com"),
        ("CORS_ORIGINS", "https://shop.example.com:443"),
        ("CORS_ORIGINS", "https://shop.example.com:x"),
        ("CORS_ORIGINS", "https://ann@shop.example.com"),
        ("CORS_ORIGINS", "https://shop.example.com https://other.example.com"),
        ("SCREENING_LARGEST_TOTAL", "10000"),
        ("SCREENING_LARGEST_TOTAL", "EUR=much"),
        ("SCREENING_LARGEST_TOTAL", "EURO=1"),
        ("SCREENING_LARGEST_TOTAL", "EUR=NaN"),
        ("SCREENING_LARGEST_TOTAL", "JPY=10.5"),
    ],
)
def test_a_wrong_setting_names_itself(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        read_settings({name: value}, env_file=NOTHING)


def test_limits_of_the_largest_total_are_amounts_by_currency() -> None:
    rules = read_settings({"SCREENING_LARGEST_TOTAL": "EUR=10000, jpy=1500000"}, env_file=NOTHING).shop_rules
    assert {currency: str(amount) for currency, amount in rules.screening.largest_total.items()} == {
        "EUR": "10000.00",
        "JPY": "1500000",
    }


def test_a_collector_is_told_what_it_asks_for() -> None:
    given = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://jaeger:4318", "OTEL_EXPORTER_OTLP_HEADERS": "key=a%20b, x=c="}
    collector = read_settings(given, env_file=NOTHING).collector
    assert collector is not None
    assert (collector.ratio, collector.headers) == (1.0, {"key": "a b", "x": "c="})
    assert "a b" not in repr(collector)
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_HEADERS") as refused:
        read_settings({**given, "OTEL_EXPORTER_OTLP_HEADERS": "a b"}, env_file=NOTHING)
    assert "a b" not in str(refused.value)
    assert read_settings({}, env_file=NOTHING).collector is None


def test_every_setting_is_explained_in_the_example_file() -> None:
    text = ENV_EXAMPLE.read_text()
    explained = set(re.findall(r"^#?\s?([A-Z][A-Z_]+)=", text, re.MULTILINE))
    settings = {field.name.upper() for field in msgspec.structs.fields(Settings)}
    assert explained == settings | {f"{name.upper()}_FILE" for name in SECRETS}


def test_the_example_file_is_itself_a_right_configuration() -> None:
    settings = read_settings({}, env_file=ENV_EXAMPLE)
    assert settings.postgres_url is not None


def test_without_services_a_secret_is_made_once_and_only_we_can_read_it(tmp_path: Path) -> None:
    settings = Settings(var_dir=str(tmp_path / "var"))
    first = secret_key(settings)
    assert len(first) >= 32
    assert secret_key(settings) == first
    assert (tmp_path / "var" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in (tmp_path / "var").iterdir()) == ["secret_key"]


@pytest.mark.parametrize("left", ["", "x"])
def test_a_kept_secret_that_was_cut_short_is_refused(left: str, tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text(left)
    with pytest.raises(SettingsError, match=str(tmp_path / "secret_key")):
        secret_key(Settings(var_dir=str(tmp_path)))


WEAK_SECRETS = {
    "the original service's": "SUPER_SECRET_KEY",
    "the same, but longer": "SUPER_SECRET_KEY_SUPER_SECRET_KEY",
    "31 characters": token_urlsafe(48)[:31],
    "a placeholder": "changeme-7d1c9f0a5b2e8d3f6a4c-please",
    "another placeholder": "Change this to something of your own!",
    "one character": "x" * 64,
    "a few characters, again and again": "abcdefgh" * 8,
    "digits in a row": "0123456789" * 4,
}


@pytest.mark.parametrize("weak", WEAK_SECRETS)
@pytest.mark.parametrize("host", ["db", None])
def test_a_secret_that_could_be_guessed_is_refused_and_not_shown(weak: str, host: str | None, tmp_path: Path) -> None:
    secret = WEAK_SECRETS[weak]
    with pytest.raises(SettingsError, match=r"SECRET_KEY .* Make one with") as refusal:
        secret_key(Settings(postgres_host=host, secret_key=secret, var_dir=str(tmp_path)))
    assert secret not in str(refusal.value)


def test_with_a_real_database_a_missing_secret_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"SECRET_KEY is not set. Make one with"):
        secret_key(Settings(postgres_host="db"))


@pytest.mark.parametrize("make", [lambda: token_urlsafe(48), lambda: token_hex(16), lambda: token_hex(32)])
def test_a_random_secret_is_taken(make: Callable[[], str]) -> None:
    for _ in range(1_000):
        secret_key(Settings(postgres_host="db", secret_key=make()))


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_be_in_a_file(name: str, tmp_path: Path) -> None:
    secret = {"database_url": "postgresql://ann:s3cret@db/orders", "redis_url": "redis://:s3cret@cache/0"}.get(
        name, "  s3cret with blanks  "
    )
    (tmp_path / "file").write_text(f"{secret}\n")
    settings = read_settings({f"{name.upper()}_FILE": str(tmp_path / "file")}, env_file=NOTHING)
    assert getattr(settings, name) == secret
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_in_one_place_alone(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("one")
    given = {name.upper(): "other", f"{name.upper()}_FILE": str(tmp_path / "file")}
    with pytest.raises(SettingsError, match=f"{name.upper()} and {name.upper()}_FILE"):
        read_settings(given, env_file=NOTHING)


@pytest.mark.parametrize(
    ("content", "complaint"), [(None, "cannot be read"), (b"\xff\xfe", "cannot be read"), (b"\n", "is empty")]
)
def test_a_file_without_a_secret_names_itself(content: bytes | None, complaint: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError, match=f"POSTGRES_PASS_FILE: {file} {complaint}"):
        read_settings({"POSTGRES_PASS_FILE": str(file)}, env_file=NOTHING)


def test_origins_are_taken_as_browsers_send_them() -> None:
    given = "https://shop.example.com, http://localhost:3000,http://[::1]:8080,capacitor://localhost"
    assert len(read_settings({"CORS_ORIGINS": given}, env_file=NOTHING).allowed_origins) == 4


def test_an_env_file_that_is_no_text_names_itself(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_bytes(b"\xff\xfe\n")
    with pytest.raises(SettingsError, match=r"\.env cannot be read"):
        read_settings({}, env_file=env_file)


@pytest.mark.parametrize("below", ["", "/x"])
def test_a_var_dir_that_cannot_be_a_folder_names_itself(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="VAR_DIR"):
        secret_key(Settings(var_dir=f"{tmp_path}/file{below}"))


def test_a_postgresql_that_is_not_there_is_named_with_what_to_check() -> None:
    with pytest.raises(SettingsError, match=r"127\.0\.0\.1:1/orders .* POSTGRES_HOST"):
        migrate(make_url("postgresql+asyncpg://ann@127.0.0.1:1/orders"))


SERVICES = {"postgres_host": "db", "redis_host": "cache", "kafka_host": "kafka", "secret_key": token_urlsafe(48)}


@pytest.mark.parametrize("missing", ["postgres_host", "redis_host", "kafka_host"])
def test_a_process_of_its_own_names_the_service_that_it_lacks(missing: str) -> None:
    resources(msgspec.convert(SERVICES, Settings))
    with pytest.raises(SettingsError, match=missing.upper()):
        resources(msgspec.convert({**SERVICES, missing: None}, Settings))
