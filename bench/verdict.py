"""How often a verdict is wrong where nothing got better, and how often it sees what did.

A life is a pipeline's first ten runs. In each a new model, in truth no better than the one in place, is judged on a
held-out set that has grown since the last run and was asked in every run before. A life counts as a false promotion
if any of its runs promotes.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np

from bench.lives import ALPHA, GROWING, LEAK_RATE, SEED, UNCHANGED, Crowd, Life, crowd, is_better, judged, live
from bench.stage import say
from service.domain.guards import GuardRule
from service.domain.repeated_looks import EarlierLook, Look, take_look

LIVES = 2_000
SIZES = (20, 50, 100, 400)
GAINS = (5, 10, 20)
FALLS = (0, 2, 4, 6)
ROUNDS = 300
FIFTH = 5
# One answer in so many is terrible.
TERRIBLE = (10, 20, 33)
_LITTLE_BETTER = 3.0


@dataclass(frozen=True)
class World:
    """One kind of life.

    Attributes:
        metrics: The primary first, then the guards.
        sizes: Held-out questions at each run.
        is_skewed: Models are equally good but not alike, which the test for scores does not assume; shown, no aim.
    """

    metrics: tuple[str, ...]
    sizes: tuple[int, ...] = GROWING
    is_skewed: bool = False


WORLDS = {
    "yes_no": World(("pii_leak",)),
    "yes_no_unchanged_set": World(("pii_leak",), UNCHANGED),
    "yes_no_and_guard": World(("pii_leak", "chrf")),
    "score": World(("chrf",)),
    "score_and_guard": World(("chrf", "pii_leak")),
    "skewed_score": World(("chrf",), is_skewed=True),
}


def measure() -> dict[str, Any]:
    """Live many lives in which nothing gets better, then look at gains of several sizes."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        lives = {}
        for name in WORLDS:
            lives[name] = _rates(list(pool.map(partial(_life, name), range(LIVES), chunksize=50)))
            say(f"{name}: {_percent(lives[name])}")
        cells = [(metric, n, gain) for metric in ("pii_leak", "chrf") for n in SIZES for gain in GAINS]
        power = dict(zip(cells, pool.map(_power, cells), strict=True))
        guards = dict(zip(SIZES, pool.map(_guards, SIZES), strict=True))
        losses = [(n, one_in) for one_in in TERRIBLE for n in SIZES]
        unseen = dict(zip(losses, pool.map(_rare_losses, losses), strict=True))
        intervals = pool.submit(_intervals).result()
    _show_power(power)
    worst = max(rates["lives_with_a_false_promotion"] for name, rates in lives.items() if not WORLDS[name].is_skewed)
    return {
        "figures": {
            "lives": LIVES,
            "runs_a_life": len(GROWING),
            "held_out": [GROWING[0], GROWING[-1]],
            "no_gain": lives,
            "power": [
                {"metric": metric, "held_out": n, "gain_points": gain, **found}
                for (metric, n, gain), found in power.items()
            ],
            "promoted_though_the_guard_fell": {str(n): found for n, found in guards.items()},
            "rare_terrible_answers_promoted": [
                {"held_out": n, "one_in": one_in, "first_look": rate} for (n, one_in), rate in unseen.items()
            ],
            "intervals_at_20": intervals,
        },
        "ratios": {
            f"{name}_to_uncorrected": rates["lives_with_a_false_promotion"] / rates["uncorrected"]
            for name, rates in lives.items()
        },
        "aims": [
            {
                "aim": "false promotions in 2,000 no-gain runs of a growing dataset at most 5 %, each a pipeline's "
                "whole life of ten looks, for rates and scores, with and without a guard",
                "met": worst <= ALPHA,
            },
        ],
    }


def _life(name: str, number: int) -> Life:
    world = WORLDS[name]
    draw = np.random.default_rng([SEED, number])
    models = crowd(draw, len(world.sizes) + 1, max(world.sizes), is_skewed=world.is_skewed)
    return live(models, world.metrics, world.sizes)


def _rates(lives: list[Life]) -> dict[str, float]:
    return {
        "lives_with_a_false_promotion": sum(life.promotions > 0 for life in lives) / len(lives),
        "runs_with_a_false_promotion": sum(life.promotions for life in lives) / len(lives) / len(GROWING),
        "uncorrected": sum(life.uncorrected for life in lives) / len(lives),
    }


