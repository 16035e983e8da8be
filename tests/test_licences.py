"""What is installed may be used; and what may not would be noticed."""

from email.message import Message

import pytest

from tests.licences import allowed, licences_of, main, refused


def told(*headers: tuple[str, str]) -> Message:
    metadata = Message()
    for name, value in headers:
        metadata[name] = value
    return metadata


def test_every_licence_of_what_is_installed_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    main()
    assert "dramatiq" in capsys.readouterr().out


@pytest.mark.parametrize(
    "metadata",
    [
        told(("License-Expression", "AGPL-3.0-only")),
        told(("License-Expression", "MIT AND AGPL-3.0-only")),
        told(("Classifier", "License :: OSI Approved :: GNU General Public License v3 (GPLv3)")),
        told(("License", "Proprietary\nof somebody")),
        told(),
    ],
)
def test_another_one_is_refused(metadata: Message) -> None:
    assert refused(licences_of(metadata), allowed())


def test_of_a_choice_one_is_enough() -> None:
    assert refused(licences_of(told(("License-Expression", "GPL-3.0-only OR MIT"))), allowed()) == []
