-- Lists: a snapshot is stored piece by piece and then put in force at once.

-- +goose Up

ALTER TABLE list_snapshot ADD COLUMN complete BIGINT NOT NULL DEFAULT 1;  -- 0 while its entries are being stored
ALTER TABLE list_snapshot ADD COLUMN confirmed BIGINT NOT NULL DEFAULT 0; -- when the publisher's newest was last found to be this
ALTER TABLE list_snapshot ADD COLUMN previous TEXT NOT NULL DEFAULT '';   -- what it took the place of, when it last came into force
UPDATE list_snapshot SET confirmed = imported;

-- +goose Down
ALTER TABLE list_snapshot DROP COLUMN previous;
ALTER TABLE list_snapshot DROP COLUMN confirmed;
ALTER TABLE list_snapshot DROP COLUMN complete;
