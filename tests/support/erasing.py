"""A whole installation, from deliveries to verdicts, and a search through everything that it stores."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from redis import Redis

from service.adapters.labelbox_stream import remove_copies
from service.adapters.sql_erasure import SqlErasureStore
from service.adapters.sql_stories import SqlStoryStore
from service.adapters.sql_tables import metadata
from service.domain.splits import Split
from service.usecases.forget import Erasing, Forgotten, forget
from tests.support.builders import make_delivery, make_pipeline
from tests.support.conversion import Desk
from tests.support.fakes import ManualClock
from tests.support.workshop import Workshop

ROWS = 60


def marker_of(number: int) -> str:
    """Give a word that stands in a row's prompt and answer and nowhere else."""
    return f"marker{number:03}qx"


@dataclass
class Installation:
    """Two pipelines that read one project: the desk converts, the workshop trains.

    Attributes:
        folder: The data folder.
    """

    engine: sa.Engine
    redis: Redis
    folder: Path
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        pipelines = {name: make_pipeline(name) for name in ("summaries", "second")}
        self.desk = Desk(self.engine, self.redis, pipelines=pipelines, clock=self.clock)
        self.shop = Workshop(self.engine, self.folder / "files", pipelines=pipelines, clock=self.clock)
        self.erasures = SqlErasureStore(self.engine, self.clock)
        self.stories = SqlStoryStore(self.engine)

    @property
    def erasing(self) -> Erasing:
        return Erasing(
            archive=self.shop.archive,
            erasures=self.erasures,
            stories=self.stories,
            runs=self.shop.runs,
            accounts=self.shop.accounts,
            inbox=lambda: self.desk.inbox,
            remove_copies=partial(remove_copies, self.folder / "exports"),
            clock=self.clock,
            wait=self.clock.forward,
        )

    def label(self, number: int, *, version: str = "one") -> None:
        """Have a row labelled, and rung for with all that Labelbox tells."""
        row_id, marker = f"row-{number:03}", marker_of(number)
        if row_id not in self.desk.labelbox.rows_by_id:
            prompt = f"Chat {marker}: please write to jane{number}@example.com about the late parcel"
            noted = {"customer": f"{marker} Limited", "channel": "mail"}
            self.desk.labelbox.add(row_id, prompt, global_key=f"key-{number:03}", metadata=noted)
        self.clock.forward(1)
        self.desk.labelbox.label(row_id, f"The customer of {marker} asks, version {version}.")
        self.ring(number)

    def ring(self, number: int, *, project: str = "project-1") -> None:
        row_id, marker = f"row-{number:03}", marker_of(number)
        body: dict[str, Any] = {
            "id": f"label-{row_id}",
            "updatedAt": self.clock.now.isoformat(),
            "label": f"a summary of {marker}",
            "project": {"id": project},
            "dataRow": {"id": row_id, "rowData": f"Chat {marker}"},
        }
        self.desk.inbox.put_back(make_delivery(json.dumps(body).encode(), received_at=self.clock.now))

    def row_in(self, split: Split) -> int:
        """Give the number of a row that stands in a split, in the pipeline that trains."""
        found = self.shop.examples.existing("summaries", [f"row-{number:03}" for number in range(ROWS)])
        return next(number for number in range(ROWS) if (row := found.get(f"row-{number:03}")) and row.split == split)

    def forget(self, *numbers: int, **options: Any) -> Forgotten:  # noqa: ANN401 - the options of forget
        return forget([f"row-{number:03}" for number in numbers], self.erasing, by="jane", **options)

    def traces(self, words: Collection[str]) -> list[str]:
        """Give every place of ours where one of these words stands, in whatever case."""
        wanted = [word.lower().encode() for word in words]
        return [place for place, content in self._everything() if any(word in content.lower() for word in wanted)]

    def _everything(self) -> Iterator[tuple[str, bytes]]:
        with self.engine.connect() as connection:
            for table in metadata.sorted_tables:
                for row in connection.execute(sa.select(table)):
                    yield table.name, b" ".join(_bytes_of(value) for value in row)
        for path in self.folder.rglob("*"):
            if path.is_file():
                yield str(path.relative_to(self.folder)), path.read_bytes()
        for key in self.redis.scan_iter():
            yield f"redis {key!r}", _redis_value(self.redis, key) + (self.redis.dump(key) or b"")
        for path in Path(str(self.redis.config_get("dir")["dir"])).rglob("*"):
            if path.is_file() and path.name != "log":
                yield f"redis' {path.name}", path.read_bytes()


def _bytes_of(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, default=str, ensure_ascii=False).encode()


def _redis_value(redis: Redis, key: bytes) -> bytes:
    read = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"set": redis.smembers,
        b"stream": redis.xrange,
        b"zset": partial(redis.zrange, start=0, end=-1),
        b"list": partial(redis.lrange, start=0, end=-1),
    }[redis.type(key)]
    return repr(read(key)).encode()
