"""Data rows from the files that the SDK uploads."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePath

from sandbox.assets import read_asset
from sandbox.errors import MalformedRequest, SandboxError
from sandbox.organization import Organization
from sandbox.project import Project
from sandbox.records import DataRow, Json

_GLOBAL_KEY_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of an upload: rows made or changed, and refusals with the row they are about."""

    rows: tuple[DataRow, ...]
    failures: tuple[Json, ...]


def import_manifest(organization: Organization, manifest: bytes, files: dict[str, bytes], at: datetime) -> Imported:
    """Read every file that a manifest names.

    Args:
        organization: Where the rows go.
        manifest: The JSON that lists ``chunk_uris``.
        files: Uploaded files by the address that was answered for them; those read are taken out.
        at: When.

    Raises:
        MalformedRequest: The manifest names a file that was never uploaded.
    """
    rows: list[DataRow] = []
    failures: list[Json] = []
    for address in json.loads(manifest)["chunk_uris"]:
        content = files.pop(address, None)
        if content is None:
            raise MalformedRequest(f"nothing was uploaded at {address}")
        for item in json.loads(content):
            payload = _with_file(organization, item["payload"], files)
            try:
                rows.append(put_row(organization, item["id"], payload, at))
            except SandboxError as error:
                failures.append(_failure(str(error), item["payload"]))
    return Imported(tuple(rows), tuple(failures))


def put_row(organization: Organization, key: Json, payload: Json, at: datetime) -> DataRow:
    """Make or change one row.

    Args:
        organization: Where it goes.
        key: ``{"type": "AUTO" | "GKEY" | "ID", "value": ...}``, as the SDK writes it.
        payload: ``row_data``, ``global_key``, ``external_id``, ``metadata_fields``, ``dataset_id``, and the name of the
            ``file`` in the storage that ``row_data`` is the address of.
        at: When.

    Raises:
        SandboxError: The row cannot be; the rest of the upload goes on.
    """
    former = _former(organization, key)
    if former is None and key["type"] == "GKEY":
        payload = {"global_key": key["value"], **payload}
    _check(organization, payload, former)
    if former is None:
        row = _new_row(organization, payload, at)
    else:
        changed: Json = {name: payload[name] for name in ("global_key", "external_id") if name in payload}
        if "row_data" in payload:
            changed["row_data"], changed["media_attributes"] = read_asset(payload["row_data"])
            changed["file"] = payload.get("file")
        if "metadata_fields" in payload:
            changed["metadata"] = {**former.metadata, **organization.metadata.read(payload["metadata_fields"])}
        row = replace(former, updated_at=at, **changed)
    organization.put_data_row(row, at)
    return row


def _with_file(organization: Organization, payload: Json, files: dict[str, bytes]) -> Json:
    """Move what the SDK uploaded for a row into the storage, whose addresses are signed."""
    content = files.get(payload["row_data"]) if isinstance(payload.get("row_data"), str) else None
    if content is None:
        return payload
    return payload | stored(organization, PurePath(payload.get("external_id") or "row.txt").name, content)


def stored(organization: Organization, name: str, content: bytes) -> Json:
    """Keep a file and give the part of a row's payload that names it."""
    file = f"{organization.id}/{organization.ids.uuid()}-{name}"
    return {"row_data": organization.storage.put(file, content), "file": file}


def _new_row(organization: Organization, payload: Json, at: datetime) -> DataRow:
    row_data, attributes = read_asset(payload["row_data"])
    return DataRow(
        id=organization.ids.cuid(),
        dataset_id=organization.dataset(payload["dataset_id"]).id,
        row_data=row_data,
        media_attributes=attributes,
        metadata=organization.metadata.read(payload.get("metadata_fields") or ()),
        file=payload.get("file"),
        global_key=payload.get("global_key"),
        external_id=payload.get("external_id"),
        created_at=at,
        updated_at=at,
    )


def _former(organization: Organization, key: Json) -> DataRow | None:
    if key["type"] == "ID":
        return organization.data_row(key["value"])
    if key["type"] == "GKEY" and key["value"] in organization.by_global_key:
        return organization.data_row(organization.by_global_key[key["value"]])
    return None


def _check(organization: Organization, payload: Json, former: DataRow | None) -> None:
    if former is None and "row_data" not in payload:
        raise MalformedRequest("Data row not found")
    if payload.get("attachments") or payload.get("embeddings"):
        raise MalformedRequest("attachments and embeddings are not imitated")
    global_key = payload.get("global_key")
    if global_key is None:
        return
    if not 0 < len(global_key) <= _GLOBAL_KEY_CHARACTERS:
        raise MalformedRequest(f"a global key has 1 to {_GLOBAL_KEY_CHARACTERS} characters")
    holder = organization.by_global_key.get(global_key)
    if holder is not None and (former is None or holder != former.id):
        raise MalformedRequest(f"Duplicate global key: '{global_key}'")


def _failure(message: str, payload: Json) -> Json:
    spec: Json = {
        "externalId": payload.get("external_id"),
        "globalKey": payload.get("global_key"),
        "rowData": payload.get("row_data"),
        "metadata": [],
        "attachments": [],
    }
    return {"message": message, "spec": spec}


def add_slots(
    organization: Organization, project: Project, dataset_id: str, *, document: Json, count: int, at: datetime
) -> list[DataRow]:
    """Make the empty rows of a project that makes its own, each with a key of its own, and send them there."""
    payload = {"dataset_id": dataset_id, "row_data": document}
    rows = [
        put_row(organization, {"type": "AUTO"}, payload | {"global_key": organization.ids.uuid()}, at)
        for _ in range(count)
    ]
    project.add(
        organization.create_batch(project, f"{project.name} {len(project.batches) + 1}", at), rows, priority=5, at=at
    )
    return rows


def add_texts(
    organization: Organization,
    dataset_id: str,
    texts: Sequence[tuple[str, str | Json]],
    at: datetime,
    *,
    in_files: bool = False,
) -> list[DataRow]:
    """Make rows from pairs of global key and text or document, leaving out keys that exist.

    Args:
        organization: Where they go.
        dataset_id: The dataset.
        texts: What the rows show.
        at: When.
        in_files: Whether texts lie in files behind signed addresses.
    """
    rows = []
    for key, text in texts:
        if key in organization.by_global_key:
            continue
        shown: Json = {"row_data": text}
        if in_files and isinstance(text, str):
            shown = stored(organization, f"{key}.txt", text.encode())
        rows.append(put_row(organization, {"type": "AUTO"}, {"dataset_id": dataset_id, "global_key": key, **shown}, at))
    return rows
