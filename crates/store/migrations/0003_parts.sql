-- What belongs to an integration and changes by itself: its connections, and what was granted to each. Sealed as
-- integrations are. No table of integrations is referred to: those of a configuration file have parts too.
CREATE TABLE parts (
    id            TEXT    NOT NULL PRIMARY KEY, -- kind/integration/connection
    generation    INTEGER NOT NULL,
    updated_at_ms INTEGER NOT NULL, -- Unix time
    sealed        BLOB    NOT NULL
) STRICT;
