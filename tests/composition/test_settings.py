import re
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import make_url

from composition.database import migrate
from composition.process import resources
from composition.secret import secret_key
from composition.settings import Settings, SettingsError, read_settings

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


def test_every_setting_is_explained_in_the_example_file() -> None:
    text = ENV_EXAMPLE.read_text()
    explained = set(re.findall(r"^#?\s?([A-Z][A-Z_]+)=", text, re.MULTILINE))
    assert explained == {field.name.upper() for field in msgspec.structs.fields(Settings)}


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


@pytest.mark.parametrize("secret", [None, "SUPER_SECRET_KEY"])
def test_with_a_real_database_a_missing_or_weak_secret_is_refused(secret: str | None) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        secret_key(Settings(postgres_host="db", secret_key=secret))


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


SERVICES = {"postgres_host": "db", "redis_host": "cache", "kafka_host": "kafka", "secret_key": "x" * 32}


@pytest.mark.parametrize("missing", ["postgres_host", "redis_host", "kafka_host"])
def test_a_process_of_its_own_names_the_service_that_it_lacks(missing: str) -> None:
    resources(msgspec.convert(SERVICES, Settings))
    with pytest.raises(SettingsError, match=missing.upper()):
        resources(msgspec.convert({**SERVICES, missing: None}, Settings))
