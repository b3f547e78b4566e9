-- Every whole document is sealed; in clear stand only the id, the generation and the time.
CREATE TABLE integrations (
    id            TEXT    NOT NULL PRIMARY KEY,
    generation    INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL, -- Unix time
    sealed        BLOB    NOT NULL
) STRICT;

-- The last generation that was given out, to whichever id. It only grows, so that a generation (and the
-- ETag made of it) never comes back, not even when an id is deleted and created again.
CREATE TABLE generation (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    last INTEGER NOT NULL
) STRICT;
INSERT INTO generation (id, last) VALUES (1, 0);

-- A known value under the master key. It is read before anything is migrated, by this and every later
-- version: its shape must never change.
CREATE TABLE key_check (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    sealed BLOB    NOT NULL
) STRICT;
