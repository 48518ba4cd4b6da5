"""The part of GraphQL that the SDK writes."""

import pytest

from sandbox.errors import InvalidQuery, UnparsableQuery
from sandbox.graphql import bind, parse, select
from sandbox.graphql_parser import Field


def test_variables_are_put_into_arguments() -> None:
    (user,) = parse(
        "query Q($a: ID!, $b: [ID!]){user(where: {id: $a}){tasks(where: {ids: $b} skip: 0 first: 100){id}}}"
    )
    (tasks,) = user.selection
    assert bind(user.arguments, {"a": "u"}) == {"where": {"id": "u"}}
    assert bind(tasks.arguments, {"b": ["t"]}) == {"where": {"ids": ["t"]}, "skip": 0, "first": 100}
    assert bind(tasks.arguments, {}) == {"where": {"ids": None}, "skip": 0, "first": 100}


def test_inline_values_are_read() -> None:
    (field,) = parse(
        r'mutation M { createWebhook(data:{project:{id:"p1"}, topics:{set:[A B]}, url:"a\"bé\n"'
        r" n: -1 x: 1.5 t: true f: false z: null, e: []}){id} } "
    )
    assert field.arguments == {
        "data": {
            "project": {"id": "p1"},
            "topics": {"set": ["A", "B"]},
            "url": 'a"bé\n',
            "n": -1,
            "x": 1.5,
            "t": True,
            "f": False,
            "z": None,
            "e": [],
        }
    }


def test_fragments_comments_aliases_and_anonymous_queries_are_read() -> None:
    assert parse("{ a { ... on X { b } # why\n c: d } }") == (
        Field("a", "a", {}, (Field("b", "b", {}, ()), Field("d", "c", {}, ()))),
    )


@pytest.mark.parametrize(
    "text", ["", "query Q {", "query Q { a(", 'query { a(b: "c"d") { e } }', "{ a } }", "{ a(b: }) }", "{ 1 }", "?"]
)
def test_what_is_no_graphql_is_refused(text: str) -> None:
    with pytest.raises(UnparsableQuery):
        parse(text)


def test_selecting_takes_only_what_was_asked_and_calls_what_costs_something() -> None:
    node = {"id": "1", "name": "n", "tasks": lambda arguments: [{"id": arguments["n"], "more": 1}] * 2, "none": None}
    selection = parse("{ id again: name tasks(n: 3) { id } none { id } }")
    assert select(node, selection, {}) == {"id": "1", "again": "n", "tasks": [{"id": 3}, {"id": 3}], "none": None}


def test_a_field_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidQuery, match="colour"):
        select({"id": "1"}, parse("{ colour }"), {})
    with pytest.raises(InvalidQuery):
        select({"id": "1"}, parse("{ id { x } }"), {})
