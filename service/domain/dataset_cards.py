"""The README.md that makes a folder of a snapshot's files a Hugging Face dataset, and tells people what it is."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from service.domain.snapshots import SPLITS, Snapshot
from service.domain.splits import Split

# What is held out is called a test split there.
NAMES: Mapping[Split, str] = {"train": "train", "validation": "validation", "held_out": "test"}
_MESSAGES = [
    {"name": "role", "dtype": "string"},
    {"name": "content", "dtype": "string"},
    {"name": "weight", "dtype": "int64"},
]
_CHAT = [{"name": "messages", "list": _MESSAGES}]
_FEATURES: Mapping[str, list[dict[str, Any]]] = {
    "chat": _CHAT,
    "preference": [
        {"name": "input", "struct": _CHAT},
        {"name": "preferred_output", "list": _MESSAGES},
        {"name": "non_preferred_output", "list": _MESSAGES},
    ],
    "completion": [{"name": "prompt", "dtype": "string"}, {"name": "completion", "dtype": "string"}],
}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def card_of(snapshot: Snapshot) -> str:
    """Write the card; no clock in it, so that the same snapshot always has the same one."""
    head = snapshot.head
    facts = [
        "---",
        *(f"{key}: {json.dumps(value)}" for key, value in _for_machines(snapshot)),
        "---",
        "",
        f"# {snapshot.pipeline}",
        "",
        f"Labels of the Tuneloop pipeline `{snapshot.pipeline}`, frozen as the snapshot",
        f"`{snapshot.snapshot_id}`: the SHA-256 of `manifest.json`, which leads from every line back to its label.",
        "",
        f"Lines are of the form `{head['form']}`; those of the test split are chats: they are asked, not taught.",
        "The system text of every chat: " + (f"`{json.dumps(head['system'])}`" if head["system"] else "none") + ".",
        "",
        *_forgotten(snapshot),
        "| Split | Examples | Lines | Tokens |",
        "|---|---:|---:|---:|",
        *(f"| {NAMES[split]} | {' | '.join(map(str, _sizes(snapshot, split)))} |" for split in SPLITS),
        "",
        *_sections(head),
    ]
    return "\n".join(facts) + "\n"


def _forgotten(snapshot: Snapshot) -> tuple[str, ...]:
    if not snapshot.forgotten:
        return ()
    return (
        f"{len(snapshot.forgotten)} examples that the manifest lists were forgotten on request; no file has them.",
        "",
    )


def _for_machines(snapshot: Snapshot) -> Iterator[tuple[str, object]]:
    """Give the keys of the YAML head. Values are JSON, which YAML reads and which needs no quoting of names."""
    lines = sum(snapshot.files[split].lines for split in SPLITS)
    configs = _configs(snapshot)
    yield "pretty_name", snapshot.pipeline
    yield "task_categories", ["text-generation"]
    yield "size_categories", [next((name for limit, name in _SIZES if lines < limit), "1M<n<10M")]
    yield (
        "configs",
        [
            {"config_name": name, "data_files": [{"split": NAMES[s], "path": f"data/{NAMES[s]}.jsonl"} for s in splits]}
            for name, (_, splits) in configs.items()
        ],
    )
    # Said and not inferred: in most files only some messages have a weight, in many none has.
    yield "dataset_info", [{"config_name": name, "features": _FEATURES[form]} for name, (form, _) in configs.items()]


def _configs(snapshot: Snapshot) -> dict[str, tuple[str, list[Split]]]:
    """Give form and splits by configuration: one has one form. A split without lines has no file that can be read."""
    form = snapshot.head["form"]
    filled = [split for split in SPLITS if snapshot.files[split].lines]
    if form == "chat":
        return {"default": (form, filled)}
    taught: list[Split] = [split for split in filled if split != "held_out"]
    asked: list[Split] = [split for split in filled if split == "held_out"]
    found = {"default": (form, taught), "held_out": ("chat", asked)}
    return {name: chosen for name, chosen in found.items() if chosen[1]}


def _sizes(snapshot: Snapshot, split: Split) -> tuple[object, ...]:
    entry = snapshot.files[split]
    return ("" if entry.examples is None else entry.examples, entry.lines, entry.tokens)


def _sections(head: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        "## How the splits were made",
        "",
        "An example's split was given once, by its group, when it first appeared, and never changed. Nothing that",
        "shares its group or its prompt with the test split is in another one. The shares are under `dataset` below.",
        *_near_duplicates(head),
        "",
        "## What was left out or noted",
        "",
        *([f"- `{reason}`: {number}" for reason, number in head.get("reasons", {}).items()] or ["Nothing."]),
        "",
        "## Personal data",
        "",
        *_personal_data(head),
        "",
        "## What shaped it",
        "",
        "```json",
        json.dumps(head.get("configuration", "not recorded"), indent=1, ensure_ascii=False),
        "```",
        "",
        "## Licence",
        "",
        "Left to the owner of the labels: none is given here.",
    )


def _near_duplicates(head: Mapping[str, Any]) -> tuple[str, ...]:
    share = head.get("configuration", {}).get("dataset", {}).get("near_duplicates")
    if share is None:
        return ()
    return (
        "",
        "Nor are near-duplicates divided: prompts that share their runs of three words to about the share that",
        f"`near_duplicates` below says ({share}; 1 is only the same prompt). They are found by MinHash, which may",
        "miss some. What wrote the files looked again, whatever the splits were: an example with the group, the prompt",
        "or the near-duplicates of one in the test split was left out of the others; `held_out_leak` counts these.",
    )


def _personal_data(head: Mapping[str, Any]) -> tuple[str, ...]:
    if "checks" not in head.get("configuration", {}):
        return ("The answers were not searched for personal data.",)
    return (
        "The answers were searched for personal data, by patterns and by the names spoken in their prompts; `checks`",
        "below says what became of each kind. Nothing was masked, no prompt was searched: look before you publish.",
    )
