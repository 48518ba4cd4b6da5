"""How a sandbox is started."""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import cast

from sandbox.deliveries import Signing
from sandbox.errors import MalformedRequest
from sandbox.fault_options import add_fault_options
from sandbox.faults import Faults
from sandbox.scenario_choice import SCENARIOS


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that may be chosen at the start.

    Attributes:
        port: 0 takes a free one.
        api_key: What clients must send as bearer key; None lets everybody in.
        seed: Decides ids, people and faults.
        signing: ``both`` adds the SHA-256 signature that not every real delivery may carry.
        concurrency: How many deliveries are posted at once.
        scenario: A project to start with, with its rows; None starts empty.
        rows: How many rows each project of the scenario begins with.
        labels: How many of them the labelers approve at once, in each project; 0 waits for the control API.
        in_files: Whether the scenario's texts lie in files behind signed addresses.
        people: How many labelers there are.
        rate: Labels per second; 0 as fast as possible.
        webhook_url: Told of everything, if given with ``webhook_secret``.
    """

    host: str = "127.0.0.1"
    port: int = 0
    api_key: str | None = None
    seed: int = 0
    signing: Signing = "both"
    concurrency: int = 8
    scenario: str | None = None
    rows: int = 400
    labels: int = 0
    in_files: bool = False
    people: int = 4
    rate: float = 10.0
    webhook_url: str | None = None
    webhook_secret: str | None = None
    faults: Faults = field(default_factory=Faults)


def read_arguments(argv: Sequence[str] | None = None) -> Settings:
    """Read the command line; argparse ends the process with 2 where it is wrong."""
    parser = _parser()
    given = parser.parse_args(argv)
    if (given.webhook_url is None) != (given.webhook_secret is None):
        parser.error("--webhook-url and --webhook-secret go together")
    if given.labels and not given.scenario:
        parser.error("--labels needs a --scenario to work on")
    try:
        faults = Faults(**{item.name: getattr(given, item.name) for item in fields(Faults)})
    except MalformedRequest as error:
        parser.error(str(error))
    return Settings(
        host=given.host,
        port=given.port,
        api_key=given.api_key,
        seed=given.seed,
        signing=cast("Signing", given.sign),
        concurrency=given.concurrency,
        scenario=given.scenario,
        rows=given.rows,
        labels=given.labels,
        in_files=given.in_files,
        people=given.people,
        rate=given.rate,
        webhook_url=given.webhook_url,
        webhook_secret=given.webhook_secret,
        faults=faults,
    )


def _parser() -> argparse.ArgumentParser:
    standard = Settings()
    parser = argparse.ArgumentParser(
        prog="tuneloop sandbox", description="A stand-in Labelbox for the real SDK, with simulated labelers."
    )
    add = parser.add_argument
    add("--host", default=standard.host)
    add("--port", type=int, required=True, help="0 takes a free one")
    add("--api-key", help="bearer key that clients must send; without it everybody may come in")
    add("--seed", type=int, default=standard.seed)
    add("--sign", choices=("sha1", "both"), default=standard.signing, help="signature headers of deliveries")
    add("--concurrency", type=_positive, default=standard.concurrency, help="deliveries posted at once")
    add("--scenario", choices=SCENARIOS, help="a project to start with, or one of each kind")
    add("--rows", type=_positive, default=standard.rows, help="data rows the scenario begins with")
    add("--labels", type=_not_negative, default=standard.labels, help="rows to approve at once; 0 waits")
    add("--in-files", action="store_true", help="texts of the scenario lie in files behind signed addresses")
    add("--people", type=_positive, default=standard.people, help="simulated labelers")
    add("--rate", type=_pace, default=standard.rate, help="labels per second; 0 as fast as possible")
    add("--webhook-url", help="told of everything that happens")
    add("--webhook-secret", help="the key its deliveries are signed with")
    add_fault_options(parser.add_argument_group("faults"))
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _not_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be below 0")
    return number


def _pace(text: str) -> float:
    number = float(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError("must be a number of labels per second, not below 0")
    return number
