-- Until when a delivery whose call was cut off may be made again: as long as its service knows the key; 0 for never.
ALTER TABLE begun ADD COLUMN until_ms INTEGER NOT NULL DEFAULT 0;

-- What is known of deliveries that somebody had made anew, or that may have been done.
CREATE TABLE rounds (
    delivery INTEGER NOT NULL PRIMARY KEY,
    round    INTEGER NOT NULL, -- how often it was made anew: each time under another key
    until_ms INTEGER           -- Unix time until which it may be made again, where it may have been done
) STRICT;
CREATE TRIGGER rounds_out AFTER DELETE ON deliveries BEGIN DELETE FROM rounds WHERE delivery = OLD.number; END;

-- Until now that was counted for an event as a whole.
INSERT INTO rounds (delivery, round) SELECT d.number, r.times FROM deliveries d JOIN redelivered r ON r.event = d.event;
DROP TRIGGER redelivered_out;
DROP TABLE redelivered;
