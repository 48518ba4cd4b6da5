"""Names that stay while the model behind them changes."""

from dataclasses import dataclass

from trainer.store.database import Database


@dataclass(frozen=True, slots=True)
class AliasRecord:
    """A name and the tuned model that answers to it."""

    name: str
    model: str
    changed_at: int


class AliasStore:
    """The aliases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, alias: AliasRecord) -> None:
        """Let a name mean a model from now on."""
        self._database.change(
            "INSERT OR REPLACE INTO aliases (name, model, changed_at) VALUES (?, ?, ?)",
            alias.name, alias.model, alias.changed_at,
        )  # fmt: skip

    def get(self, name: str) -> AliasRecord | None:
        """Find an alias."""
        row = self._database.row("SELECT * FROM aliases WHERE name = ?", name)
        return AliasRecord(row["name"], row["model"], row["changed_at"]) if row else None

    def all(self) -> list[AliasRecord]:
        """List the aliases by name."""
        rows = self._database.rows("SELECT * FROM aliases ORDER BY name")
        return [AliasRecord(row["name"], row["model"], row["changed_at"]) for row in rows]

    def remove(self, name: str, *, meaning: str | None = None) -> bool:
        """Forget a name, where given only while it means this model; False where there was none."""
        return self._database.change(
            "DELETE FROM aliases WHERE name = ?1 AND model = coalesce(?2, model)", name, meaning
        ) == 1  # fmt: skip
