"""Answers that have to be JSON, or JSON of a certain shape."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from service.domain.metrics.metric import Measure
from service.domain.metrics.patterns import PATIENCE_S, check_pattern, finds

NO_JSON: Final = object()
# So named in every draft; what they name in turn is looked up where they stand.
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def read_json(text: str) -> Any:  # noqa: ANN401 - JSON
    """Read a text that is JSON and nothing else (RFC 8259), no fence around it and no word before; else ``NO_JSON``."""
    import msgspec

    try:
        return msgspec.json.decode(text.encode())
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return NO_JSON


def json_valid(prompt: str, reference: str, answer: str) -> float:  # noqa: ARG001 - every metric has this shape
    """Give 1.0 where the answer is JSON."""
    return 0.0 if read_json(answer) is NO_JSON else 1.0


def check_schema(document: object) -> None:
    """Check that a document is a JSON Schema by which answers can be checked.

    Raises:
        ValueError: It is none, names a part that it has not, or another document, which nobody would fetch; or holds
            ``patternProperties``, whose patterns nothing would stop once they run away.
    """
    from jsonschema.exceptions import best_match
    from referencing.exceptions import Unresolvable

    if not isinstance(document, dict):
        raise ValueError("is no JSON Schema: it must be an object")  # noqa: TRY004 - a mistake of a configuration
    kind = _kind_of(document)
    try:
        faults = best_match(kind(kind.META_SCHEMA).iter_errors(document))
    except RecursionError:
        raise ValueError("is no JSON Schema: it is nested too deeply") from None
    if faults is not None:
        raise ValueError(f"is no JSON Schema: {faults.json_path}: {faults.message}")
    try:
        _check_parts(document)
    except Unresolvable as error:
        raise ValueError(f"is no JSON Schema: {error.ref!r} is not in it") from None


def schema_measure(name: str, document: Mapping[str, Any], *, patience_s: float = PATIENCE_S) -> Measure:
    """Make what gives 1.0 where an answer is JSON of a schema.

    Args:
        name: The metric's.
        document: See ``check_schema``.
        patience_s: See ``patterns.finds``.
    """
    from jsonschema import validators
    from jsonschema.exceptions import ValidationError
    from referencing import Registry

    def pattern(_: object, wanted: str, instance: object, __: object) -> Iterator[ValidationError]:
        # The answer is what a model makes up; the library's own search could run for ever in it.
        if isinstance(instance, str) and not finds(name, wanted, instance, patience_s=patience_s):
            yield ValidationError("does not match")

    kind = validators.extend(_kind_of(document), {"pattern": pattern})
    # Without a registry of its own it would fetch what the schema names from anywhere.
    validator = kind(document, registry=Registry())
    return partial(_is_of_schema, validator)


def _is_of_schema(validator: Any, prompt: str, reference: str, answer: str) -> float:  # noqa: ANN401, ARG001 - jsonschema has no types
    found = read_json(answer)
    try:
        return 1.0 if found is not NO_JSON and validator.is_valid(found) else 0.0
    except (RecursionError, OverflowError):
        # Nested more deeply than any schema could ask for, or a number beyond any that ``multipleOf`` can divide.
        return 0.0


def _kind_of(document: object) -> Any:  # noqa: ANN401 - jsonschema has no types
    from jsonschema import Draft202012Validator, validators

    return validators.validator_for(document, default=Draft202012Validator)


def _check_parts(document: object) -> None:
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    resource = Resource.from_contents(document, default_specification=DRAFT202012)
    _walk(resource, Registry().resolver_with_root(resource))


def _walk(resource: Any, resolver: Any) -> None:  # noqa: ANN401 - referencing's are generic in the schema
    contents = resource.contents
    if isinstance(contents, dict):
        if "patternProperties" in contents:
            raise ValueError("must not hold patternProperties: say propertyNames with a pattern")
        if isinstance(contents.get("pattern"), str):
            check_pattern(contents["pattern"])
        for reference in (contents[word] for word in _REFERENCES if isinstance(contents.get(word), str)):
            resolver.lookup(reference)
    for part in resource.subresources():
        _walk(part, resolver.in_subresource(part))
