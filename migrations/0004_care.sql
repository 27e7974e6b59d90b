-- The archive as people and time use it: views for daily questions, retention.

-- Of an item that retention took the text from, the title and the keys stay, so that it is known again.
ALTER TABLE items ADD COLUMN pruned_at TEXT;  -- when summary, author, guid and full text were dropped; null: never

-- How far retention has come.
CREATE TABLE retention (
    kind    TEXT PRIMARY KEY,                 -- what is pruned: items; terms of TOPIC
    last_id INTEGER NOT NULL                  -- everything up to it has been looked at
) STRICT, WITHOUT ROWID;

-- How long after the first report of a story each outlet had it.
CREATE VIEW source_lag AS
SELECT s.topic, si.story_id, s.title AS story, f.outlet, min(si.placed_at) AS first_at,
       min(unixepoch(si.placed_at)) - unixepoch(s.first_seen_at) AS lag_secs, count(*) AS items
FROM story_items si
JOIN stories s ON s.id = si.story_id
JOIN items i ON i.id = si.item_id
JOIN feeds f ON f.id = i.feed_id
GROUP BY si.story_id, f.outlet;

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

-- What each channel was owed per day and what became of it; seconds are from the decision to the delivery.
CREATE VIEW delivery_report AS
SELECT date(created_at) AS day, channel, count(*) AS deliveries,
       sum(state = 'delivered') AS delivered, sum(state = 'dead') AS dead,
       sum(state NOT IN ('delivered', 'dead')) AS owed, sum(attempts) AS attempts,
       round(avg(unixepoch(delivered_at) - unixepoch(created_at))) AS mean_secs,
       max(unixepoch(delivered_at) - unixepoch(created_at)) AS longest_secs, max(last_error) AS an_error
FROM deliveries
GROUP BY date(created_at), channel;

-- Items, matched items, developments and alerts per day (UTC) and language.
CREATE VIEW daily_volume AS
WITH happened AS (
    SELECT substr(hour, 1, 10) AS day, nullif(language, '') AS language, items AS item, 0 AS matched, 0 AS development,
           0 AS alert
    FROM hours WHERE topic = ''
    UNION ALL
    SELECT date(i.first_seen_at), i.language, 0, 1, 0, 0
    FROM (SELECT DISTINCT item_id FROM matches) m JOIN items i ON i.id = m.item_id
    UNION ALL
    SELECT date(d.created_at), i.language, 0, 0, 1, EXISTS (SELECT 1 FROM alerts a WHERE a.development_id = d.id)
    FROM developments d JOIN items i ON i.id = d.item_id
)
SELECT day, language, sum(item) AS items, sum(matched) AS matched, sum(development) AS developments,
       sum(alert) AS alerts
FROM happened
GROUP BY day, language;
