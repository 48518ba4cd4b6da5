"""Receiving: durable acknowledgements a second, beside a bare endpoint and beside one enqueue an event."""

import json
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from bench.stage import process, say, stage
from service.adapters.redis_clients import quick_redis
from service.cli.valkey import free_port

ROUNDS = 5
CONNECTIONS = 64
COUNTS = {"bare": 30_000, "ours": 20_000, "plain": 3_000}
WARM_UP = 1_000
TIMEOUT_S = 120
MIN_TO_BARE = 0.5
MIN_TO_ENQUEUE = 5
MAX_P99_TO_BARE = 3


def measure() -> dict[str, Any]:
    """Run the three servers in turn, several rounds, and compare the medians."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in COUNTS}
    with stage() as (_, environment):
        first = 0
        for number in range(ROUNDS):
            for name, count in COUNTS.items():
                result = _run(name, environment, first, count)
                first += count + WARM_UP
                found[name].append(result)
                say(f"round {number + 1}: {name:<6} {result['per_second']:.0f}/s, p99 {result['p99_ms']:.1f} ms")
    middle = {
        name: {key: statistics.median(result[key] for result in results) for key in results[0]}
        for name, results in found.items()
    }
    ratios = {
        "ours_to_bare": statistics.median(_ratios(found, "ours", "bare", "per_second")),
        "ours_to_enqueue": statistics.median(_ratios(found, "ours", "plain", "per_second")),
        "p99_ours_to_bare": statistics.median(_ratios(found, "ours", "bare", "p99_ms")),
    }
    return {
        "figures": {"connections": CONNECTIONS, "rounds": ROUNDS, **middle},
        "ratios": ratios,
        "aims": [
            _aim("durable acknowledgements at least 0.5 of a bare endpoint", ratios["ours_to_bare"] >= MIN_TO_BARE),
            _aim("at least 5 times one Queue.enqueue an event", ratios["ours_to_enqueue"] >= MIN_TO_ENQUEUE),
            _aim("p99 at 64 connections at most 3 times the bare one", ratios["p99_ours_to_bare"] <= MAX_P99_TO_BARE),
        ],
    }


def _ratios(found: Mapping[str, list[dict[str, float]]], one: str, other: str, key: str) -> list[float]:
    return [mine[key] / theirs[key] for mine, theirs in zip(found[one], found[other], strict=True)]


def _aim(words: str, met: bool) -> dict[str, Any]:  # noqa: FBT001 - a fact, no switch
    return {"aim": words, "met": met}


def _run(name: str, environment: Mapping[str, str], first: int, count: int) -> dict[str, float]:
    port = free_port()
    with quick_redis(environment["TUNELOOP_REDIS_URL"]) as redis:
        # A working service's inbox is nearly empty.
        redis.flushdb()
    server = [sys.executable, "-m", "bench.servers", name, str(port)]
    with process(server, environment, lambda: _listens(port)):
        _load(port, environment, first, WARM_UP)
        return _load(port, environment, first + WARM_UP, count)


def _load(port: int, environment: Mapping[str, str], first: int, count: int) -> dict[str, float]:
    client = [sys.executable, "-m", "bench.load", str(port), str(CONNECTIONS), str(first), str(count)]
    done = subprocess.run(
        client, check=True, stdout=subprocess.PIPE, timeout=TIMEOUT_S, env={**os.environ, **environment}
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
