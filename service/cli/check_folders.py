"""The part of ``tuneloop check`` about who else can read what is kept on this machine."""

from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from service.adapters.private_folders import mode_for_others
from service.bootstrap import Deps, database_url
from service.cli.check_labelbox import Checked


def check_folders(deps: Deps) -> Iterator[Checked]:
    """Warn of the data folder and the SQLite file where others can look into them; new ones are made private."""
    kept = (("data folder", deps.settings.data_folder, "700"), ("database file", _file(deps), "600"))
    for name, path, private in kept:
        if path is not None and path.exists() and (mode := mode_for_others(path)):
            text = f"others on this machine can get at {path} (mode {mode}), which holds labels: chmod {private} {path}"
            yield Checked(name, ok=True, text=text, is_note=True)


def _file(deps: Deps) -> Path | None:
    url = sa.make_url(database_url(deps.settings))
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
