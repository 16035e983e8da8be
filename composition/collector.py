"""Where traces are sent, and how many are."""

from typing import Annotated
from urllib.parse import unquote, urlsplit

from msgspec import Meta

from adapters.telemetry.tracing import Collector
from composition.connections import Connections
from composition.refusal import SettingsError


class Collecting(Connections, frozen=True, kw_only=True):
    # Traces of single requests

    otel_exporter_otlp_endpoint: str = ""
    """Where they are sent, by OTLP over HTTP: a collector's or Jaeger's address, such as http://jaeger:4318 (empty:
    nowhere)."""
    otel_exporter_otlp_headers: str = ""
    """What it asks for: name=value,other=value"""
    trace_ratio: Annotated[float, Meta(ge=0, le=1)] = 1.0
    """Of the traces that begin here, which part is recorded. An order that is recorded costs the API half as much
    again, so a busy shop takes 0.05. Whether a client's trace is recorded, the client decides (traceparent)."""

    @property
    def collector(self) -> Collector | None:
        """Where traces go; None: nowhere. Raises SettingsError."""
        endpoint = self.otel_exporter_otlp_endpoint
        if not endpoint:
            return None
        parts = urlsplit(endpoint)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise SettingsError(
                "OTEL_EXPORTER_OTLP_ENDPOINT must be like http://collector:4318; /v1/traces is added, and what it "
                "asks for of who comes belongs into OTEL_EXPORTER_OTLP_HEADERS."
            )
        return Collector(endpoint=endpoint, ratio=self.trace_ratio, headers=_headers(self.otel_exporter_otlp_headers))


def _headers(text: str) -> dict[str, str]:
    """Their values encoded as in a URL, as OpenTelemetry has it."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(name.strip() and equals for name, equals, _ in pairs):
        raise SettingsError("OTEL_EXPORTER_OTLP_HEADERS must be like name=value,other=value.")
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}
