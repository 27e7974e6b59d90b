-- Bounds on what a feed may do, and times that a clock which ran ahead left behind.

-- What a feed did beyond a bound; its state is `odd` for a day.
ALTER TABLE feeds ADD COLUMN odd TEXT;         -- which bound it last hit: new, revisions, numbers, entries, alerts
ALTER TABLE feeds ADD COLUMN odd_at TEXT;      -- when it last did

ALTER TABLE feed_days ADD COLUMN revised INTEGER NOT NULL DEFAULT 0;   -- items whose words it changed
ALTER TABLE feed_days ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;  -- new items beyond the bound of a day, which are not kept

-- An item is taken back once several visits in a row found it missing.
ALTER TABLE withdrawals ADD COLUMN visits INTEGER NOT NULL DEFAULT 1;  -- in a row that lacked it

-- The last items of a feed: what it may take back.
CREATE INDEX items_of_feed ON items (feed_id, first_seen_at);

-- When a wait was written down. A wait that was written in what is now the future is over.
ALTER TABLE deliveries ADD COLUMN scheduled_at TEXT;  -- when `next_attempt_at` was set; null: when it was owed
ALTER TABLE channels ADD COLUMN rests_since TEXT;     -- when `rests_until` was set

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
