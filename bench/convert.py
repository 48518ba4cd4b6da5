"""``tuneloop convert`` over an export file, beside two ways of doing it by hand, each a process of its own.

One only reads and writes each line with ``json``; the other is the row-by-row pandas script of many a notebook. The
whole command is timed, the start of the interpreter and its imports included.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.stage import say

ROWS = 200_000
ROUNDS = 3
MAX_PEAK_MB = 200
MIN_TO_JSON = 1 / 3
MIN_TO_PANDAS = 5
_KB = 1024
# fmt: off
_WORDS = (
    "the", "parcel", "arrived", "late", "and", "a", "customer", "asks", "for", "the", "money", "back", "because",
    "it", "was", "damaged", "when", "it", "came", "we", "are", "sorry", "please", "send", "a", "picture", "of",
)
# fmt: on
_ONTOLOGY = {
    "classifications": [
        {"type": "text", "featureSchemaId": "q-summary", "name": "summary", "options": []},
        {
            "type": "radio",
            "featureSchemaId": "q-quality",
            "name": "quality",
            "options": [{"featureSchemaId": "o-good", "value": "good", "label": "Good"}],
        },
    ]
}

JSON_LOOP = """
import json, sys
with open(sys.argv[1], encoding="utf-8") as lines, open(sys.argv[2], "w", encoding="utf-8") as out:
    for line in lines:
        out.write(json.dumps(json.loads(line)) + "\\n")
"""
PANDAS_LOOP = """
import sys
import pandas as pd
rows = pd.read_json(sys.argv[1], lines=True)
chats = []
for _, row in rows.iterrows():
    project = next(iter(row["projects"].values()))
    if project["project_details"]["workflow_status"] != "DONE":
        continue
    for answer in project["labels"][0]["annotations"]["classifications"]:
        if answer["feature_schema_id"] == "q-summary":
            asked = {"role": "user", "content": row["data_row"]["row_data"]}
            chats.append({"messages": [asked, {"role": "assistant", "content": answer["text_answer"]["content"]}]})
