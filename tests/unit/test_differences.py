from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from service.domain.differences import differences, shaped_differently
from service.domain.manifests import Line

Standing = tuple[int, str | None, int]


def lines_of(examples: Mapping[str, Standing]) -> list[Line]:
    """Give the lines of these: version, label and how many lines each has."""
    return [
        Line("train", example_id, version, label_id, "", f"{number}")
        for example_id, (version, label_id, lines) in sorted(examples.items())
        for number in range(lines)
    ]


snapshots = st.dictionaries(
    st.text("abc", min_size=1, max_size=2),
    st.tuples(st.integers(1, 2), st.sampled_from([None, "l", "m"]), st.integers(1, 3)),
)


@given(snapshots, snapshots)
def test_every_example_that_differs_is_told_once_with_its_labels(
    before: dict[str, Standing], after: dict[str, Standing]
) -> None:
    found = {item.line.example_id: item for item in differences(lines_of(before), lines_of(after))}
    for example_id in before.keys() | after.keys():
        was, now = before.get(example_id, (0, None, 0)), after.get(example_id, (0, None, 0))
        if was[:2] == now[:2]:
            assert example_id not in found
            continue
        told = found.pop(example_id)
        kinds = {0: "withdrawn"} if was[0] else {}
        kind = "added" if not was[0] else kinds.get(now[0], "changed" if was[0] != now[0] else "relabelled")
        assert told.kind == kind
        assert (told.before.label_id if told.before else None) == was[1]
        assert (told.after.label_id if told.after else None) == now[1]
    assert found == {}


@given(snapshots)
def test_a_snapshot_does_not_differ_from_itself(examples: dict[str, Standing]) -> None:
    assert list(differences(lines_of(examples), lines_of(examples))) == []


def test_what_shaped_two_differently_is_told_by_key() -> None:
    before = {
        "system": None,
        "tokens": {"train": 1},
        "configuration": {"dataset": {"held_out_percent": 20}, "labels": {"where": {}}},
    }
    after = {
        "system": "x",
        "tokens": {"train": 2},
        "configuration": {"dataset": {"held_out_percent": 30}, "labels": {"where": {"a": ["b"]}}},
    }
    assert shaped_differently(before, after) == {
        "system": (None, "x"),
        "configuration.dataset.held_out_percent": (20, 30),
        "configuration.labels.where": ({}, None),
        "configuration.labels.where.a": (None, ["b"]),
    }


def test_a_configuration_that_one_does_not_record_is_not_compared() -> None:
    assert (
        shaped_differently(
            {"system": None, "form": "chat"}, {"system": None, "form": "chat", "configuration": {"a": 1}}
        )
        == {}
    )
