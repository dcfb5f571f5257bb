-- +goose Up

-- 1: this database was restored. Which commands the kiosk has applied is what it says next, whatever stands here.
ALTER TABLE kiosk ADD COLUMN adrift BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE kiosk DROP COLUMN adrift;
