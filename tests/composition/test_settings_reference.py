import json
from pathlib import Path

import msgspec
import pytest

from composition.cli import main
from composition.commands.settings_reference import EXAMPLES, env_example, groups, markdown
from composition.settings import SECRETS, Settings, read_settings

ROOT = Path(__file__).parents[2]


def test_the_example_and_the_page_say_what_the_code_says() -> None:
    assert (ROOT / ".env.example").read_text() == env_example(), "run `just settings`"
    assert (ROOT / "docs" / "settings.md").read_text() == markdown(), "run `just settings`"


def test_every_setting_has_a_meaning_and_a_group() -> None:
    told = [setting for group in groups() for setting in group.settings]
    assert sorted(setting.name for setting in told) == sorted(Settings.__struct_fields__)
    assert [setting.name for setting in told if len(setting.meaning) < 10] == []
    assert {setting.name for setting in told if setting.secret} == set(SECRETS)


def test_what_the_example_leaves_out_of_the_defaults_is_only_where_the_services_are(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(env_example())
    given, default = (
        msgspec.structs.asdict(each) for each in (read_settings({}, env_file=tmp_path / ".env"), Settings())
    )
    assert {name for name in given if given[name] != default[name]} == {
        name for name, value in EXAMPLES.items() if value
    }


def test_a_process_s_own_settings_are_shown_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "password").write_text("not for everybody")
    monkeypatch.setenv("POSTGRES_PASS_FILE", str(tmp_path / "password"))
    monkeypatch.setenv("APP_PORT", "9001")
    assert main(["settings", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["APP_PORT"], shown["POSTGRES_PASS"], shown["SECRET_KEY"]) == (9001, "...", None)
    assert main(["settings"]) == 0
    said = capsys.readouterr().out
    for line in ("APP_PORT=9001", "REDIS_TLS=false", "OPS_PAGES=true", "SECRET_KEY="):
        assert f"\n{line}\n" in said
    monkeypatch.setenv("APP_PORT", "eighty")
    assert main(["settings"]) == 2
    assert "APP_PORT" in capsys.readouterr().err
