"""What the unmodified SDK makes of a Labelbox that has a bad day."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import labelbox
import pytest
import requests
from labelbox import ExportTask
from lbox.exceptions import ApiLimitError, LabelboxError, NetworkError

from sandbox.faults import Faults
from sandbox.imports import add_texts
from sandbox.project import Project
from sandbox.records import Json
from sandbox.server import RunningSandbox, serve_in_thread
from sandbox.settings import read_arguments

START = datetime(2026, 11, 20, 10, tzinfo=UTC)
ROWS = 6


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def server(clock: Clock) -> Iterator[RunningSandbox]:
    with serve_in_thread(clock=clock) as running:
        yield running


@pytest.fixture
def sandbox(server: RunningSandbox, clock: Clock) -> RunningSandbox:
    clock.at = START
    server.core.clear()
    server.core.faults = Faults()
    return server


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[labelbox.Client]:
    client = labelbox.Client(api_key="any", endpoint=sandbox.url)
    yield client
    client.connection.close()


def make_project(sandbox: RunningSandbox, name: str) -> Project:
    organization = sandbox.core.organization
    project = organization.create_project(name, description="", media_type="TEXT", at=START)
    dataset = organization.create_dataset(name, description="", at=START)
    rows = add_texts(organization, dataset.id, [(f"{name}-{n}", f"text {n}") for n in range(ROWS)], START)
    project.add(organization.create_batch(project, "first", START), rows, priority=5, at=START)
    return project


@pytest.fixture
def exported(sandbox: RunningSandbox, client: labelbox.Client) -> labelbox.Project:
    return client.get_project(make_project(sandbox, "p").id)


def fault(sandbox: RunningSandbox, **faults: float) -> None:
    answer = httpx2.post(f"{sandbox.base_url}/sandbox/faults", json=faults, trust_env=False)
    assert answer.status_code == 200, answer.text


def state(sandbox: RunningSandbox) -> Json:
    found: Json = httpx2.get(f"{sandbox.base_url}/sandbox/state", trust_env=False).json()
    return found


def read(task: ExportTask) -> list[Any]:
    task.wait_till_done()
    return list(task.get_buffered_stream()) if task.has_result() else []


def test_a_429_that_the_sdk_knows_is_an_api_limit_error(sandbox: RunningSandbox, client: labelbox.Client) -> None:
    fault(sandbox, limited_requests=1)
    with pytest.raises(ApiLimitError, match="You have exceeded"):
        client.get_organization()
    assert client.get_organization().name == "Sandbox"


def test_a_bare_429_is_a_labelbox_error_with_the_status_in_words(
    sandbox: RunningSandbox, client: labelbox.Client
) -> None:
    fault(sandbox, bare_limited_requests=1)
    with pytest.raises(LabelboxError, match="429 Too Many Requests") as raised:
        client.get_organization()
    assert type(raised.value) is LabelboxError
    assert client.get_organization().name == "Sandbox"


def test_the_sdk_tries_a_broken_request_again(sandbox: RunningSandbox, client: labelbox.Client) -> None:
    fault(sandbox, broken_requests=1)
    assert client.get_organization().name == "Sandbox"
    assert sandbox.core.faults.broken_requests == 0


def test_an_answer_that_is_cut_off_is_a_network_error(sandbox: RunningSandbox, client: labelbox.Client) -> None:
    fault(sandbox, dropped_requests=1)
    with pytest.raises(NetworkError):
        client.get_organization()
    assert client.get_organization().name == "Sandbox"


def test_a_canceled_export_is_not_ready_for_ever(sandbox: RunningSandbox, exported: labelbox.Project) -> None:
    fault(sandbox, canceled_exports=1)
    task = exported.export()
    assert task.status == "CANCELED"
    with pytest.raises(ExportTask.ExportTaskException, match="not ready"):
        task.get_buffered_stream()
    assert len(read(exported.export())) == ROWS


def test_a_truncated_file_fails_the_sdks_own_check(sandbox: RunningSandbox, exported: labelbox.Project) -> None:
    fault(sandbox, truncated_chunks=1)
    task = exported.export()
    with pytest.raises(AssertionError, match=r"expected \d+ bytes"):
        read(task)
    assert len(read(task)) == ROWS


@pytest.mark.parametrize(("faults", "error"), [
    ({"broken_downloads": 1}, requests.HTTPError),
    ({"dropped_downloads": 1}, requests.exceptions.ChunkedEncodingError),
])  # fmt: skip
def test_a_download_that_fails_is_not_tried_again_but_may_be(
    sandbox: RunningSandbox, exported: labelbox.Project, faults: dict[str, float], error: type[Exception]
) -> None:
    fault(sandbox, **faults)
    task = exported.export()
    with pytest.raises(error):
        read(task)
    assert len(read(task)) == ROWS


def test_a_short_export_is_complete_but_lacks_rows(sandbox: RunningSandbox, exported: labelbox.Project) -> None:
    fault(sandbox, short_exports=2)
    task = exported.export()
    assert (task.status, len(read(task))) == ("COMPLETE", 4)
    alone = exported.export(filters={"global_keys": ["p-0"]})
    assert (alone.status, read(alone)) == ("COMPLETE", [])
    assert len(read(exported.export())) == ROWS


def test_no_more_exports_run_at_once_than_labelbox_allows(
    sandbox: RunningSandbox, client: labelbox.Client, clock: Clock
) -> None:
    fault(sandbox, export_delay_s=5)
    projects = [client.get_project(make_project(sandbox, name).id) for name in ("a", "b", "c")]
    for project in projects[:2]:
        for _ in range(10):
            project.export()
        with pytest.raises(ApiLimitError, match="10 exports that may run at once in one project"):
            project.export()
    with pytest.raises(ApiLimitError, match="20 exports that may run at once in one organization"):
        projects[2].export()
    found = state(sandbox)
    assert found["exports"] == {"started": 20, "running": 20, "most_running": 20, "refused": 3}
    assert [project["exports"]["most_running"] for project in found["projects"]] == [10, 10, 0]
    clock.at += timedelta(seconds=5)
    assert projects[2].export().status == "IN_PROGRESS"
    assert state(sandbox)["exports"] == {"started": 21, "running": 1, "most_running": 20, "refused": 3}


def test_exports_one_after_the_other_never_count_as_two(sandbox: RunningSandbox, exported: labelbox.Project) -> None:
    for _ in range(3):
        assert len(read(exported.export())) == ROWS
    assert state(sandbox)["projects"][0]["exports"] == {"started": 3, "running": 0, "most_running": 1, "refused": 0}


def test_an_export_that_waits_for_polls_runs_until_they_came_or_nobody_asks_any_more(
    sandbox: RunningSandbox, exported: labelbox.Project, clock: Clock
) -> None:
    fault(sandbox, export_polls=2, most_project_exports=2)
    task = exported.export()
    assert state(sandbox)["exports"]["running"] == 1
    for _ in range(2):
        ExportTask.get_task(exported.client, task.uid)
    assert state(sandbox)["exports"]["running"] == 0
    for _ in range(2):
        exported.export()
    with pytest.raises(ApiLimitError):
        exported.export()
    clock.at += timedelta(minutes=1)
    exported.export()


def test_another_process_may_take_an_export_over(sandbox: RunningSandbox, exported: labelbox.Project) -> None:
    fault(sandbox, export_polls=1)
    task_id = exported.export().uid
    other = labelbox.Client(api_key="any", endpoint=sandbox.url)
    assert len(read(ExportTask.get_task(other, task_id))) == ROWS
    other.connection.close()


def test_every_fault_is_an_option_too() -> None:
    options = "--canceled-exports 1 --short-exports 2 --most-project-exports 3 --most-exports 4 --score-delay 5"
    options += " --address-life 6 --bare-limited-requests 7 --broken-requests 8 --dropped-requests 9"
    options += " --truncated-chunks 10 --broken-downloads 11 --dropped-downloads 12"
    assert read_arguments(["--port", "0", *options.split()]).faults == Faults(
        canceled_exports=1,
        short_exports=2,
        most_project_exports=3,
        most_exports=4,
        score_delay_s=5,
        address_life_s=6,
        bare_limited_requests=7,
        broken_requests=8,
        dropped_requests=9,
        truncated_chunks=10,
        broken_downloads=11,
        dropped_downloads=12,
    )
