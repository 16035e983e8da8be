import pytest

from order_service.domain.errors import InvalidField
from order_service.domain.text import checked_metadata, checked_text


def test_a_visible_text_is_taken_as_it_is() -> None:
    for text in ("a", "abcde", "Müßig", "日本", "a b", "a\u00a0b", "👩\u200d🚀", "\u202eabc", "\ue000", "''\\"):
        assert checked_text("name", text, longest=5) == text


def test_control_characters_and_lone_surrogates_are_refused_wherever_they_are() -> None:
    refused = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0xD800, 0xDFFF)]
    for text in (
        f"{before}{character}{after}" for character in refused for before in ("", "a\u00a0") for after in ("", "b")
    ):
        with pytest.raises(InvalidField) as refusal:
            checked_text("name", text, longest=9)
        assert refusal.value.details() == {"field": "name", "reason": "must not contain control characters."}


@pytest.mark.parametrize("text", ["", "abcdef"])
def test_a_text_too_short_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(InvalidField) as refusal:
        checked_text("name", text, longest=5)
    assert str(refusal.value) == f"name must have 1 to 5 characters, not {len(text)}."


def test_a_text_may_be_as_short_as_its_field_allows() -> None:
    assert checked_text("note", "", shortest=0, longest=5) == ""
    assert checked_text("email", "abc", shortest=3, longest=5) == "abc"
    with pytest.raises(InvalidField, match="3 to 5"):
        checked_text("email", "ab", shortest=3, longest=5)


def test_metadata_is_copied_as_it_is() -> None:
    sent = {"k" * 40: "v" * 500, "empty": ""}
    kept = checked_metadata(sent)
    sent["later"] = "change"
    assert kept == {"k" * 40: "v" * 500, "empty": ""}


def test_metadata_has_at_most_50_keys() -> None:
    fifty = {f"key-{i}": "" for i in range(50)}
    assert checked_metadata(fifty) == fifty
    with pytest.raises(InvalidField, match="at most 50 keys, not 51"):
        checked_metadata(fifty | {"one more": ""})


@pytest.mark.parametrize("entry", [("", "v"), ("k" * 41, "v"), ("k", "v" * 501), ("k\0", "v"), ("k", "v\n")])
def test_a_key_or_value_of_metadata_that_breaks_its_limit_is_refused(entry: tuple[str, str]) -> None:
    with pytest.raises(InvalidField) as refusal:
        checked_metadata({"fine": "too", entry[0]: entry[1]})
    assert refusal.value.field == "metadata"
