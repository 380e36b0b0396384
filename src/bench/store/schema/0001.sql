-- Schema 1. PRAGMA user_version holds the number; times are UTC, ISO 8601; seconds and bytes say so.

CREATE TABLE environments (
    hash TEXT PRIMARY KEY,
    captured_at TEXT NOT NULL,
    record TEXT NOT NULL                     -- JSON: packages, python, system, cpu, memory, commit
);

CREATE TABLE datasets (
    fingerprint TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    record TEXT NOT NULL                     -- JSON: features, classes, grade, origin, licence, source
);

CREATE TABLE runs (
    run_id TEXT PRIMARY KEY,
    suite TEXT NOT NULL,
    suite_hash TEXT NOT NULL,
    request TEXT NOT NULL,                   -- what was asked for: names the run that the same command goes on with
    budget_s REAL,
    budget_trials INTEGER,
    within_s REAL,
    fresh_since TEXT,                        -- evidence begun before this does not count: `--fresh`
    environment TEXT NOT NULL REFERENCES environments (hash),
    started_at TEXT NOT NULL,
    ended_at TEXT,
    record TEXT NOT NULL                     -- JSON: suite, exclusions
);

CREATE TABLE evidence (
    evidence_key TEXT PRIMARY KEY,
    cell_id TEXT NOT NULL,
    task TEXT NOT NULL,
    fingerprint TEXT NOT NULL REFERENCES datasets (fingerprint),
    splits TEXT NOT NULL,                    -- the split procedure
    problem TEXT NOT NULL,
    repeat INTEGER NOT NULL,
    fold INTEGER NOT NULL,
    train_cap INTEGER,
    test_cap INTEGER,
    learner TEXT NOT NULL,
    family TEXT NOT NULL,
    intervention TEXT NOT NULL,
    seed INTEGER NOT NULL,
    device TEXT NOT NULL,
    cores INTEGER NOT NULL,
    validation TEXT NOT NULL,
    learner_hash TEXT NOT NULL,
    lock_hash TEXT NOT NULL
);
CREATE INDEX evidence_by_cell ON evidence (cell_id);

CREATE TABLE run_cells (
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    position INTEGER NOT NULL,
    evidence_key TEXT NOT NULL REFERENCES evidence (evidence_key),
    not_applicable TEXT,                     -- why, where the learner does not apply
    PRIMARY KEY (run_id, position)
);

CREATE TABLE attempts (
    evidence_key TEXT NOT NULL REFERENCES evidence (evidence_key),
    attempt INTEGER NOT NULL,
    run_id TEXT NOT NULL REFERENCES runs (run_id),
    budget_s REAL,
    budget_trials INTEGER,
    memory_bytes INTEGER NOT NULL,
    start_trial INTEGER NOT NULL,
    fresh INTEGER NOT NULL,                  -- whether earlier attempts are to be forgotten
    started_at TEXT NOT NULL,
    ended_at TEXT,
    status TEXT,                             -- NULL while it runs, or where the run itself was killed
    complete INTEGER NOT NULL DEFAULT 0,
    ended_by TEXT NOT NULL DEFAULT '',       -- seconds, trials or space, where the search ended by itself
    reason TEXT NOT NULL DEFAULT '',
    wall_s REAL,
    cpu_s REAL,
    warm_up_s REAL,
    n_train INTEGER,
    n_fit INTEGER,
    n_validation INTEGER,
    n_test INTEGER,
    n_test_minority INTEGER,
    limits TEXT NOT NULL DEFAULT '{}',
    log TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (evidence_key, attempt)
) WITHOUT ROWID;

CREATE TABLE trials (
    evidence_key TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    config TEXT NOT NULL,
    status TEXT NOT NULL,
    flags TEXT NOT NULL,
    validation_score REAL,                   -- errors, lower is better; NULL where there is none
    test_score REAL,
    train_score REAL,
    test_score_single REAL,
    metrics TEXT NOT NULL,                   -- JSON: part -> metric -> value
    billed_s REAL NOT NULL,
    billed_wall_s REAL NOT NULL,
    unbilled_s REAL NOT NULL,
    unbilled_wall_s REAL NOT NULL,
    spent_s REAL NOT NULL,
    peak_memory_bytes INTEGER,
    energy_j REAL,
    prediction_hash TEXT,
    reason TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    PRIMARY KEY (evidence_key, attempt, trial),
    FOREIGN KEY (evidence_key, attempt) REFERENCES attempts (evidence_key, attempt)
) WITHOUT ROWID;

CREATE TABLE measurements (                  -- what a probe finds beside fit and score
    evidence_key TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    trial INTEGER NOT NULL,
    step INTEGER NOT NULL,
    name TEXT NOT NULL,
    value REAL,
    PRIMARY KEY (evidence_key, attempt, trial, step, name)
) WITHOUT ROWID;

CREATE TABLE leases (                        -- who runs a cell now, so that two runs share the work
    evidence_key TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    process_started TEXT NOT NULL,           -- tells a process from a later one with its number
    boot_id TEXT NOT NULL
) WITHOUT ROWID;
