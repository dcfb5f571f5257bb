-- What decisions rest on, so that each can be made again.

-- +goose Up

-- Personal data as it stood when the decision fell: a later revision of the submission
-- replaces the submission's row, and this must not change with it.
CREATE TABLE decision_input (
    decision TEXT PRIMARY KEY,
    sealed   BYTEA NOT NULL                -- encrypted with the data key
);
CREATE INDEX decision_at ON decision (at, id);

-- +goose Down
DROP INDEX decision_at;
DROP TABLE decision_input;