pd.DataFrame(chats).to_json(sys.argv[2], orient="records", lines=True)
"""


@dataclass(frozen=True, slots=True)
class Timed:
    """One process: rows a second over its whole life, and the most memory it held."""

    rows_per_second: float
    peak_mb: float


def measure() -> dict[str, Any]:
    """Convert one file all three ways, in turn, and compare the medians."""
    found: dict[str, list[Timed]] = {"convert": [], "json_loop": [], "pandas": []}
    with TemporaryDirectory() as name:
        folder = Path(name)
        say(f"writing an export of {ROWS} rows ...")
        file_mb = _write_export(folder / "export.ndjson") / _KB / _KB
        (folder / "ontology.json").write_text(json.dumps(_ONTOLOGY), encoding="utf-8")
        for number in range(ROUNDS):
            for way, command in _commands(folder).items():
                found[way].append(_timed(command))
            speeds = ", ".join(f"{way} {times[-1].rows_per_second:.0f}/s" for way, times in found.items())
            say(f"round {number + 1}: {speeds}")
        lines = sum(1 for _ in (folder / "f.jsonl").open("rb"))
    if lines != ROWS:
        raise RuntimeError(f"{lines} of {ROWS} rows were converted")
    return _result(found, file_mb)


def _result(found: Mapping[str, Sequence[Timed]], file_mb: float) -> dict[str, Any]:
    def ratio(other: str) -> float:
        pairs = zip(found["convert"], found[other], strict=True)
        return sorted(ours.rows_per_second / theirs.rows_per_second for ours, theirs in pairs)[ROUNDS // 2]

    peak_mb = max(timed.peak_mb for timed in found["convert"])
    to_json, to_pandas = ratio("json_loop"), ratio("pandas")
    speeds = {
        f"{way}_rows_per_second": sorted(timed.rows_per_second for timed in times)[ROUNDS // 2]
        for way, times in found.items()
    }
    return {
        "figures": {"rows": ROWS, "file_mb": file_mb, "rounds": ROUNDS, **speeds, "convert_peak_mb": peak_mb},
        "ratios": {"convert_to_json_loop": to_json, "convert_to_pandas": to_pandas},
        "aims": [
            {"aim": "the memory of converting 200,000 rows stays below 200 MB", "met": peak_mb < MAX_PEAK_MB},
            {"aim": "at least a third of the rows a second of a json.loads/json.dumps loop",
             "met": to_json >= MIN_TO_JSON},
            {"aim": "at least 5 times the rows a second of a row-by-row pandas script",
             "met": to_pandas >= MIN_TO_PANDAS},
        ],
    }  # fmt: skip


def _commands(folder: Path) -> dict[str, list[str]]:
    export, out = str(folder / "export.ndjson"), str(folder / "other.jsonl")
    arguments = ["--ontology", str(folder / "ontology.json"), "--out", str(folder / "f.jsonl")]
    return {
        "convert": [
            *(sys.executable, "-m", "service.cli", "convert", export),
            *(*arguments, "--rejects", str(folder / "r.jsonl")),
        ],
        "json_loop": [sys.executable, "-c", JSON_LOOP, export, out],
        "pandas": [sys.executable, "-c", PANDAS_LOOP, export, out],
    }


def _timed(command: Sequence[str]) -> Timed:
    began_s = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as started:
        _, status, usage = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode:
        raise RuntimeError(f"{command[:4]} ended with {started.returncode}")
    # Kilobytes on Linux.
    return Timed(ROWS / (time.perf_counter() - began_s), usage.ru_maxrss / _KB)


def _write_export(path: Path) -> int:
    """Write rows as an export has them, about 2 kB each; give the size in bytes."""
    chance = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        for line in _rows(chance):
            file.write(line + "\n")
    return path.stat().st_size


def _rows(chance: random.Random) -> Iterator[str]:
    moment = "2026-11-02T10:00:00.000+00:00"
    for number in range(ROWS):
        label_id = f"cllabel{number:018d}"
        answers = [
            _answer("summary", {"text_answer": {"content": " ".join(chance.choices(_WORDS, k=25))}}),
            _answer("quality", {"radio_answer": {"feature_schema_id": "o-good", "name": "Good", "value": "good"}}),
        ]
        label = {
            "label_kind": "Default",
            "version": "1.0.0",
            "id": label_id,
            "label_details": {
                **dict.fromkeys(("created_at", "updated_at", "content_last_updated_at"), moment),
                "created_by": "labeler@example.com",
                "reviews": [],
            },
            "performance_details": {"seconds_to_create": 40, "seconds_to_review": 9, "skipped": False},
            "annotations": {"objects": [], "classifications": answers, "relationships": []},
        }
        details = {
            "ontology_id": "clontology",
            "task_name": "Done",
            "batch_id": "b6a4",
            "workflow_status": "DONE",
            "priority": 5,
            "selected_label_id": label_id,
            "workflow_history": [{"action": "Approve", "created_at": moment, "created_by": "reviewer@example.com"}],
        }
        row = {
            "data_row": {
                "id": f"clrow{number:020d}",
                "global_key": f"chat-{number}",
                "row_data": " ".join(chance.choices(_WORDS, k=60)),
                "details": dict.fromkeys(("created_at", "updated_at", "last_activity_at"), moment),
            },
            "media_attributes": {"asset_type": "text", "mime_type": "text/plain"},
            "projects": {"clproject": {"name": "Chats", "labels": [label], "project_details": details}},
        }
        yield json.dumps(row)


def _answer(name: str, given: Mapping[str, object]) -> dict[str, object]:
    return {"feature_id": "clf", "feature_schema_id": f"q-{name}", "name": name.title(), "value": name, **given}
