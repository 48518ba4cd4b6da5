"""Names and commands of deployments."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.deployments import PLACEHOLDERS, Deployment, filled, is_model_name, placeholders
from service.domain.runs import Run, RunState, names_at_trainer

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RUN = Run(
    run_id="run-" + "1a" * 10,
    pipeline="support",
    ordinal=1,
    state=RunState.DEPLOYING,
    watermark=1,
    trainer="t",
    model="base-1",
    created_at=NOW,
    updated_at=NOW,
    job_id="ftjob-1",
    tuned_model="ft:base-1:x::1",
    facts={"suffix": "short"},
)


def test_the_name_is_made_of_the_run_unless_a_rule_makes_it() -> None:
    assert Deployment().name_for(RUN) == "tuneloop-" + "1a" * 10
    assert Deployment(inference_model="{suffix}-{job}").name_for(RUN) == "short-ftjob-1"
    assert is_model_name(Deployment().name_for(RUN))


def test_a_command_gets_every_value_it_asks_for_each_in_its_own_argument() -> None:
    command = tuple(f"{name}={{{name}}}" for name in PLACEHOLDERS)
    assert Deployment().command_for(RUN, command) == [
        "model=ft:base-1:x::1",
        "name=tuneloop-" + "1a" * 10,
        f"run={RUN.run_id}",
        "job=ftjob-1",
        "base=base-1",
        "suffix=short",
        "pipeline=support",
    ]


def test_what_takes_a_model_down_gets_the_name_that_it_answers_to() -> None:
    served = replace(RUN, facts={"inference_model": "made-up-by-the-server"})
    assert Deployment().command_for(served, ["{name}"]) == ["made-up-by-the-server"]
    assert served.answers_as == "made-up-by-the-server"
    assert "made-up-by-the-server" in names_at_trainer(served)
    assert RUN.answers_as == RUN.tuned_model


@given(values=st.dictionaries(st.sampled_from(PLACEHOLDERS), st.text()), text=st.text(alphabet="{}model name-"))
def test_what_is_filled_in_is_never_filled_again(values: dict[str, str], text: str) -> None:
    expected = "".join(
        values.get(part[1:-1], part) if part[:1] == "{" and part[-1:] == "}" else part for part in split(text)
    )
    assert filled(text, values) == expected


def split(text: str) -> list[str]:
    """Cut a text into its placeholders and what is between them, by hand."""
    parts, rest = [], text
    for name in placeholders(text):
        before, _, rest = rest.partition(f"{{{name}}}")
        parts += [before, f"{{{name}}}"]
    return [*parts, rest]


@pytest.mark.parametrize("line", ["", "}", "Done.  ", "All done!", "-rf", "a b", "a" * 256, "{", "näme"])
def test_a_stray_line_is_no_model_name(line: str) -> None:
    assert not is_model_name(line)


@pytest.mark.parametrize(
    ("plan", "needed"),
    [
        (Deployment(), False),
        (Deployment(undeploy=("down",)), False),
        (Deployment(deploy=("up",)), True),
        (Deployment(by_hand=True), True),
        (Deployment(inference_model="{run}"), True),
    ],
)
def test_a_run_deploys_only_where_something_is_to_be_done(plan: Deployment, needed: bool) -> None:  # noqa: FBT001 - a case
    assert plan.is_needed == needed
