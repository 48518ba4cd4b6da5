"""Labelbox through its own SDK: ontologies and exports, with the SDK's traps closed.

The SDK blocks, retries by itself for two minutes, and lets errors of four other libraries out.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from service.domain.errors import LabelsRefused, LabelsUnreachable

# Without them a row has no status, no label times and no word about skipping.
EXPORT_PARAMS = {
    "data_row_details": True,
    "metadata_fields": True,
    "attachments": False,
    "project_details": True,
    "label_details": True,
    "performance_details": True,
}
POLL_S = 10
MAX_POLLS = 180


class LabelboxSource:
    """See ``LabelSource``. One a worker job: the SDK's client must not be shared.

    Args:
        api_key: Of a user who may export the projects.
        endpoint: The GraphQL address.
    """

    def __init__(self, *, api_key: str, endpoint: str) -> None:
        from labelbox import Client  # takes more than a second

        self._client = Client(api_key=api_key, endpoint=endpoint)

    def normalized_ontology(self, project_id: str) -> Mapping[str, Any]:
        """See ``LabelSource``."""
        with translated():
            found: Mapping[str, Any] = self._client.get_project(project_id).ontology().normalized
            return found

    def rows(
        self, project_id: str, data_row_ids: Sequence[str], *, on_wait: Callable[[], None]
    ) -> Iterator[Mapping[str, Any]]:
        """See ``LabelSource``."""
        if data_row_ids:
            yield from self._export(project_id, {"data_row_ids": list(data_row_ids)}, on_wait)

    def rows_since(self, project_id: str, since: datetime | None) -> Iterator[Mapping[str, Any]]:
        """See ``LabelSource``."""
        filters = {} if since is None else {"last_activity_at": [_stamp(since), None]}
        yield from self._export(project_id, filters, lambda: None)

    def _export(
        self, project_id: str, filters: Mapping[str, Any], on_wait: Callable[[], None]
    ) -> Iterator[Mapping[str, Any]]:
        with translated():
            task = self._client.get_project(project_id).export(filters=dict(filters), params=EXPORT_PARAMS)
            for _ in range(MAX_POLLS):
                # Returns silently when the time is up.
                task.wait_till_done(timeout_seconds=POLL_S)
                if task.status != "IN_PROGRESS":
                    break
                on_wait()
            if task.status != "COMPLETE":
                raise LabelsUnreachable(f"export {task.uid} is {task.status}")
            # An empty export has no result to stream, and streaming it raises.
            if task.has_result():
                for item in task.get_buffered_stream():
                    yield item.json


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the SDK lets out into the domain's words.

    Source: the SDK's own exceptions, and those of requests, google-api-core and Python that it does not catch.
    """
    from google.api_core.exceptions import RetryError
    from labelbox.schema.export_task import ExportTask
    from lbox import exceptions as sdk
    from requests import RequestException

    unreachable = (
        RetryError,
        RequestException,
        ExportTask.ExportTaskException,
        sdk.NetworkError,
        sdk.TimeoutError,
        sdk.InternalServerError,
        sdk.ApiLimitError,
        # An export file shorter than announced.
        AssertionError,
    )
    refused = (sdk.LabelboxError, sdk.MalformedQueryException, sdk.OperationNotAllowedException, KeyError, ValueError)
    try:
        yield
    except (LabelsUnreachable, LabelsRefused):
        raise
    except unreachable as error:
        raise LabelsUnreachable(_words(error)) from error
    except refused as error:
        # A bare 429 has no class of its own.
        kind = LabelsUnreachable if "429" in str(error) else LabelsRefused
        raise kind(_words(error)) from error


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error)[:300]}"


def _stamp(moment: datetime) -> str:
    # The one form whose offset the SDK does not throw away; fractions of seconds are refused.
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
