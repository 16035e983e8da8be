"""A router whose paths answer OPTIONS with all that can be done there."""

from litestar import Router
from litestar.routes import BaseRoute, HTTPRoute
from litestar.types import ControllerRouterHandler


class WholeRouter(Router):
    """The framework answers OPTIONS with the methods of a path that were registered first; here, with all of them."""

    def register(self, value: ControllerRouterHandler) -> list[BaseRoute]:
        routes = super().register(value)
        for route in routes:
            if isinstance(route, HTTPRoute):
                handlers = [one for one in route.route_handlers if one.http_methods != {"OPTIONS"}]
                self.routes[self.routes.index(route)] = HTTPRoute(path=route.path, route_handlers=handlers)
        return routes
