-- What an endpoint is told: the decision alone, or what the API would answer a key with
-- these scopes. The answer is made when it is sent and never kept.

-- +goose Up

ALTER TABLE webhook ADD COLUMN payload TEXT NOT NULL DEFAULT 'decision';  -- decision, full
ALTER TABLE webhook ADD COLUMN scope TEXT NOT NULL DEFAULT '';            -- of the API, separated by commas
ALTER TABLE webhook ADD COLUMN encrypt_to TEXT NOT NULL DEFAULT '';       -- JWK; empty: it is not encrypted

-- Deliveries are listed newest first, and whoever is busy is looked up by state.
CREATE INDEX delivery_created ON delivery (created, id);
CREATE INDEX delivery_busy ON delivery (state, webhook, lease);

-- +goose Down
DROP INDEX delivery_busy;
DROP INDEX delivery_created;
ALTER TABLE webhook DROP COLUMN encrypt_to;
ALTER TABLE webhook DROP COLUMN scope;
ALTER TABLE webhook DROP COLUMN payload;
