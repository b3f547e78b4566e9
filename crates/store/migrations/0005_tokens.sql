-- API tokens that were made for programs. A token itself is nowhere; its digest, its name and when it ends are sealed, so
-- that whoever can write this file cannot make a token.
CREATE TABLE tokens (
    id            TEXT    NOT NULL PRIMARY KEY,
    generation    INTEGER NOT NULL, -- in the order in which they were made
    updated_at_ms INTEGER NOT NULL, -- Unix time: when it was made
    sealed        BLOB    NOT NULL
) STRICT;
