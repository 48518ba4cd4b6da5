"""The body of ``POST /v1/fine_tuning/jobs``, checked."""

import hashlib
import json
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainer.manners import Manners
from trainer.values import JsonObject, MethodType
from trainer.web.bodies import a_text, is_number, only_fields
from trainer.web.errors import ApiError, invalid

HYPERPARAMETERS = ("n_epochs", "batch_size", "learning_rate_multiplier")
MOST = {"n_epochs": 50, "batch_size": 256, "beta": 2}
MOST_METADATA, LONGEST_KEY, LONGEST_VALUE = 16, 64, 512
LARGEST_SEED = 2**31 - 1
LONGEST_IDEMPOTENCY_KEY = 255


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A job as it was asked for.

    Attributes:
        hyperparameters: Each a number or "auto"; ``beta`` only for preference training.
        seed: As given, or drawn.
        sha256: The digest of the body, whatever the order of its fields.
    """

    model: str
    training_file: str
    validation_file: str | None
    method: MethodType
    hyperparameters: Mapping[str, Any]
    seed: int
    suffix: str | None
    metadata: Mapping[str, str] | None
    sha256: str


def read_job_request(body: JsonObject, manners: Manners) -> JobRequest:
    """Check a body.

    Raises:
        ApiError: A field is missing, wrong or unknown.
    """
    only_fields(body, manners.job_fields)
    if body.get("integrations"):
        raise invalid("integrations", "This server has no integrations.", "unsupported_parameter")
    method, hyperparameters = _method(body, manners)
    seed = body.get("seed")
    if seed is not None and not (is_number(seed, whole=True) and 0 <= seed <= LARGEST_SEED):
        raise invalid("seed", f"seed must be a whole number from 0 to {LARGEST_SEED}.")
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return JobRequest(
        model=a_text(body, "model"),
        training_file=a_text(body, "training_file"),
        validation_file=a_text(body, "validation_file") if body.get("validation_file") is not None else None,
        method=method,
        hyperparameters=hyperparameters,
        seed=secrets.randbelow(LARGEST_SEED) if seed is None else seed,
        suffix=_suffix(body.get("suffix"), manners),
        metadata=_metadata(body.get("metadata")) if manners.metadata else None,
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def read_idempotency_key(header: str | None) -> str | None:
    """Check the header ``Idempotency-Key``; None where there is none."""
    if header is None:
        return None
    if not header or len(header) > LONGEST_IDEMPOTENCY_KEY:
        told = f"The header Idempotency-Key must have 1 to {LONGEST_IDEMPOTENCY_KEY} characters."
        raise invalid("Idempotency-Key", told)
    return header


def _method(body: JsonObject, manners: Manners) -> tuple[MethodType, Mapping[str, Any]]:
    """Read the kind of training and its hyperparameters, which older clients give beside it."""
    given = body.get("method")
    more = manners.more_hyperparameters
    beside = _hyperparameters(body.get("hyperparameters"), "supervised", "hyperparameters", more)
    if given is None:
        return "supervised", beside
    if not isinstance(given, dict):
        raise invalid("method", "method must be an object.")
    kind = given.get("type")
    if kind not in {"supervised", "dpo"}:
        raise invalid("method.type", 'method.type must be "supervised" or "dpo".', "unsupported_value")
    only_fields(given, {"type", kind}, "method.")
    part = given.get(kind) or {}
    if not isinstance(part, dict):
        raise invalid(f"method.{kind}", f"method.{kind} must be an object.")
    only_fields(part, {"hyperparameters"}, f"method.{kind}.")
    within = _hyperparameters(part.get("hyperparameters"), kind, f"method.{kind}.hyperparameters")
    said = {name: value for name, value in within.items() if value != "auto"}
    return kind, within | beside | said


def _hyperparameters(
    given: Any,  # noqa: ANN401 - JSON
    method: MethodType,
    where: str,
    more: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    if given is not None and not isinstance(given, dict):
        raise invalid(where, f"{where} must be an object.")
    known = (*HYPERPARAMETERS, "beta") if method == "dpo" else HYPERPARAMETERS
    only_fields(given or {}, {*known, *more}, f"{where}.")
    # Null means the same as leaving it out.
    asked = {name: "auto" if value is None else value for name, value in (given or {}).items() if name in known}
    for name, value in asked.items():
        _check_hyperparameter(name, value, f"{where}.{name}")
    return {name: asked.get(name, "auto") for name in known}


def _check_hyperparameter(name: str, value: Any, where: str) -> None:  # noqa: ANN401 - JSON
    if value == "auto":
        return
    whole = name in {"n_epochs", "batch_size"}
    # Neither NaN nor infinity passes, nor a whole number too long for a float.
    if not is_number(value, whole=whole) or not 0 < value <= MOST.get(name, sys.float_info.max):
        kind = "a whole number" if whole else "a number"
        limit = f" and at most {MOST[name]}" if name in MOST else ""
        raise invalid(where, f'{where} must be "auto" or {kind} above 0{limit}.')


def _suffix(given: Any, manners: Manners) -> str | None:  # noqa: ANN401 - JSON
    if given is None:
        return None
    if not isinstance(given, str) or not 1 <= len(given) <= manners.suffix_max:
        raise invalid("suffix", f"suffix must be a string of 1 to {manners.suffix_max} characters.")
    if not given.isprintable() or any(sign in given for sign in manners.suffix_without):
        # It becomes a part of the model's name, which is set off by colons and used in addresses.
        signs = " ".join(manners.suffix_without.split())
        raise invalid("suffix", f"suffix must be printable, without spaces and {signs}.")
    return given


def _metadata(given: Any) -> Mapping[str, str] | None:  # noqa: ANN401 - JSON
    if given is None:
        return None
    if not isinstance(given, dict) or len(given) > MOST_METADATA:
        raise invalid("metadata", f"metadata must be an object of at most {MOST_METADATA} pairs.")
    for key, value in given.items():
        if not isinstance(value, str) or len(value) > LONGEST_VALUE or not 1 <= len(key) <= LONGEST_KEY:
            told = (
                f"A metadata key has 1 to {LONGEST_KEY} characters, its value is a string of at most {LONGEST_VALUE}."
            )
            raise ApiError(400, told, param="metadata", code="invalid_value")
    return given
