-- The revisioned map of design: one row per key, values are ciphertext.
CREATE SEQUENCE record_revision;
CREATE TABLE record (
    -- Ordered bytewise, which is how bytea compares.
    key bytea PRIMARY KEY,
    revision bigint NOT NULL,
    value bytea NOT NULL
);
