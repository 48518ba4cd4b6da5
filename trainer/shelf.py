"""The models in memory: each loaded once, the least recently used put back when there are too many."""

import threading
from collections import OrderedDict

from trainer.engine import Engine, Model
from trainer.store.folders import Folders
from trainer.store.models import ModelRecord, ModelStore

LOADED_MODELS = 4


class ModelShelf:
    """Loads models as they are asked for.

    Args:
        engine: What loads them.
        models: The tuned models' rows.
        folders: Where the tuned models are.
    """

    def __init__(self, engine: Engine, models: ModelStore, folders: Folders) -> None:
        self._engine = engine
        self._models = models
        self._folders = folders
        self._turn = threading.Lock()
        self._loading = threading.Lock()
        self._loaded: OrderedDict[str, Model] = OrderedDict()

    def get(self, name: str) -> Model | None:
        """Give a model, loading it if need be; None where there is none of this name."""
        tuned = self._models.get(name)
        if tuned is None and name not in {base.id for base in self._engine.base_models()}:
            return None
        # A lock of its own, so that two requests do not load a model twice, and none waits for another's model.
        return self._at_hand(name) or self._loaded_now(name, tuned)

    def drop(self, name: str) -> None:
        """Forget a model that was deleted."""
        with self._turn:
            self._loaded.pop(name, None)

    def _at_hand(self, name: str) -> Model | None:
        with self._turn:
            if name in self._loaded:
                self._loaded.move_to_end(name)
            return self._loaded.get(name)

    def _loaded_now(self, name: str, tuned: ModelRecord | None) -> Model:
        with self._loading:
            model = self._at_hand(name)
            if model is None:
                folder = self._folders.checkpoint(tuned.job_id, tuned.step) if tuned else None
                model = self._engine.load(tuned.base_model if tuned else name, folder)
            with self._turn:
                self._loaded[name] = model
                while len(self._loaded) > LOADED_MODELS:
                    self._loaded.popitem(last=False)
        return model
