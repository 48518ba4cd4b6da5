"""``tuneloop datasets verify`` and ``diff``: whether snapshots are what they say, and what lies between two."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from service.cli.app import AsJson, datasets, print_json
from service.cli.cmd_datasets import SnapshotId, deps_now
from service.cli.showing import visible
from service.domain.contents import Content
from service.domain.differences import KINDS, Difference, differences, shaped_differently
from service.domain.errors import ConfigurationError
from service.domain.manifests import Line
from service.domain.plurals import how_many
from service.domain.snapshots import SPLITS, Snapshot
from service.ports import SnapshotStore
from service.usecases.verify_snapshot import FORGOTTEN, Verified, verify_snapshot

_SIGNS = {"added": "+", "withdrawn": "-", "changed": "~", "relabelled": "="}


@datasets.command("verify")
def verify_datasets(
    snapshot_ids: Annotated[list[str] | None, typer.Argument(help="Ids or the beginnings of them.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every snapshot there is.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Put back what can be built again.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check every file's hash, and every line against the text that the database has for it."""
    if bool(snapshot_ids) == every:
        raise ConfigurationError("nothing says which snapshots", remedy="Give ids, or --all.")
    deps = deps_now()
    ids = [found.snapshot_id for found in deps.snapshots.recent(None, None)] if every else snapshot_ids or []
    whole, told = True, []
    for snapshot_id in ids:
        verified = verify_snapshot(snapshot_id, deps.archive, repair=repair)
        whole = whole and verified.is_whole
        told.append(_facts(verified))
        if not as_json:
            for line in _told(verified):
                typer.echo(line)
    if as_json:
        print_json(told)
    raise typer.Exit(0 if whole else 1)


@datasets.command("diff")
def diff_datasets(
    before: SnapshotId,
    after: SnapshotId,
    *,
    limit: Annotated[int, typer.Option(min=0, help="So many examples are named; all are counted.")] = 20,
    text: Annotated[bool, typer.Option("--text", help="Show the last answers of those that are named.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what was added, withdrawn, changed and relabelled, with the labels, and what shaped the two differently."""
    store = deps_now().snapshots
    one, other = store.get(before), store.get(after)
    counts: Counter[tuple[str, str]] = Counter()
    named: list[Difference] = []
    for found in differences(store.lines(one.snapshot_id), store.lines(other.snapshot_id)):
        counts[found.line.split, found.kind] += 1
        if len(named) < limit:
            named.append(found)
    contents = _contents(named, store) if text else {}
    if as_json:
        print_json(_difference_facts(one, other, counts, named, contents))
        return
    for line in (*_summary(one, other, counts), *_named(named, contents)):
        typer.echo(visible(line))
    if (more := counts.total() - len(named)) > 0:
        typer.echo(f"... and {more} more: --limit {counts.total()}")


def _facts(verified: Verified) -> dict[str, Any]:
    return {
        "snapshot_id": verified.snapshot.snapshot_id,
        "pipeline": verified.snapshot.pipeline,
        "whole": verified.is_whole,
        "files": [asdict(file) for file in verified.files],
        "lines": verified.lines,
        "gaps": [{"split": s, "reason": reason, "lines": n} for (s, reason), n in sorted(verified.gaps.items())],
        "not_taken_out": dict(verified.not_taken_out),
        "first_gaps": [asdict(gap) for gap in verified.first_gaps],
    }


def _told(verified: Verified) -> Iterator[str]:
    lines = "no line" if verified.lines is None else f"{how_many(verified.lines, 'line')} built again and"
    compared = f"{lines} compared"
    outcome = "whole" if verified.is_whole else "NOT WHOLE"
    yield f"{verified.snapshot.snapshot_id[:16]}  {verified.snapshot.pipeline}  {compared}: {outcome}"
    for file in verified.files:
        if file.was:
            yield f"    {file.name} was {file.was}: {_OUTCOMES[file.state]}"
    if verified.lines is None and verified.files[0].state == "lost":
        whole = ", ".join(file.name for file in verified.files[1:] if not file.was) or "none"
        yield "    the examples or the configuration have changed since, so freezing them again gives another snapshot;"
        yield f"    without the manifest nobody can say which label is behind which line. Files that are whole: {whole}"
    for (split, reason), number in sorted(verified.gaps.items()):
        is_meant = reason == FORGOTTEN
        what = "forgotten" if is_meant else f"cannot be built again: {reason}"
        yield f"    {how_many(number, 'line')} of {split} {what}"
    for split, number in verified.not_taken_out.items():
        yield f"    {number} of them are still in {split}: run tuneloop forget for these rows again"
    for gap in verified.first_gaps:
        yield f"        {gap.example_id} version {gap.version}, label {gap.label_id or '-'}: {gap.reason}"


_OUTCOMES = {
    "rebuilt": "built again and put back",
    "rebuildable": "can be built again with --repair",
    "erased": "not built again, because texts in it were forgotten",
    "lost": "lost, and cannot be built again",
}


def _contents(named: Sequence[Difference], store: SnapshotStore) -> dict[tuple[str, int], Content]:
    lines = [line for found in named for line in (found.before, found.after) if line]
    return store.contents([(line.example_id, line.version) for line in lines])


def _difference_facts(
    one: Snapshot,
    other: Snapshot,
    counts: Counter[tuple[str, str]],
    named: Sequence[Difference],
    contents: dict[tuple[str, int], Content],
) -> dict[str, Any]:
    def side(line: Line | None) -> dict[str, Any] | None:
        if line is None:
            return None
        said = contents.get((line.example_id, line.version))
        answer = {"answer": said[-1].content} if said else {}
        return {"version": line.version, "label_id": line.label_id, **answer}

    return {
        "before": one.snapshot_id,
        "after": other.snapshot_id,
        "counts": {split: {kind: counts[split, kind] for kind in KINDS} for split in SPLITS},
        "configuration": {key: list(pair) for key, pair in shaped_differently(one.head, other.head).items()},
        "examples": [
            {
                "kind": found.kind,
                "split": found.line.split,
                "example_id": found.line.example_id,
                "before": side(found.before),
                "after": side(found.after),
            }
            for found in named
        ],
    }


def _summary(one: Snapshot, other: Snapshot, counts: Counter[tuple[str, str]]) -> Iterator[str]:
    for sign, snapshot in (("-", one), ("+", other)):
        yield f"{sign} {snapshot.snapshot_id[:16]}  {snapshot.created_at:%Y-%m-%d %H:%M:%S}  {snapshot.pipeline}"
    for split in SPLITS:
        yield f"  {split:<12}" + ", ".join(f"{counts[split, kind]} {kind}" for kind in KINDS)
    for key, (was, now) in shaped_differently(one.head, other.head).items():
        yield f"  {key}: {json.dumps(was, ensure_ascii=False)} -> {json.dumps(now, ensure_ascii=False)}"


def _named(named: Sequence[Difference], contents: dict[tuple[str, int], Content]) -> Iterator[str]:
    for found in named:
        sides = [line for line in (found.before, found.after) if line]
        labels = " -> ".join(f"version {line.version} of label {line.label_id or '-'}" for line in sides)
        yield f"{_SIGNS[found.kind]} {found.line.split} {found.line.example_id}: {labels}"
        for line in sides:
            if said := contents.get((line.example_id, line.version)):
                yield f"    {'-' if line is found.before else '+'} {json.dumps(said[-1].content, ensure_ascii=False)}"
