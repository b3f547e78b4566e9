-- Webhooks that were accepted. Their ids, types and times stand in clear; what came is sealed.
CREATE TABLE events (
    number        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, -- in the order in which they came
    integration   TEXT    NOT NULL,
    id            TEXT    NOT NULL, -- the event's own: another delivery of it is known by it
    type          TEXT,
    generation    INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL, -- Unix time: when it came
    until_ms      INTEGER NOT NULL, -- Unix time; from then on it may be forgotten
    sealed        BLOB    NOT NULL,
    UNIQUE (integration, id)
) STRICT;
CREATE INDEX events_of_integration ON events (integration, number);
CREATE INDEX events_by_until ON events (until_ms);

-- On its way to each target. Why the last attempt failed is sealed: a service may have said it.
CREATE TABLE deliveries (
    number      INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    event       INTEGER NOT NULL,
    integration TEXT    NOT NULL,
    target      TEXT    NOT NULL,
    state       INTEGER NOT NULL, -- 0 waits, 1 forwarded, 2 put aside
    attempts    INTEGER NOT NULL,
    due_ms      INTEGER NOT NULL, -- Unix time of the next attempt
    generation  INTEGER NOT NULL,
    sealed      BLOB
) STRICT;
CREATE INDEX deliveries_that_wait ON deliveries (integration, target, due_ms) WHERE state = 0;
CREATE INDEX deliveries_of_event ON deliveries (event);
CREATE TRIGGER events_out AFTER DELETE ON events BEGIN DELETE FROM deliveries WHERE event = OLD.number; END;
