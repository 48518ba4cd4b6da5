"""The names that models answer to where training alone does not make them answer."""

from trainer.store.database import Database


class DeploymentStore:
    """Deployments: a name, and the model behind it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, name: str, model: str) -> None:
        """Let a name mean a model from now on."""
        self._database.change("INSERT OR REPLACE INTO deployments (name, model) VALUES (?, ?)", name, model)

    def model(self, name: str) -> str | None:
        """Give the model behind a name."""
        row = self._database.row("SELECT model FROM deployments WHERE name = ?", name)
        return None if row is None else str(row["model"])

    def remove(self, name: str) -> bool:
        """Forget a name; False where it meant nothing."""
        return self._database.change("DELETE FROM deployments WHERE name = ?", name) == 1
