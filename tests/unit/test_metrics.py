import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.errors import ConfigurationError
from service.domain.metrics import METRICS, metric_named

CHAT = "Agent: May I have your name?\nCustomer: Ngozi Okafor, order 48213.\nAgent: Thank you, Ngozi."
CLEAN = "A customer asked about a late order and got a refund."


def test_an_unknown_metric_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"'bleu'.*pii_leak, chrf"):
        metric_named("bleu")


def test_every_metric_stands_under_its_own_name() -> None:
    assert all(metric_named(name).name == name for name in METRICS)


def test_a_clean_answer_leaks_nothing() -> None:
    assert metric_named("pii_leak").measure(CHAT, CLEAN, CLEAN) == 0.0


@pytest.mark.parametrize("leak", ["Ngozi", "okafor", "Ngozi Okafor", "ngozi@mail.example", "order 48213"])
def test_an_answer_with_personal_data_leaks(leak: str) -> None:
    assert metric_named("pii_leak").measure(CHAT, CLEAN, f"{CLEAN} It was about {leak}.") == 1.0


def test_fewer_leaks_and_more_likeness_are_better() -> None:
    assert not metric_named("pii_leak").higher_is_better
    assert metric_named("chrf").higher_is_better


def test_likeness_runs_from_nothing_in_common_to_the_same() -> None:
    chrf = metric_named("chrf").measure
    near, far = chrf("", CLEAN, "A customer had a late order and was refunded."), chrf("", CLEAN, "No idea.")
    assert chrf("", CLEAN, CLEAN) == pytest.approx(100)
    assert chrf("", "abc", "xyz") == 0.0
    assert far < near < 100


@given(prompt=st.text(), reference=st.text(), answer=st.text())
def test_every_value_lies_in_the_range_the_metric_names(prompt: str, reference: str, answer: str) -> None:
    for metric in METRICS.values():
        value = metric.measure(prompt, reference, answer)
        assert metric.low <= value <= metric.high + 1e-9
        assert metric.kind == "score" or value in (0.0, 1.0)
        assert msgspec.json.decode(msgspec.json.encode(value)) == value
