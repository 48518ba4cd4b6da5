"""Setting up a Labelbox account through its own SDK, with the SDK's traps closed."""

import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.adapters.labelbox_errors import translated
from service.domain.errors import LabelsRefused, LabelsUnreachable
from service.domain.setup_rows import UploadRow
from service.domain.setup_webhooks import PATH, HeldWebhook
from service.domain.setups import HeldOntology, HeldProject, Kind, Scope

# The SDK's own limits: ids of one filter, and bytes of one uploaded piece.
_MAX_IDS = 2_000
_MAX_PIECE_BYTES = 10_000_000
_MAX_WAIT_S = 7_200
_CREATE_ROWS = """
mutation UpsertDataRowsPyApi($manifestUri: String!) {
    upsertDataRows(data: { manifestUri: $manifestUri }) {
        id createdAt updatedAt name status completionPercentage result errors type metadata
    }
}
"""


class LabelboxAccountOfSdk:
    """See ``LabelboxAccount``.

    Args:
        api_key: Of a user who may make projects, ontologies and datasets.
        endpoint: The GraphQL address.
    """

    def __init__(self, *, api_key: str, endpoint: str) -> None:
        from labelbox import Client  # takes more than a second

        self._client = Client(api_key=api_key, endpoint=endpoint)
        self._hooks: dict[str, Any] = {}

    def project(self, project_id: str) -> HeldProject:
        """See ``LabelboxAccount``."""
        with translated():
            return _project(self._client.get_project(project_id))

    def projects_named(self, name: str) -> list[HeldProject]:
        """See ``LabelboxAccount``."""
        from labelbox import Project

        with translated():
            return [_project(found) for found in self._client.get_projects(where=Project.name == name)]

    def create_project(self, name: str, kind: Kind) -> HeldProject:
        """See ``LabelboxAccount``; a live chat's rows are uploaded like others, its making them is deprecated."""
        from labelbox import MediaType

        client = self._client
        with translated():
            if kind == "chat":
                return _project(client.create_model_evaluation_project(name=name))
            if kind == "offline-chat":
                return _project(client.create_offline_model_evaluation_project(name=name))
            return _project(client.create_project(name=name, media_type=MediaType.Text))

    def connected_ontology(self, project_id: str) -> HeldOntology | None:
        """See ``LabelboxAccount``."""
        with translated():
            found = self._client.get_project(project_id).ontology()
            held = None if found is None else _ontology(found)
            return None if held is None or held.is_empty else held

    def ontologies_named(self, name: str) -> list[HeldOntology]:
        """See ``LabelboxAccount``; Labelbox searches for parts of names."""
        with translated():
            return [_ontology(found) for found in self._client.get_ontologies(name) if found.name == name]

    def create_ontology(self, name: str, kind: Kind, normalized: Mapping[str, Any]) -> HeldOntology:
        """See ``LabelboxAccount``."""
        from labelbox import MediaType, OntologyKind

        is_text = kind == "text"
        with translated():
            made = self._client.create_ontology(
                name,
                dict(normalized),
                media_type=MediaType.Text if is_text else MediaType.Conversational,
                ontology_kind=None if is_text else OntologyKind.ModelEvaluation,
            )
            return _ontology(made)

    def connect_ontology(self, project_id: str, ontology_id: str) -> None:
        """See ``LabelboxAccount``."""
        with translated(), warnings.catch_warnings():
            # It warns of connecting Labelbox's standard editor to a new project, which is what is wanted.
            warnings.simplefilter("ignore")
            self._client.get_project(project_id).connect_ontology(self._client.get_ontology(ontology_id))

    def datasets_named(self, name: str) -> list[str]:
        """See ``LabelboxAccount``."""
        from labelbox import Dataset

        with translated():
            return [found.uid for found in self._client.get_datasets(where=Dataset.name == name)]

    def create_dataset(self, name: str) -> str:
        """See ``LabelboxAccount``."""
        with translated():
            # Texts are uploaded, so it needs no access to anybody's storage; without the argument the SDK gives it
            # the organisation's default one, and deletes the dataset where that fails.
            return str(self._client.create_dataset(iam_integration=None, name=name).uid)

    def contents_in_project(self, project_id: str, global_keys: Sequence[str]) -> dict[str, str]:
        """See ``LabelboxAccount``; by exports, one after the other."""
        found: dict[str, str] = {}
        with translated():
            project = self._client.get_project(project_id)
            for part in _parts(global_keys, _MAX_IDS):
                task = project.export(filters={"global_keys": list(part)}, params={})
                task.wait_till_done(timeout_seconds=_MAX_WAIT_S)
                if task.status != "COMPLETE":
                    raise LabelsUnreachable(f"export {task.uid} is {task.status}")
                # An empty export has no result to stream, and streaming it raises.
                rows = [item.json["data_row"] for item in task.get_buffered_stream()] if task.has_result() else []
                found |= {row["global_key"]: str(row["row_data"]) for row in rows}
        return found

    def known_keys(self, global_keys: Sequence[str]) -> set[str]:
        """See ``LabelboxAccount``."""
        known: set[str] = set()
        with translated():
            for part in _parts(global_keys, _MAX_IDS):
                answer = self._client.get_data_row_ids_for_global_keys(list(part), timeout_seconds=_MAX_WAIT_S)
                known |= set(part) - {failure["global_key"] for failure in answer["errors"]}
        return known

    def upload(self, dataset_id: str, rows: Sequence[UploadRow], *, exist: bool) -> dict[str, str]:
        """See ``LabelboxAccount``.

        The files are written here and not by the SDK's ``upsert_data_rows``, which uploads a **file of this machine**
        in place of every text that happens to be the path of one.
        """
        from labelbox.schema.task import DataUpsertTask

        with translated():
            items = [self._item(dataset_id, row, exist=exist) for row in rows]
            uris = [self._send(piece, "json_import.json") for piece in _pieces(items)]
            manifest = {"source": "SDK", "item_count": len(items), "chunk_uris": uris}
            address = self._send(json.dumps(manifest).encode(), "manifest.json")
            answer = self._client.execute(_CREATE_ROWS, {"manifestUri": address})
            task = DataUpsertTask(self._client, answer["upsertDataRows"])
            task._user = self._client.get_user()  # noqa: SLF001 - as the SDK does, or it cannot be waited for
            task.wait_till_done(timeout_seconds=_MAX_WAIT_S)
            if task.status != "COMPLETE":
                raise LabelsUnreachable(f"upload {task.uid} is {task.status}")
            refused = [(failure["failedDataRows"][0], failure["message"]) for failure in task.errors or ()]
            return {str(row.get("globalKey")): str(message)[:200] for row, message in refused}

    def batches(self, project_id: str) -> dict[str, int]:
        """See ``LabelboxAccount``."""
        with translated():
            return {batch.name: batch.size for batch in self._client.get_project(project_id).batches()}

    def create_batch(self, project_id: str, name: str, global_keys: Sequence[str], *, priority: int) -> int:
        """See ``LabelboxAccount``; waits until Labelbox has processed the rows."""
        with translated():
            project = self._client.get_project(project_id)
            return int(project.create_batch(name, global_keys=list(global_keys), priority=priority).size)

    def webhooks(self, project_id: str) -> list[HeldWebhook]:
        """See ``LabelboxAccount``.

        Labelbox lists the webhooks of all projects among the organisation's. Source: the SDK's own integration test of
        webhooks.
        """
        with translated():
            own = {hook.uid: hook for hook in self._client.get_project(project_id).webhooks()}
            listed = {hook.uid: hook for hook in self._client.get_organization().webhooks()}
            lists_all = bool(own.keys() & listed.keys())
            # Each is one more question, so only those are asked about that may concern us.
            foreign = {uid: hook for uid, hook in listed.items() if uid not in own and PATH in hook.url}
            everywhere = {uid: hook for uid, hook in foreign.items() if _is_of_organization(hook, lists_all=lists_all)}
        # There is no asking for one by its id.
        self._hooks = everywhere | own
        return [_webhook(hook, "project" if uid in own else "organization") for uid, hook in self._hooks.items()]

    def create_webhook(self, project_id: str | None, *, url: str, topics: Sequence[str], secret: str) -> str:
        """See ``LabelboxAccount``."""
        from labelbox import Webhook

        with translated():
            project = None if project_id is None else self._client.get_project(project_id)
            return str(Webhook.create(self._client, list(topics), url, secret, project).uid)

    def set_topics(self, webhook: HeldWebhook, topics: Sequence[str]) -> None:
        """See ``LabelboxAccount``."""
        with translated():
            self._hooks[webhook.webhook_id].update(topics=list(topics))

    def switch_off(self, webhook: HeldWebhook) -> None:
        """See ``LabelboxAccount``; what the SDK calls deleting."""
        with translated():
            self._hooks[webhook.webhook_id].delete()

    def _item(self, dataset_id: str, row: UploadRow, *, exist: bool) -> dict[str, Any]:
        payload: dict[str, Any] = {"dataset_id": dataset_id, "row_data": row.content}
        if isinstance(row.content, str):
            payload["media_type"] = "TEXT"
        if row.metadata:
            payload["metadata_fields"] = self._metadata(row.metadata)
        if exist:
            return {"id": {"type": "GKEY", "value": row.global_key}, "payload": payload}
        return {"id": {"type": "AUTO", "value": ""}, "payload": payload | {"global_key": row.global_key}}

    def _metadata(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        fields = [{"name": name, "value": value} for name, value in values.items()]
        try:
            found: list[dict[str, Any]] = self._client.get_data_row_metadata_ontology().parse_upsert_metadata(fields)
        except (KeyError, ValueError, TypeError) as error:
            remedy = "Make these metadata fields in Labelbox first, with values of that type."
            raise LabelsRefused(f"metadata {', '.join(values)}: {str(error)[:200]}", remedy=remedy) from error
        return found

    def _send(self, content: bytes, name: str) -> str:
        return str(self._client.upload_data(content, filename=name, content_type="application/json"))


def _project(found: Any) -> HeldProject:  # noqa: ANN401 - the SDK has no types
    return HeldProject(
        project_id=found.uid,
        name=found.name,
        media_type=found.media_type.value,
        # A kind that the SDK does not know is called Missing as well.
        editor_task=None if found.editor_task_type.name == "Missing" else found.editor_task_type.value,
    )


def _ontology(found: Any) -> HeldOntology:  # noqa: ANN401 - the SDK has no types
    return HeldOntology(found.uid, found.name, found.media_type.value, found.normalized or {})


def _is_of_organization(hook: Any, *, lists_all: bool) -> bool:  # noqa: ANN401 - the SDK has no types
    from lbox.exceptions import InvalidQueryError, ResourceNotFoundError

    try:
        return hook.project() is None
    except ResourceNotFoundError:
        return False  # its project was deleted
    except InvalidQueryError:
        # The server cannot say whose it is; where it lists those of projects as well, this one may be one.
        return not lists_all


def _webhook(found: Any, scope: Scope) -> HeldWebhook:  # noqa: ANN401 - the SDK has no types
    topics = tuple(found.topics or ())
    return HeldWebhook(found.uid, found.url, topics, found.status, found.created_at, scope)


def _parts(keys: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), size):
        yield keys[start : start + size]


def _pieces(items: Sequence[Mapping[str, Any]]) -> Iterator[bytes]:
    """Write JSON lists of at most the SDK's size, unless a single row is larger."""
    piece: list[str] = []
    size = 2
    for item in items:
        text = json.dumps(item)
        if piece and size + len(text) > _MAX_PIECE_BYTES:
            yield f"[{','.join(piece)}]".encode()
            piece, size = [], 2
        piece.append(text)
        size += len(text) + 1
    if piece:
        yield f"[{','.join(piece)}]".encode()
