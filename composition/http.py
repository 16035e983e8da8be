"""The HTTP application with all that stands around it, for the API's process and for the one that is everything."""

from dishka import AsyncContainer

from adapters.http.app import HttpEdge, HttpUseCases, create_app
from adapters.telemetry.asgi import App
from adapters.telemetry.tracing import Tracing
from composition.telemetry.counting import Telemetry
from composition.telemetry.tracing import traced_http


async def http_app(container: AsyncContainer, telemetry: Telemetry) -> App:
    app = create_app(await container.get(HttpUseCases), await container.get(HttpEdge))
    return telemetry.around_http(traced_http(app, await container.get(Tracing)))
