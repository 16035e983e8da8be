from adapters.http.problems import PROBLEMS
from order_service.domain.errors import OrderServiceError


def test_every_refusal_has_its_problem() -> None:
    def below(kind: type[OrderServiceError]) -> set[type[OrderServiceError]]:
        return {kind} | {lower for each in kind.__subclasses__() for lower in below(each)}

    codes = {kind.code for kind in below(OrderServiceError) if kind is not OrderServiceError}
    assert codes <= set(PROBLEMS)
