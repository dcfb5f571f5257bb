-- Which seal key kiosks were told to use, and which one each says that it uses.

-- +goose Up

CREATE TABLE seal_order (
    number BIGINT PRIMARY KEY,             -- grows; never below the seconds since 1970 at which it was given
    key_id TEXT NOT NULL,
    public TEXT NOT NULL,                  -- the key as a bundle's file holds it
    at     BIGINT NOT NULL
);

CREATE TABLE kiosk_seal (
    kiosk   TEXT PRIMARY KEY,
    key_id  TEXT NOT NULL,                 -- empty: it never said
    number  BIGINT NOT NULL,
    at      BIGINT NOT NULL,               -- kiosk's clock
    problem TEXT NOT NULL                  -- code of why it refused one since; empty: it did not
);

-- +goose Down
DROP TABLE kiosk_seal;
DROP TABLE seal_order;
