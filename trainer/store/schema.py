"""The tables. ``PRAGMA user_version`` counts the statements that were applied; later versions append to the list."""

MIGRATIONS = (
    """
    CREATE TABLE files (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        filename TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        purpose TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        expires_at INTEGER
    ) STRICT
    """,
    """
    CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        created_at INTEGER NOT NULL,
        finished_at INTEGER,
        estimated_finish INTEGER,
        status TEXT NOT NULL,
        model TEXT NOT NULL,
        method TEXT NOT NULL,
        hyperparameters TEXT NOT NULL,
        resolved INTEGER NOT NULL DEFAULT 0,
        training_file TEXT NOT NULL,
        validation_file TEXT,
        suffix TEXT,
        seed INTEGER NOT NULL,
        metadata TEXT,
        fine_tuned_model TEXT,
        trained_tokens INTEGER,
        result_file TEXT,
        error TEXT,
        idempotency_key TEXT UNIQUE,
        request_sha256 TEXT NOT NULL,
        attempt INTEGER NOT NULL DEFAULT 0,
        stalled INTEGER NOT NULL DEFAULT 0,
        tidy INTEGER NOT NULL DEFAULT 0
    ) STRICT
    """,
    "CREATE INDEX jobs_status ON jobs (status, seq)",
    """
    CREATE TABLE events (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        job_id TEXT NOT NULL REFERENCES jobs (id),
        created_at INTEGER NOT NULL,
        level TEXT NOT NULL,
        type TEXT NOT NULL,
        message TEXT NOT NULL,
        data TEXT NOT NULL,
        step INTEGER,
        UNIQUE (job_id, step)
    ) STRICT
    """,
    "CREATE INDEX events_job ON events (job_id, seq)",
    """
    CREATE TABLE checkpoints (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        job_id TEXT NOT NULL REFERENCES jobs (id),
        created_at INTEGER NOT NULL,
        step INTEGER NOT NULL,
        metrics TEXT NOT NULL,
        model TEXT,
        UNIQUE (job_id, step)
    ) STRICT
    """,
    """
    CREATE TABLE models (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        created_at INTEGER NOT NULL,
        base_model TEXT NOT NULL,
        job_id TEXT NOT NULL REFERENCES jobs (id),
        step INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE deliveries (
        id TEXT PRIMARY KEY,
        body TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        next_at REAL NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL DEFAULT 'pending'
    ) STRICT
    """,
    "CREATE INDEX deliveries_due ON deliveries (state, next_at)",
    "CREATE TABLE deployments (name TEXT PRIMARY KEY, model TEXT NOT NULL) STRICT",
    "CREATE TABLE aliases (name TEXT PRIMARY KEY, model TEXT NOT NULL, changed_at INTEGER NOT NULL) STRICT",
)
