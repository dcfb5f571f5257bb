-- +goose Up

-- Open log-ins at the console, where every copy of the centre finds them.
CREATE TABLE console_visit (
    id    TEXT   PRIMARY KEY,              -- SHA-256 of the cookie's value, hex
    who   TEXT   NOT NULL,                 -- console.Visitor, JSON
    until BIGINT NOT NULL
);

-- What a visit may see, and why.
CREATE TABLE console_grant (
    visit   TEXT   NOT NULL,
    subject TEXT   NOT NULL,
    why     TEXT   NOT NULL,               -- code
    until   BIGINT NOT NULL,
    PRIMARY KEY (visit, subject)
);
CREATE INDEX console_grant_until ON console_grant (until);

-- +goose Down
DROP TABLE console_grant;
DROP TABLE console_visit;
