"""As much GraphQL as the SDK needs: values put in their places, and the fields asked for taken out."""

from collections.abc import Mapping
from functools import lru_cache

from sandbox.errors import InvalidQuery
from sandbox.graphql_parser import Field, Parser, Variable


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[Field, ...]:
    """Read a query text into its root fields.

    Raises:
        UnparsableQuery: It is no GraphQL, or more of it than is imitated.
    """
    return Parser(text).operation()


def bind(value: object, variables: Mapping[str, object]) -> object:
    """Put the request's values where the text names variables; one that was not sent is None."""
    if isinstance(value, Variable):
        return variables.get(value.name)
    if isinstance(value, dict):
        return {name: bind(item, variables) for name, item in value.items()}
    if isinstance(value, list):
        return [bind(item, variables) for item in value]
    return value


def select(node: object, selection: tuple[Field, ...], variables: Mapping[str, object]) -> object:
    """Take the fields asked for out of a node; a field that is a function is called with its arguments.

    Raises:
        InvalidQuery: A field is not imitated.
    """
    if isinstance(node, list):
        return [select(item, selection, variables) for item in node]
    if node is None or not selection:
        return node
    if not isinstance(node, Mapping):
        raise InvalidQuery("a plain value has no fields")
    found = {}
    for field in selection:
        if field.name not in node:
            raise InvalidQuery(f'Cannot query field "{field.name}": the sandbox does not imitate it')
        value = node[field.name]
        if callable(value):
            value = value(bind(field.arguments, variables))
        found[field.key] = select(value, field.selection, variables)
    return found
