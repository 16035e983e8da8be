"""The processes of their own, asked what they are for."""

import pytest

from composition import relay
from composition.process import takes_no_arguments


def test_help_tells_what_a_role_is_for_and_starts_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["relay.py", "--help"])
    with pytest.raises(SystemExit) as ended:
        takes_no_arguments("composition.relay", relay.__doc__)
    assert ended.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "usage: python -m composition.relay" in told
    assert "Any number may run; one is active" in told


def test_what_a_role_does_not_take_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["relay.py", "--processes", "2"])
    with pytest.raises(SystemExit) as ended:
        takes_no_arguments("composition.relay", relay.__doc__)
    assert ended.value.code == 2
