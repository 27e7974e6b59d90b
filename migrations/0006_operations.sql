-- What an operator needs: when nothing could be seen, who asked for a poll, and a pace of a feed's own.

-- When the service could not see: no feed was reached, most likely for want of a network.
CREATE TABLE outages (
    id           INTEGER PRIMARY KEY,
    since        TEXT NOT NULL,               -- first visit that reached nobody
    until        TEXT,                        -- first answer after that; null: it lasts
    cause        TEXT NOT NULL,               -- what the last of those visits failed with
    told_at      TEXT,                        -- when the operator was told; null: it was too short
    caught_up_at TEXT,                        -- when every feed was visited again, and the operator was told so
    CHECK (caught_up_at IS NULL OR until IS NOT NULL)
) STRICT;
CREATE INDEX outages_unfinished ON outages (id) WHERE caught_up_at IS NULL;

ALTER TABLE notices ADD COLUMN outage_id INTEGER REFERENCES outages (id);  -- the outage that it tells of; null: a channel's death

-- A poll that somebody asked the running service for.
CREATE TABLE asks (
    id         INTEGER PRIMARY KEY,
    feeds      TEXT NOT NULL,                 -- JSON list of the feeds' names; empty: all
    asked_at   TEXT NOT NULL,                 -- when it was asked for
    started_at TEXT,                          -- when the service took it
    done_at    TEXT,                          -- when every feed of it was visited
    reports    TEXT                           -- JSON list: what each feed gave
) STRICT;
CREATE INDEX asks_open ON asks (id) WHERE done_at IS NULL;

ALTER TABLE feeds ADD COLUMN fixed_interval_secs INTEGER;  -- as configured (`interval`); null: the interval adapts to the feed's rhythm
ALTER TABLE feeds ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;  -- 1: configured, and visited only when asked for by name
