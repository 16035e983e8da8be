"""Request bodies: decoded once, straight into their Struct, and refused in words that say where and why.

The framework would decode to dicts and floats first, and convert then: slower, and no way to keep money exact.
"""

from collections.abc import Generator, Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, ClassVar, Self

import msgspec
from litestar._openapi.schema_generation import SchemaCreator
from litestar._openapi.schema_generation.plugins.struct import StructSchemaPlugin
from litestar.dto import AbstractDTO, DTOConfig, DTOFieldDefinition
from litestar.dto._backend import DTOBackend
from litestar.exceptions import ClientException
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition
from msgspec import Meta

from order_service.domain.errors import InvalidField

_AMOUNTS = [
    {"type": "string", "pattern": r"^[0-9]{1,19}(\.[0-9]{1,4})?$"},
    {"type": "number", "minimum": 0, "maximum": 10**15, "multipleOf": 0.0001},
]


def _described(*kinds: Mapping[str, object]) -> Meta:
    return Meta(
        description="A decimal text; a number only if it is exact in the currency's decimals.",
        examples=["4.50"],
        extra_json_schema={"extra": {"type": None, "oneOf": kinds}},
    )


Amount = Annotated[msgspec.Raw, _described(*_AMOUNTS)]
"""An amount of money as it stands in the JSON, because reading a number as a float could change it."""

OptionalAmount = Annotated[msgspec.Raw, _described(*_AMOUNTS, {"type": "null"})]

NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""As the domain has it (see `domain.text`), in the words of JSON Schema."""

ABSENT = msgspec.Raw(b"null")

_LONGEST_NUMBER = 40


METADATA = Meta(
    examples=[{"channel": "web"}],
    extra_json_schema={
        "extra": {
            "maxProperties": 50,
            "additionalProperties": {"maxLength": 500, "pattern": NO_CONTROL_CHARACTERS},
            "propertyNames": {"minLength": 1, "maxLength": 40, "pattern": NO_CONTROL_CHARACTERS},
        }
    },
)
"""What metadata may be, see `domain.text.checked_metadata`."""


def text(longest: int, *, shortest: int = 1, example: str | None = None) -> Meta:
    """What a text may be. The domain refuses control characters itself, in better words than a pattern's."""
    return Meta(
        min_length=shortest,
        max_length=longest,
        examples=None if example is None else [example],
        extra_json_schema={"extra": {"pattern": NO_CONTROL_CHARACTERS}},
    )


def amount_text(amount: Amount) -> str:
    """The decimal text of a JSON string or number; of anything else its JSON, which is no amount and gets refused."""
    json = bytes(amount).strip()
    if json.startswith(b'"'):
        text: str = _decode(msgspec.json.Decoder(str), json)
        return text
    if json[:1] in b"-0123456789" and len(json) <= _LONGEST_NUMBER:
        with suppress(InvalidOperation):  # an exponent beyond all measure
            number = Decimal(json.decode())
            if abs(number.adjusted()) < _LONGEST_NUMBER:
                return format(number, "f")
    return json[:_LONGEST_NUMBER].decode(errors="replace")


def optional_amount_text(amount: OptionalAmount) -> str | None:
    return None if bytes(amount) == bytes(ABSENT) else amount_text(amount)


class StrictSchema(StructSchemaPlugin):
    """Bodies that refuse unknown fields say so in the API's description."""

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        schema = super().to_openapi_schema(field_definition, schema_creator)
        if field_definition.annotation.__struct_config__.forbid_unknown_fields:
            schema.additional_properties = False
        return schema


class JsonBody(AbstractDTO[Any]):
    """`dto=JsonBody.of(Model)` on a handler: its `data` is decoded here. Raises InvalidField, or 400."""

    config: ClassVar[DTOConfig] = DTOConfig()
    _decoder: ClassVar[msgspec.json.Decoder[Any]]

    @classmethod
    def of(cls, model: type[msgspec.Struct]) -> type[Self]:
        return type(
            f"JsonBody[{model.__name__}]", (cls,), {"model_type": model, "_decoder": msgspec.json.Decoder(model)}
        )

    def decode_bytes(self, value: bytes) -> Any:
        return _decode(self._decoder, value)

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: type[DTOBackend] | None = None
    ) -> None:
        """Nothing to prepare: the model is the wire's shape."""

    @classmethod
    def create_openapi_schema(
        cls,
        field_definition: FieldDefinition,
        handler_id: str,  # noqa: ARG003 - the framework's signature
        schema_creator: SchemaCreator,
    ) -> Reference | Schema:
        return schema_creator.for_field_definition(field_definition)

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Generator[DTOFieldDefinition, None, None]:  # noqa: ARG003
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:  # noqa: ARG003
        return False


def _decode(decoder: msgspec.json.Decoder[Any], json: bytes) -> Any:
    try:
        return decoder.decode(json)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        field = path.strip(".`") or "body"
        raise InvalidField(field, reason[:1].lower() + reason[1:] + ".") from error
    except msgspec.DecodeError as error:
        raise ClientException(f"The body is not valid JSON: {error}.") from error
    except UnicodeDecodeError as error:
        raise ClientException("The body is not valid UTF-8.") from error
    except RecursionError as error:
        raise ClientException("The body is nested too deeply.") from error
