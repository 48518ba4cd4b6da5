"""The label source through the unmodified SDK: exports as Labelbox gives them on good days and on bad ones."""

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
from google.api_core.exceptions import RetryError
from labelbox.schema.export_filters import ProjectExportFilters
from labelbox.schema.export_params import ProjectExportParams
from labelbox.schema.export_task import ExportTask
from lbox import exceptions as sdk

from sandbox.chunks import Chunks
from sandbox.faults import Faults
from sandbox.imports import add_texts
from sandbox.operations import Operation
from sandbox.server import RunningSandbox, serve_in_thread
from service.adapters.labelbox_errors import translated, words_of
from service.adapters.labelbox_source import (
    EXPORT_PARAMS,
    ExportFilters,
    ExportParams,
    LabelboxSource,
    filters_of,
)
from service.adapters.labelbox_stream import LEFT_BEHIND_S, own_folder, remove_copies
from service.cli.valkey import free_port
from service.domain.errors import ExportFailed, ExportLost, LabelsLimited, LabelsRefused, LabelsUnreachable, RowsRefused
from service.domain.exports import Request
from service.ports import LabelTask

QUESTIONS = {"classifications": [{"type": "text", "name": "summary", "instructions": "Summary:"}]}
ROWS = 5


@pytest.fixture(scope="module")
def server() -> Iterator[RunningSandbox]:
    with serve_in_thread() as running:
        yield running


@pytest.fixture
def sandbox(server: RunningSandbox) -> RunningSandbox:
    server.core.clear()
    server.core.faults = Faults()
    return server


@pytest.fixture
def project(sandbox: RunningSandbox) -> str:
    """Five rows, each labelled with an answer that needs UTF-8."""
    core, at = sandbox.core, sandbox.core.now()
    project = core.organization.create_project("p", description="", media_type="TEXT", at=at)
    project.ontology = core.organization.create_ontology("o", QUESTIONS, media_type="TEXT", at=at)
    dataset = core.organization.create_dataset("d", description="", at=at)
    rows = add_texts(core.organization, dataset.id, [(f"key-{n}", f"tëxt {n}") for n in range(ROWS)], at)
    project.add(core.organization.create_batch(project, "first", at), rows, priority=5, at=at)
    for row in rows:
        core.perform(Operation("submit", project.id, row.id, answers={"summary": "✓ \u2028 größer 🙂"}))
    return project.id


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exports"


@pytest.fixture
def source(sandbox: RunningSandbox, folder: Path) -> Iterator[LabelboxSource]:
    made = LabelboxSource(api_key="any", endpoint=sandbox.url, folder=folder)
    yield made
    made._client.connection.close()  # noqa: SLF001 - an open socket would be a warning, and so an error


def row_ids(sandbox: RunningSandbox) -> list[str]:
    return list(sandbox.core.organization.by_global_key.values())


def finished(source: LabelboxSource, task: LabelTask) -> str:
    for _ in range(200):
        if task.is_complete:
            return task.task_id
        time.sleep(0.01)
        task = source.look(task.task_id)
    raise AssertionError("the export does not end")


def export(source: LabelboxSource, project: str, request: Request = Request()) -> list[Any]:  # noqa: B008 - frozen
    return list(source.read(finished(source, source.start_export(project, request))))


def shown(rows: Sequence[Any]) -> list[str]:
    return [row["data_row"]["id"] for row in rows]


# Good days.


def test_a_project_its_rows_or_those_since_then_are_read(
    source: LabelboxSource, sandbox: RunningSandbox, project: str
) -> None:
    ids = row_ids(sandbox)
    assert shown(export(source, project)) == ids
    assert shown(export(source, project, Request(data_row_ids=(ids[3], "nobody", ids[1])))) == [ids[3], ids[1]]
    hour = timedelta(hours=1)
    assert shown(export(source, project, Request(since=sandbox.core.now() - hour))) == ids
    assert export(source, project, Request(since=sandbox.core.now() + hour)) == []
    (row, *_) = export(source, project)
    labels = row["projects"][project]["labels"]
    assert labels[0]["annotations"]["classifications"][0]["text_answer"]["content"] == "✓ \u2028 größer 🙂"
    assert {"label_details", "performance_details"} <= labels[0].keys()
    assert row["projects"][project]["project_details"]["workflow_status"] == "IN_REVIEW"


