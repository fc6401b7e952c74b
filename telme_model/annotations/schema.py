"""The tables of a store, version by version."""

APPLICATION = 0x54654C4D  # "TeLM" in the file's header: no other program's database is taken for a store

# Script n leads from schema version n to n + 1. What users may have on disk is never edited, only followed. Each one
# changes a table: by its tables a newer format is told from a damaged number in the header.
SCRIPTS = (
    """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE turn (split TEXT, dialogue TEXT, utterance INTEGER, words TEXT NOT NULL,
    PRIMARY KEY (split, dialogue, utterance)) WITHOUT ROWID;
CREATE TABLE layer (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE,
    deleted INTEGER NOT NULL DEFAULT 0);
CREATE TABLE label (id INTEGER PRIMARY KEY, layer INTEGER NOT NULL REFERENCES layer,
    scope TEXT NOT NULL, split TEXT NOT NULL, dialogue TEXT NOT NULL, utterance INTEGER NOT NULL,
    value TEXT NOT NULL, UNIQUE (layer, scope, split, dialogue, utterance));
CREATE TABLE program (id INTEGER PRIMARY KEY AUTOINCREMENT, pid INTEGER NOT NULL, began REAL NOT NULL);
CREATE TABLE step (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, time REAL NOT NULL,
    program INTEGER NOT NULL, state TEXT NOT NULL CHECK (state IN ('done', 'undone', 'dropped')),
    size INTEGER NOT NULL, deletes INTEGER REFERENCES layer);
CREATE INDEX stack ON step (program, state, id);
CREATE TABLE change (id INTEGER PRIMARY KEY, step INTEGER NOT NULL REFERENCES step,
    layer INTEGER NOT NULL REFERENCES layer, scope TEXT NOT NULL, split TEXT NOT NULL, dialogue TEXT NOT NULL,
    utterance INTEGER NOT NULL, before TEXT, after TEXT);
CREATE INDEX change_of ON change (step);
CREATE TABLE log (revision INTEGER PRIMARY KEY AUTOINCREMENT, step INTEGER REFERENCES step, time REAL NOT NULL)
""",
)
