-- How often somebody had an event forwarded once more, if they did.
CREATE TABLE redelivered (
    event INTEGER NOT NULL PRIMARY KEY,
    times INTEGER NOT NULL
) STRICT;
CREATE TRIGGER redelivered_out AFTER DELETE ON events BEGIN DELETE FROM redelivered WHERE event = OLD.number; END;

-- Deliveries whose call has begun and must not be made a second time, until it is known what became of it.
CREATE TABLE begun (
    delivery INTEGER NOT NULL PRIMARY KEY
) STRICT;
CREATE TRIGGER begun_out AFTER DELETE ON deliveries BEGIN DELETE FROM begun WHERE delivery = OLD.number; END;
