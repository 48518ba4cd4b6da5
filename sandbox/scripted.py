"""A project made by a script, and people who know what to answer there."""

from collections.abc import Mapping

from sandbox.core import Sandbox
from sandbox.dialogues import dialogue
from sandbox.given import Given
from sandbox.ids import seeded
from sandbox.imports import add_slots, put_row, stored
from sandbox.people import Care, KnownLabels, Writer
from sandbox.plain_writer import PlainWriter
from sandbox.records import DataRow, Json
from sandbox.scripts.script import Item, Script

_WAVE_ROWS = 200


class Scripted:
    """A project of any kind.

    Args:
        sandbox: Where it is made.
        script: What is asked, about what, and what people answer.
        rows: How many rows it begins with; more follow when the queue runs dry.
        in_files: Whether texts lie in files behind signed addresses.
    """

    def __init__(self, sandbox: Sandbox, script: Script, *, rows: int, in_files: bool = False) -> None:
        self._sandbox = sandbox
        self._script = script
        self._in_files = in_files
        self._labels: dict[str, Mapping[Care, Given]] = {}
        self._count = 0
        organization = sandbox.organization
        at = sandbox.now()
        self._dataset_id = organization.create_dataset(script.title, description="", at=at).id
        self.project = organization.create_project(
            script.title, description="", media_type=script.kind.media_type, at=at, kind=script.kind
        )
        self.project.ontology = organization.create_ontology(
            script.title, script.ontology, media_type=script.kind.media_type, at=at
        )
        for field in script.metadata:
            organization.metadata.put(field)
        self._add(rows)

    def writer(self) -> Writer:
        """Give somebody who knows these rows' answers."""
        return KnownLabels(self._labels.get, otherwise=PlainWriter())

    def more_rows(self, project_id: str) -> None:
        """Send another wave of rows to the project, if it is this one."""
        if project_id == self.project.id:
            self._add(_WAVE_ROWS)

    def _add(self, rows: int) -> None:
        numbers = range(self._count, self._count + rows)
        self._count += rows
        seed, script = self._sandbox.seed, self._script
        items = [script.write(dialogue(seed, n), seeded(script.name, seed, n)) for n in numbers]
        with self._sandbox.lock:
            made = self._slots(script.slot, rows) if script.slot else self._uploads(numbers, items)
            for data_row, item in zip(made, items, strict=True):
                self._labels[data_row.global_key or ""] = item.labels

    def _slots(self, document: Json, rows: int) -> list[DataRow]:
        sandbox = self._sandbox
        return add_slots(
            sandbox.organization, self.project, self._dataset_id, document=document, count=rows, at=sandbox.now()
        )

    def _uploads(self, numbers: range, items: list[Item]) -> list[DataRow]:
        organization, at = self._sandbox.organization, self._sandbox.now()
        made = [self._upload(number, item) for number, item in zip(numbers, items, strict=True)]
        batch = organization.create_batch(self.project, f"wave of {len(made)}", at, self._script.consensus)
        self.project.add(batch, made, priority=5, at=at)
        return made

    def _upload(self, number: int, item: Item) -> DataRow:
        organization = self._sandbox.organization
        key = f"{self._script.name}-{number:05}"
        shown: Json = {"row_data": item.shown}
        if self._in_files and isinstance(item.shown, str):
            shown = stored(organization, f"{key}.txt", item.shown.encode())
        payload = {"dataset_id": self._dataset_id, "global_key": key, "metadata_fields": self._fields(item), **shown}
        return put_row(organization, {"type": "AUTO"}, payload, self._sandbox.now())

    def _fields(self, item: Item) -> list[Json]:
        known = {schema.name: schema for schema in self._sandbox.organization.metadata.all()}
        fields: list[Json] = []
        for name, value in item.metadata.items():
            options = {option.name: option.id for option in known[name].options}
            # The SDK writes an option in the place of the field, with nothing for its value.
            fields.append({"schemaId": options.get(value, known[name].id), "value": {} if options else value})
        return fields
