-- What is written down of a message before its call is in the table of calls too, under ids that begin as no idempotency key
-- can: with `forward` and a space. It is counted apart, so that neither takes the room of the other.
CREATE TABLE marks_total (
    id    INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    total INTEGER NOT NULL
) STRICT;
INSERT INTO marks_total (id, total) SELECT 1, count(*) FROM calls WHERE id >= 'forward ' AND id < 'forward!';
UPDATE calls_total SET total = total - (SELECT total FROM marks_total);
DROP TRIGGER calls_in;
DROP TRIGGER calls_out;
CREATE TRIGGER calls_in AFTER INSERT ON calls WHEN NOT (NEW.id >= 'forward ' AND NEW.id < 'forward!')
BEGIN UPDATE calls_total SET total = total + 1; END;
CREATE TRIGGER calls_out AFTER DELETE ON calls WHEN NOT (OLD.id >= 'forward ' AND OLD.id < 'forward!')
BEGIN UPDATE calls_total SET total = total - 1; END;
CREATE TRIGGER marks_in AFTER INSERT ON calls WHEN NEW.id >= 'forward ' AND NEW.id < 'forward!'
BEGIN UPDATE marks_total SET total = total + 1; END;
CREATE TRIGGER marks_out AFTER DELETE ON calls WHEN OLD.id >= 'forward ' AND OLD.id < 'forward!'
BEGIN UPDATE marks_total SET total = total - 1; END;

-- They were kept for a year, and are for 14 days now.
UPDATE calls SET until_ms = min(until_ms, updated_at_ms + 1209600000) WHERE id >= 'forward ' AND id < 'forward!';
