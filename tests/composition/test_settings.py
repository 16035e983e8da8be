import re
from pathlib import Path

import msgspec
import pytest

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
