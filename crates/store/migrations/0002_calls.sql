-- What is known of calls that came with an idempotency key, so that none is made twice. The key and the
-- times stand in clear; what was asked for and what was answered is sealed.
CREATE TABLE calls (
    id            TEXT    NOT NULL PRIMARY KEY, -- the idempotency key
    generation    INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL, -- Unix time
    until_ms      INTEGER NOT NULL, -- Unix time; from then on it is as if the row were not there
    sealed        BLOB    NOT NULL
) STRICT;
CREATE INDEX calls_by_until ON calls (until_ms);

-- How many rows that are: to count them, SQLite would look at each.
CREATE TABLE calls_total (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    total INTEGER NOT NULL
) STRICT;
INSERT INTO calls_total (id, total) VALUES (1, 0);
CREATE TRIGGER calls_in AFTER INSERT ON calls BEGIN UPDATE calls_total SET total = total + 1; END;
CREATE TRIGGER calls_out AFTER DELETE ON calls BEGIN UPDATE calls_total SET total = total - 1; END;
