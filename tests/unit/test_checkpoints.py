"""Which model of a training is put before the held-out examples."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from service.domain.checkpoints import Checkpoint, at_checkpoint, choose
from service.domain.guards import GuardRule
from tests.support.builders import make_run
from tests.unit.compared_models import CHRF, PII, few_runs

RULE = GuardRule(2.0)
METRICS = [PII, CHRF]
MODELS = ["final", "second", "first"]
answers = st.lists(
    st.fixed_dictionaries({model: st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0, 100)) for model in MODELS}),
    min_size=1,
    max_size=12,
)
Answers = list[dict[str, tuple[float, float]]]


def chosen(found: Answers, models: list[str] = MODELS) -> str:
    scores = {
        metric.name: {model: [row[model][place] for row in found] for model in models}
        for place, metric in enumerate(METRICS)
    }
    return choose(METRICS, scores, final="final", rule=RULE)


def alike(**leaks: list[float]) -> Answers:
    """Give answers of one chrF, by the models' leaks."""
    return [{model: (values[place], 50.0) for model, values in leaks.items()} for place in range(3)]


@few_runs
@given(found=answers, order=st.randoms(use_true_random=False))
def test_the_order_of_the_examples_changes_nothing(found: Answers, order: Random) -> None:
    assert chosen(order.sample(found, len(found))) == chosen(found)


@few_runs
@given(found=answers)
def test_nothing_is_chosen_over_the_final_model_that_is_not_better_or_fails_a_guard(found: Answers) -> None:
    model = chosen(found)
    if model != "final":
        assert sum(row[model][0] for row in found) < sum(row["final"][0] for row in found)
        fall = sum(row["final"][1] - row[model][1] for row in found) / len(found)
        assert fall <= 2.0 + 1e-6


@few_runs
@given(found=answers)
def test_models_that_answer_alike_leave_the_final_one(found: Answers) -> None:
    assert chosen([dict.fromkeys(MODELS, row["final"]) for row in found]) == "final"


def test_the_best_is_chosen_and_of_equal_ones_the_latest() -> None:
    assert chosen(alike(final=[1, 1, 0], second=[1, 0, 0], first=[0, 0, 0])) == "first"
    assert chosen(alike(final=[1, 1, 0], second=[0, 0, 1], first=[1, 0, 0])) == "second"
    assert chosen(alike(final=[0, 0, 0], second=[0, 0, 1], first=[1, 0, 0])) == "final"


def test_a_better_one_whose_guard_fell_too_far_is_passed_over() -> None:
    found = alike(final=[1, 1, 1], second=[0, 0, 1], first=[0, 0, 0])
    fallen = [{**row, "first": (row["first"][0], 40.0)} for row in found]
    assert chosen(fallen) == "second"


def test_a_checkpoint_answers_under_its_own_name_whatever_its_run_was_deployed_as() -> None:
    run = make_run(tuned_model="ft:1", facts={"inference_model": "deployed", "suffix": "x"})
    viewed = at_checkpoint(run, Checkpoint(82, "ft:1:ckpt-step-82"))
    assert (viewed.run_id, viewed.answers_as, viewed.facts) == (run.run_id, "ft:1:ckpt-step-82", {"suffix": "x"})
    assert run.answers_as == "deployed"