def test_an_export_that_takes_a_while_is_looked_at_until_it_is_complete_by_anybody(
    source: LabelboxSource, sandbox: RunningSandbox, project: str, folder: Path
) -> None:
    sandbox.core.faults = Faults(export_polls=3)
    task = source.start_export(project, Request())
    assert not task.is_complete
    heir = LabelboxSource(api_key="any", endpoint=sandbox.url, folder=folder)
    with closing(heir._client.connection):  # noqa: SLF001 - see above
        assert [heir.look(task.task_id).is_complete for _ in range(3)] == [False, False, True]
        assert len(list(heir.read(task.task_id))) == ROWS


def test_moments_are_asked_for_in_utc_whatever_zone_they_are_in() -> None:
    moment = datetime(2026, 11, 2, 14, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=5)))
    assert filters_of(Request(since=moment)) == {"last_activity_at": ["2026-11-02T09:00:00+0000", None]}
    assert filters_of(Request(since=moment.astimezone(UTC))) == filters_of(Request(since=moment))


def test_nothing_is_asked_for_under_a_name_that_the_sdk_would_ignore() -> None:
    assert set(ExportParams.__annotations__) <= set(ProjectExportParams.__annotations__)
    assert set(ExportFilters.__annotations__) <= set(ProjectExportFilters.__annotations__)
    assert set(EXPORT_PARAMS) == set(ExportParams.__annotations__)
    assert filters_of(Request()) == {}


# Bad days.


def test_a_task_that_failed_is_asked_for_again(source: LabelboxSource, sandbox: RunningSandbox, project: str) -> None:
    sandbox.core.faults = Faults(failed_exports=1)
    with pytest.raises(ExportFailed, match="is FAILED"):
        source.start_export(project, Request())
    assert len(export(source, project)) == ROWS


def test_a_task_that_labelbox_does_not_know_is_lost_and_its_project_is_not(
    source: LabelboxSource, project: str
) -> None:
    with pytest.raises(ExportLost):
        source.look("nobody")
    with pytest.raises(LabelsRefused):
        source.start_export("no project", Request())
    assert project


@pytest.mark.parametrize(
    ("request_for", "code", "kind"),
    [
        (Request(data_row_ids=("row-1",)), "GRAPHQL_VALIDATION_FAILED", RowsRefused),
        (Request(data_row_ids=("row-1",)), "RESOURCE_CONFLICT", RowsRefused),
        (Request(), "GRAPHQL_VALIDATION_FAILED", LabelsRefused),
        (Request(data_row_ids=("row-1",)), "AUTHORIZATION_ERROR", LabelsRefused),
    ],
)
def test_rows_that_are_refused_are_told_from_a_project_that_is(
    source: LabelboxSource, project: str, request_for: Request, code: str, kind: type[Exception]
) -> None:
    execute = source._client.execute  # noqa: SLF001 - the sandbox refuses no rows

    def refusing(query: str, *rest: object, **options: object) -> object:
        if "exportDataRowsInProject" not in query:
            return execute(query, *rest, **options)
        errors = {"RESOURCE_CONFLICT": sdk.ResourceConflict, "AUTHORIZATION_ERROR": sdk.AuthorizationError}
        raise errors.get(code, sdk.InvalidQueryError)("no")

    source._client.execute = refusing  # noqa: SLF001 - as above
    with pytest.raises(LabelsRefused) as raised:
        source.start_export(project, request_for)
    assert type(raised.value) is kind


def test_a_limited_account_is_told_from_everything_else(
    source: LabelboxSource, sandbox: RunningSandbox, project: str
) -> None:
    task_id = finished(source, source.start_export(project, Request()))
    for act in (
        lambda: source.start_export(project, Request()),
        lambda: source.look(task_id),
        lambda: list(source.read(task_id)),
        lambda: source.normalized_ontology(project),
    ):
        sandbox.core.faults = Faults(limited_requests=1)
        with pytest.raises(LabelsLimited):
            act()


def test_nobody_listening_is_unreachable(folder: Path) -> None:
    nowhere = LabelboxSource(api_key="any", endpoint=f"http://127.0.0.1:{free_port()}/graphql", folder=folder)
    with closing(nowhere._client.connection), pytest.raises(LabelsUnreachable):  # noqa: SLF001 - see above
        nowhere.normalized_ontology("p")


