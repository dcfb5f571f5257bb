-- +goose Up

-- What is wrong with a kiosk, as it said last: JSON, wire.Condition.
ALTER TABLE kiosk ADD COLUMN conditions TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE kiosk DROP COLUMN conditions;