def _percent(rates: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {100 * rate:.2f} %" for name, rate in rates.items())


def _power(cell: tuple[str, int, int]) -> dict[str, float]:
    """Give how often a gain of so many points is seen at a first and at a fifth look."""
    metric, n, gain = cell
    looks = {"first_look": _look(n, 1), "fifth_look": _look(n, FIFTH)}
    seen = dict.fromkeys(looks, 0)
    for number in range(ROUNDS):
        models = _improved(np.random.default_rng([SEED, n, gain, number]), n, metric, gain)
        judgement = judged(models, {"challenger": 1, "base": 0}, (metric,), n, looks["first_look"])
        for name, look in looks.items():
            seen[name] += is_better(judgement, look)
    return {name: count / ROUNDS for name, count in seen.items()}


def _look(n: int, number: int) -> Look:
    """Give the look at n questions of a set that has grown evenly up to there."""
    looks: list[Look] = []
    earlier: list[EarlierLook] = []
    for item in range(1, number + 1):
        questions = [str(question) for question in range(n * item // number)]
        looks.append(take_look(questions, earlier, alpha=ALPHA))
        earlier.append(EarlierLook(questions, looks[-1].step))
    return looks[-1]


def _improved(draw: np.random.Generator, n: int, metric: str, gain: float) -> Crowd:
    models = crowd(draw, 2, n)
    if metric == "chrf":
        models.likeness[1] += gain
    else:
        # Every leak is avoided with the same chance, so that the rate falls by as many points.
        models.leaks[1] *= draw.random(n) >= gain / 100 / LEAK_RATE
    return models


def _guards(n: int) -> dict[str, dict[str, float]]:
    """Give how often a model that surely gains is promoted while its guard falls by so many points, by rule."""
    rules = {"observed": GuardRule(), "proven": GuardRule(proven=True)}
    found: dict[str, dict[str, float]] = {name: {} for name in rules}
    for fall in FALLS:
        passed = dict.fromkeys(rules, 0)
        for number in range(ROUNDS):
            models = crowd(np.random.default_rng([SEED, n, fall, number]), 2, n)
            models.leaks[0], models.leaks[1] = 1, 0
            models.likeness[1] -= fall
            look = _look(n, 1)
            judgement = judged(models, {"challenger": 1, "base": 0}, ("pii_leak", "chrf"), n, look)
            for name, rule in rules.items():
                passed[name] += is_better(judgement, look, rule)
        for name, count in passed.items():
            found[name][f"fell_{fall}"] = count / ROUNDS
    return found


def _rare_losses(cell: tuple[int, int]) -> float:
    """Give how often a model is called better that is a little better but for rare terrible answers: no gain in all."""
    n, one_in = cell
    promoted = 0
    for number in range(ROUNDS):
        draw = np.random.default_rng([SEED, n, one_in, number])
        models = crowd(draw, 2, n)
        models.likeness[1] = models.likeness[0] + draw.normal(_LITTLE_BETTER, _LITTLE_BETTER, n)
        models.likeness[1] -= _LITTLE_BETTER * one_in * (draw.random(n) < 1 / one_in)
        look = _look(n, 1)
        promoted += is_better(judged(models, {"challenger": 1, "base": 0}, ("chrf",), n, look), look)
    return promoted / ROUNDS


def _intervals(n: int = 20, rounds: int = 1_000) -> dict[str, float]:
    """Compare our interval of a paired score with a bootstrap of scipy's, where models are alike."""
    from scipy.stats import bootstrap

    held = {"ours": 0, "bootstrap": 0}
    apart = {"ours": 0, "bootstrap": 0}
    for number in range(rounds):
        draw = np.random.default_rng([SEED, number])
        models = crowd(draw, 2, n)
        judgement = judged(models, {"challenger": 1, "base": 0}, ("chrf",), n, _look(n, 1))
        ours = judgement.contests[0].primary
        differences = models.likeness[1] - models.likeness[0]
        theirs = bootstrap((differences,), np.mean, n_resamples=4_999, method="BCa", rng=draw).confidence_interval
        for name, low, high in (("ours", ours.low, ours.high), ("bootstrap", theirs.low, theirs.high)):
            held[name] += low <= 0 <= high
            apart[name] += (low <= 0 <= high) != (ours.p >= ALPHA)
    return {
        **{f"{name}_holds_the_truth": count / rounds for name, count in held.items()},
        **{f"{name}_contradicts_the_test": count / rounds for name, count in apart.items()},
    }


def _show_power(power: Mapping[tuple[str, int, int], Mapping[str, float]]) -> None:
    say("\nchance of seeing a gain, at the first look / the fifth look")
    say("                held-out" + "".join(f"{n:>15}" for n in SIZES))
    for metric in ("pii_leak", "chrf"):
        for gain in GAINS:
            shown = (power[metric, n, gain] for n in SIZES)
            row = "".join(f"{100 * one['first_look']:>7.0f} /{100 * one['fifth_look']:>4.0f} %" for one in shown)
            say(f"{metric:>9}, {gain:>2} points better{row}")
