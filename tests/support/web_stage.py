"""A web process of a test's own: its own database and secrets, behind it the test session's Valkey."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from service.bootstrap import Deps
from service.config import OwnSecrets, Settings, TrainerSettings
from service.domain.errors import NotBegun
from service.domain.pipelines import Pipeline
from service.web.app import create_app
from tests.support.builders import LIMIT_BYTES, SECRET, make_pipeline, signed_headers
from tests.support.serving import Headers, Reply, request, serving

TOKEN = "an admin token for tests"
GATE_KEY = {"Authorization": f"Bearer {TOKEN}"}


@dataclass(frozen=True)
class Stage:
    """What a test talks to.

    Attributes:
        deps: The web process's own parts.
    """

    port: int
    deps: Deps

    def get(self, path: str, *, method: str = "GET", headers: Mapping[str, str] = GATE_KEY) -> Reply:
        return request(self.port, method, path, headers=headers.items())

    def read(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Give what the API answers, which must be an answer."""
        reply = self.get(f"/api/v1{path}")
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json"), reply
        return json.loads(reply.body)

    def deliver(self, body: bytes, *, secret: bytes = SECRET, pipeline: str = "", topic: str = "LABEL_CREATED") -> int:
        """Post a delivery as Labelbox does; give the status code."""
        address = f"/webhooks/labelbox/{pipeline}" if pipeline else "/webhooks/labelbox"
        headers: Headers = signed_headers(body, topic, secret=secret).items()
        return request(self.port, "POST", address, body, headers).status

    def stored_for(self) -> list[str]:
        """Give the pipelines of everything that was stored and not taken yet, "" for a delivery for all of them."""
        return [item.delivery.pipeline for item in self.deps.inbox.take(100)]


def make_settings(
    folder: Path,
    redis_url: str,
    *,
    pipelines: Sequence[Pipeline] = (make_pipeline(),),
    own: Mapping[str, Sequence[str]] | None = None,
    **changes: Any,  # noqa: ANN401 - the fields of Settings
) -> Settings:
    """Give settings with one pipeline, one general secret and one admin token, unless told otherwise."""
    chosen: dict[str, Any] = {
        "config_file": folder / "tuneloop.toml",
        "pipelines": {pipeline.name: pipeline for pipeline in pipelines},
        "trainers": {"box": TrainerSettings("box", "generic", "http://127.0.0.1:9/v1")},
        "redis_url": redis_url,
        "data_folder": folder,
        "webhook_secrets": (SecretStr(SECRET.decode()),),
        "own_secrets": {
            name: OwnSecrets(f"{name.upper()}_SECRET", tuple(map(SecretStr, secrets)))
            for name, secrets in (own or {}).items()
        },
        "admin_tokens": (SecretStr(TOKEN),),
        "max_body_bytes": LIMIT_BYTES,
    }
    return Settings(**(chosen | changes))


@contextmanager
def staged(settings: Settings, *, database: Path | None = None) -> Iterator[Stage]:
    """Serve these settings, with a copy of a migrated database if one is given."""
    if database is not None:
        shutil.copyfile(database, settings.data_folder / "tuneloop.db")
    deps = Deps(settings)
    with serving(create_app(deps)) as port:
        yield Stage(port, deps)
    # Where nobody made a database, there is none.
    with suppress(NotBegun):
        deps.engine.dispose()
