-- +goose Up

-- How far the stream was applied when the gap after that was told of; -1: none was.
ALTER TABLE stream ADD COLUMN alarmed BIGINT NOT NULL DEFAULT -1;

-- +goose Down
ALTER TABLE stream DROP COLUMN alarmed;
