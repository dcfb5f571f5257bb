-- +goose Up

-- The kiosk's signature of the chain's head, beside the head that it vouches for: whoever rewrites records here
-- cannot make another.
ALTER TABLE inbox ADD COLUMN head_sig BYTEA;

-- +goose Down
ALTER TABLE inbox DROP COLUMN head_sig;
