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

DROP VIEW feed_health;

-- How each feed is as of its last visit, by the rules that `feeds list` and its messages follow, and what its
-- visits of the last day before that gave.
CREATE VIEW feed_health AS
WITH signs AS (
    SELECT f.*, unixepoch(f.last_poll_at) AS at,
           coalesce(f.newest_item_at, f.last_item_at) AS newest,
           coalesce(nullif(max(coalesce(f.newest_item_at, ''), coalesce(f.last_item_at, '')), ''), f.added_at) AS latest
    FROM feeds f
)
SELECT s.name, s.outlet, s.language,
       CASE
           WHEN NOT s.active THEN 'removed'
           WHEN s.paused THEN 'paused'
           WHEN s.last_poll_at IS NULL THEN 'new'
           WHEN s.gone_at IS NOT NULL THEN 'gone'
           WHEN s.failures > 0 AND s.last_error_class IN ('blocked', 'challenge', 'login') THEN 'blocked'
           WHEN s.failures > 0 THEN 'failing'
           WHEN s.at - unixepoch(s.odd_at) < 86400 THEN 'odd'
           WHEN s.at - unixepoch(s.newest) >= 365 * 86400 THEN 'zombie'
           WHEN s.at - unixepoch(s.latest) >= coalesce(max(3 * 86400, s.item_gap_secs * 10), 30 * 86400) THEN 'silent'
           WHEN s.at - unixepoch(s.gap_at) < 7 * 86400 THEN 'gap'
           ELSE 'ok'
       END AS state,
       s.last_poll_at, s.last_success_at, s.last_item_at, s.next_poll_at, s.failures, s.last_error,
       count(x.id) AS day_visits, count(x.error_class) AS day_failures, coalesce(sum(x.new), 0) AS day_items
FROM signs s
LEFT JOIN fetches x ON x.feed_id = s.id
     AND x.started_at >= strftime('%Y-%m-%dT%H:%M:%SZ', s.at - 86400, 'unixepoch')
GROUP BY s.id;
