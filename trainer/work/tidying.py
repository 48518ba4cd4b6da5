"""Removing what nobody needs any more from the data folder."""

import structlog

from trainer.store.folders import Folders, remove
from trainer.work.lifecycle import Stores

logger = structlog.get_logger()


class Tidying:
    """Keeps the data folder to what the tables name."""

    def __init__(self, stores: Stores, folders: Folders) -> None:
        self._stores = stores
        self._folders = folders

    def at_start(self) -> None:
        """Remove what a killed process left half done. Only before anything else runs on the folder."""
        self._folders.empty_tmp()
        for part, known in (("files", self._stores.files.ids()), ("jobs", self._stores.jobs.ids())):
            for place in (self._folders.root / part).iterdir():
                if place.name not in known:
                    remove(place)

    def expired_files(self, now: float) -> None:
        """Remove the files whose time is over."""
        for file_id in self._stores.files.expired(now):
            self._stores.files.remove(file_id)
            remove(self._folders.file(file_id))
            logger.info("file_expired", file=file_id)

    def ended_jobs(self) -> None:
        """Keep of a succeeded job its models, of any other nothing. Only in the thread that trains."""
        for job in self._stores.jobs.untidy():
            folder = self._folders.job(job.id)
            if job.status != "succeeded":
                remove(folder)
            for place in folder.iterdir() if folder.is_dir() else ():
                if place.name != "checkpoints":
                    remove(place)
            self._stores.jobs.set_tidy(job.id)
