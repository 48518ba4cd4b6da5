"""A power law through scores of growing datasets, and what it foretells.

``a - b * n ** -c``: it levels off at ``a``. Hestness et al. 2017, "Deep learning scaling is predictable, empirically".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SEED = 20_260_102
_DRAWS = 2_000
_INTERVAL = (0.025, 0.975)
# Below, the law is a logarithm; above, it levels off within the data already.
_LEAST_POWER, _MOST_POWER, _POWERS = 0.05, 2.0, 40
_PARAMETERS = 3


class Measured(NamedTuple):
    """A score at a size; ``error`` is its standard error and above 0."""

    size: int
    score: float
    error: float


@dataclass(frozen=True, slots=True)
class Fit:
    """The law, and what it says about one further size.

    Attributes:
        sizes: Where it was evaluated.
        scores: What it says there.
        gain: From the largest size measured to the further one.
        low: Lower end of the gain's 95 % interval.
        high: Upper end.
    """

    sizes: tuple[float, ...]
    scores: tuple[float, ...]
    gain: float
    low: float
    high: float


def fit_power_law(measured: Sequence[Measured], *, further: int, bounds: tuple[float, float], steps: int = 40) -> Fit:
    """Fit the law by weighted least squares, and draw its interval by a parametric bootstrap.

    For a given power the rest is linear, so that every power of a grid is solved at once, for every draw: a search that
    may end anywhere would make two verdicts of one dataset. Scores may also fall: a law that can only rise
    would always promise something. Where the points scatter more than their errors explain, for no two trainings are
    the same, the errors grow by as much (Birge 1932).

    Args:
        measured: At least as many sizes that differ as the law has parameters, in any order; greater scores are better.
        further: How many more than the largest size.
        bounds: No score is outside.
        steps: At how many sizes the line is given.

    Raises:
        ValueError: Too few sizes differ.
    """
    import numpy as np

    ordered = sorted(measured)
    sizes, scores, errors = (np.asarray(column, dtype=np.float64) for column in zip(*ordered, strict=True))
    if len(set(sizes)) < _PARAMETERS:
        raise ValueError(f"a power law needs {_PARAMETERS} sizes that differ")
    line = np.linspace(sizes[0], sizes[-1] + further, steps)
    wanted = np.concatenate([sizes, line, [sizes[-1], sizes[-1] + further]])
    found, misfit = _predict(sizes, scores[None, :], errors, wanted)
    spare = len(sizes) - _PARAMETERS
    scatter = float(np.sqrt(max(1.0, misfit[0] / spare))) if spare else 1.0
    noise = np.random.default_rng(_SEED).standard_normal((_DRAWS, len(sizes)))
    drawn, _ = _predict(sizes, found[0, : len(sizes)] + noise * errors * scatter, errors, wanted[-2:])
    now, then = np.clip(drawn, *bounds).T
    low, high = np.quantile(then - now, _INTERVAL)
    at_most = np.clip(found[0], *bounds)
    gain = float(at_most[-1] - at_most[-2])
    shown = at_most[len(sizes) : -2]
    return Fit(tuple(line.tolist()), tuple(shown.tolist()), gain, min(float(low), gain), max(float(high), gain))


def _predict(
    sizes: "NDArray[np.float64]",
    scores: "NDArray[np.float64]",
    errors: "NDArray[np.float64]",
    wanted: "NDArray[np.float64]",
) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Give, for each row of scores, the best law's scores at the wanted sizes, and its weighted squared misfit."""
    import numpy as np

    weighted = scores / errors
    best = np.full(len(scores), np.inf)
    found = np.zeros((len(scores), len(wanted)))
    for power in np.geomspace(_LEAST_POWER, _MOST_POWER, _POWERS):
        basis, ahead = _basis(sizes, sizes[0], power), _basis(wanted, sizes[0], power)
        solve = np.linalg.pinv(basis / errors[:, None])
        parameters = weighted @ solve.T
        misfit = ((weighted - parameters @ (basis / errors[:, None]).T) ** 2).sum(axis=1)
        better = misfit < best
        best[better] = misfit[better]
        found[better] = parameters[better] @ ahead.T
    return found, best


def _basis(sizes: "NDArray[np.float64]", least: float, power: float) -> "NDArray[np.float64]":
    import numpy as np

    # In parts of the least size, so that small powers of large numbers stay apart.
    return np.column_stack([np.ones_like(sizes), -((sizes / least) ** -power)])