def replaced(
    source: LabelboxSource, sandbox: RunningSandbox, project: str, change: Callable[[list[bytes]], list[bytes]]
) -> str:
    """Have an export's file hold other lines than it should."""
    task_id = finished(source, source.start_export(project, Request()))
    task = sandbox.core.tasks.get(task_id)
    assert task.result is not None
    task.result = Chunks(change(task.result._file.splitlines()))  # noqa: SLF001 - the sandbox is kind otherwise
    return task_id


def test_lines_that_are_no_json_objects_are_told_and_the_others_are_read(
    source: LabelboxSource, sandbox: RunningSandbox, project: str
) -> None:
    bad = [b'{"half": ', b"[1, 2]", b"", b"null", b"[" * 100_000]
    task_id = replaced(source, sandbox, project, lambda lines: [*lines[:2], *bad, *lines[2:]])
    rows = list(source.read(task_id))
    assert shown([row for row in rows if row is not None]) == row_ids(sandbox)
    # An empty line holds no row.
    assert rows.count(None) == len(bad) - 1


def test_a_chunk_shorter_than_announced_fails_the_export_and_leaves_no_file(
    source: LabelboxSource, sandbox: RunningSandbox, project: str, folder: Path
) -> None:
    task_id = finished(source, source.start_export(project, Request()))
    result = sandbox.core.tasks.get(task_id).result
    assert result is not None
    result.read = lambda chunk, offset: b"x" * (chunk.end - offset)  # type: ignore[method-assign]
    before = set(Path(tempfile.gettempdir()).glob("tmp*"))
    with pytest.raises(ExportFailed, match="AssertionError"):
        list(source.read(task_id))
    assert list(folder.iterdir()) == []
    assert {path for path in Path(tempfile.gettempdir()).glob("tmp*") if path.is_file()} <= before


def test_an_export_without_a_result_is_empty(source: LabelboxSource, sandbox: RunningSandbox, project: str) -> None:
    task_id = finished(source, source.start_export(project, Request()))
    sandbox.core.tasks.get(task_id).result = None
    assert list(source.read(task_id)) == []


def test_nothing_is_left_of_a_file_that_was_read_or_given_up(
    source: LabelboxSource, project: str, folder: Path
) -> None:
    assert len(export(source, project)) == ROWS
    rows = source.read(finished(source, source.start_export(project, Request())))
    next(rows)
    assert len(list(folder.rglob("tmp*"))) == 1
    rows.close()  # type: ignore[attr-defined]  # it is a generator
    assert list(folder.iterdir()) == []


def test_what_a_killed_process_left_is_removed_and_what_others_read_is_not(folder: Path) -> None:
    for name, age_s in (("export-old", LEFT_BEHIND_S + 60), ("export-now", 60)):
        (folder / name).mkdir(parents=True)
        (folder / name / "tmp").write_text("label text")
        os.utime(folder / name, (time.time() - age_s,) * 2)
    with own_folder(folder) as mine:
        assert {path.name for path in folder.iterdir()} == {"export-now", mine.name}
    assert [path.name for path in folder.iterdir()] == ["export-now"]


def test_copies_that_mention_a_row_are_removed_and_no_others(folder: Path) -> None:
    assert remove_copies(folder, ["row-1"]) == 0
    for name, content in (("export-a", "row-1 said"), ("export-b", "row-2 said"), ("export-c", "")):
        (folder / name).mkdir(parents=True)
        (folder / name / "tmp").write_text(content)
    assert remove_copies(folder, ["row-1", "row-3"]) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["export-b", "export-c"]


def test_an_export_whose_copy_is_removed_while_it_is_read_is_asked_for_again(
    source: LabelboxSource, project: str, folder: Path
) -> None:
    rows = source.read(finished(source, source.start_export(project, Request())))
    first = next(rows)
    assert first is not None
    assert remove_copies(folder, [first["data_row"]["id"]]) == 1
    with pytest.raises(ExportFailed) as raised:
        list(rows)
    assert raised.value.retryable
    assert len(export(source, project)) == ROWS


def test_where_files_are_not_written_in_utf8_nothing_is_read() -> None:
    program = "from service.adapters.labelbox_stream import require_utf8; require_utf8()"
    environment = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    environment.pop("PYTHONUTF8", None)
    refused, fine = (
        subprocess.run(
            [sys.executable, "-X", f"utf8={mode}", "-c", program], env=environment, capture_output=True, check=False
        )
        for mode in (0, 1)
    )
    assert b"ConfigurationError" in refused.stderr
    assert (fine.returncode, fine.stderr) == (0, b"")


# What the SDK lets out.


