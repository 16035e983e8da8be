"""What a setting's text stands for, where that is more than a number or a word. Each raises SettingsError."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from composition.refusal import SettingsError
from order_service.domain.errors import InvalidRequest
from order_service.domain.money import Money


def listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def amounts(text: str) -> dict[str, Money]:
    """`EUR=10000,JPY=1500000` as amounts by currency."""
    try:
        pairs = [pair.strip().upper().split("=") for pair in text.split(",") if pair.strip()]
        return {currency: Money.parse(amount, currency, field=currency) for currency, amount in pairs}
    except (ValueError, InvalidRequest) as error:
        raise SettingsError(
            f"SCREENING_LARGEST_TOTAL is {text!r}, but must be like EUR=10000,JPY=1500000, or empty ({error})."
        ) from None


def proxies(text: str) -> Sequence[IPv4Network | IPv6Network]:
    try:
        networks = [ip_network(part) for part in listed(text)]
    except ValueError as error:
        raise SettingsError(f"TRUSTED_PROXIES: {error}. Use networks such as 10.0.0.0/8,::1/128.") from None
    if any(network.prefixlen == 0 for network in networks):
        raise SettingsError(
            "TRUSTED_PROXIES: who trusts everybody lets each client choose its address, and so has no limits. "
            "Name the networks of your proxies, such as 10.0.0.0/8,::1/128."
        )
    return networks


def origins(text: str) -> list[str]:
    found = listed(text)
    for origin in found:
        _require_an_origin(origin)
    return found


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