def http_error(status: int) -> requests.HTTPError:
    answer = requests.Response()
    answer.status_code = status
    return requests.HTTPError(f"{status} for url: https://files.example/x?Signature=secret", response=answer)


ERRORS: list[tuple[Exception, type[Exception], type[Exception]]] = [
    (sdk.ApiLimitError("You have exceeded"), LabelsLimited, LabelsLimited),
    (sdk.LabelboxError("429 Too Many Requests"), LabelsLimited, LabelsLimited),
    (http_error(429), LabelsLimited, LabelsLimited),
    (http_error(403), LabelsUnreachable, ExportFailed),
    (RetryError("two minutes", cause=sdk.InternalServerError("500")), LabelsUnreachable, ExportFailed),
    (sdk.TimeoutError("60 s"), LabelsUnreachable, ExportFailed),
    (sdk.NetworkError(ConnectionError("reset")), LabelsUnreachable, ExportFailed),
    (requests.ConnectionError("reset"), LabelsUnreachable, ExportFailed),
    (requests.Timeout("30 s"), LabelsUnreachable, ExportFailed),
    (AssertionError("expected 10 bytes, got 9 bytes"), LabelsUnreachable, ExportFailed),
    (ExportTask.ExportTaskException("Task is not ready yet"), LabelsUnreachable, ExportFailed),
    (ValueError("does not have a metadata file"), LabelsUnreachable, ExportFailed),
    (TypeError("'NoneType' object is not subscriptable"), LabelsUnreachable, ExportFailed),
    (KeyError("exportDataRowsInProject"), LabelsUnreachable, ExportFailed),
    (OSError(28, "No space left on device"), LabelsUnreachable, ExportFailed),
    (sdk.LabelboxError("Failed to parse response as JSON: <html>a text</html>"), LabelsUnreachable, ExportFailed),
    (sdk.LabelboxError("a server error with status 500"), LabelsUnreachable, ExportFailed),
    (sdk.LabelboxError("401 Unauthorized"), LabelsRefused, LabelsRefused),
    (sdk.LabelboxError("403 Forbidden", "no access"), LabelsRefused, LabelsRefused),
    (sdk.AuthenticationError("Invalid API key"), LabelsRefused, LabelsRefused),
    (sdk.AuthorizationError("not yours"), LabelsRefused, LabelsRefused),
    (sdk.ResourceNotFoundError(message="no project"), LabelsRefused, LabelsRefused),
    (sdk.InvalidQueryError("no such field"), LabelsRefused, LabelsRefused),
    (sdk.MalformedQueryException("custom editors"), LabelsRefused, LabelsRefused),
    (sdk.OperationNotAllowedException("too old"), LabelsRefused, LabelsRefused),
]


@pytest.mark.parametrize(("error", "asking", "reading"), ERRORS, ids=[type(found[0]).__name__ for found in ERRORS])
def test_every_error_of_the_sdk_has_its_outcome(
    error: Exception, asking: type[Exception], reading: type[Exception]
) -> None:
    for expected, while_reading in ((asking, False), (reading, True)):
        with pytest.raises(expected) as raised, translated(reading=while_reading):
            raise error
        assert type(raised.value) is expected
        assert not re.search("secret|a text", str(raised.value))


def test_an_error_without_a_message_can_be_told_too() -> None:
    assert words_of(sdk.LabelboxError(None, "cause")) == "LabelboxError: no message"


def test_a_fault_of_ours_keeps_its_name() -> None:
    with pytest.raises(ZeroDivisionError), translated(reading=True):
        raise ZeroDivisionError


class Html(BaseHTTPRequestHandler):
    """A proxy that answers with pages of its own."""

    status: ClassVar[int] = 200

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        page = b"<html>maintenance</html>"
        self.send_response(type(self).status)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("status", [200, 404, 429])
def test_a_page_instead_of_an_answer_is_no_refusal(folder: Path, status: int) -> None:
    handler = type("Page", (Html,), {"status": status})
    with HTTPServer(("127.0.0.1", 0), handler) as proxy:
        threading.Thread(target=proxy.serve_forever).start()
        lost = LabelboxSource(api_key="any", endpoint=f"http://127.0.0.1:{proxy.server_port}/graphql", folder=folder)
        with closing(lost._client.connection), pytest.raises(LabelsUnreachable):  # noqa: SLF001 - see above
            lost.normalized_ontology("p")
        proxy.shutdown()
