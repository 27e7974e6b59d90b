-- What readers see and decide.

-- What a development says, for people. Null for what an earlier release decided.
ALTER TABLE developments ADD COLUMN summary TEXT;  -- what happened, in English
ALTER TABLE developments ADD COLUMN state TEXT;    -- where the meeting stands, as it tells it
ALTER TABLE developments ADD COLUMN day TEXT;      -- the day to come that it names: 2026-06-12
ALTER TABLE developments ADD COLUMN place TEXT;    -- place that it names, in English

DROP VIEW recent_developments;
-- Developments with their story, and the report that was told, else the first; the latest first.
CREATE VIEW recent_developments AS
SELECT d.created_at, s.topic, d.kind, i.title, f.outlet, i.language, d.reason, i.url, d.story_id, i.id AS item_id,
       a.id AS alert_id, d.id AS development_id, d.verdict, d.summary, d.state, d.day, d.place,
       (SELECT count(*) FROM reports r WHERE r.development_id = d.id) AS reports,
       (SELECT count(DISTINCT r.outlet) FROM reports r WHERE r.development_id = d.id) AS outlets
FROM developments d
JOIN stories s ON s.id = d.story_id
LEFT JOIN alerts a ON a.development_id = d.id
JOIN items i ON i.id = coalesce(a.item_id, d.item_id)
JOIN feeds f ON f.id = i.feed_id
ORDER BY d.created_at DESC;

-- What was new in the last 24 hours, the latest first.
CREATE VIEW recent AS
SELECT * FROM recent_developments
WHERE created_at >= strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 day') AND verdict <> 'history';

DROP VIEW story_timeline;
-- Every item of every story in time order, with the development that it reports.
CREATE VIEW story_timeline AS
SELECT si.story_id, coalesce(i.published_at, i.first_seen_at) AS at, f.outlet, f.family, i.language, i.title,
       iif(EXISTS (SELECT 1 FROM alerts a WHERE a.item_id = i.id AND a.development_id = d.id), 'alert', si.decision) AS decision,
       si.reason, i.url, i.id AS item_id, d.id AS development_id, r.role
FROM story_items si
JOIN items i ON i.id = si.item_id
JOIN feeds f ON f.id = i.feed_id
LEFT JOIN (reports r JOIN developments d ON d.id = r.development_id) ON r.item_id = i.id AND d.story_id = si.story_id
ORDER BY si.story_id, at;

DROP VIEW source_lag;
-- How long after the first report of a development each outlet had it.
CREATE VIEW source_lag AS
SELECT s.topic, d.story_id, r.development_id, r.outlet, min(r.reported_at) AS first_at,
       min(unixepoch(r.reported_at)) - (SELECT min(unixepoch(reported_at)) FROM reports WHERE development_id = d.id) AS lag_secs,
       count(*) AS items
FROM reports r
JOIN developments d ON d.id = r.development_id
JOIN stories s ON s.id = d.story_id
GROUP BY r.development_id, r.outlet;

ALTER TABLE alerts ADD COLUMN acknowledged_by TEXT;  -- the reader who said so

-- What readers decided about stories and developments. What was undone keeps its row.
CREATE TABLE acts (
    id             INTEGER PRIMARY KEY,
    kind           TEXT NOT NULL CHECK (kind IN ('mute', 'follow', 'wrong', 'not-news', 'star', 'note')),  -- mute, follow, wrong, not-news, star or note
    story_id       INTEGER REFERENCES stories (id),       -- of mute, follow, star and note
    development_id INTEGER REFERENCES developments (id),  -- of wrong, not-news, star and note
    note           TEXT,                      -- the words of a note
    until          TEXT,                      -- when a mute ends, if not by a change of state
    reader         TEXT NOT NULL,             -- who did it
    done_at        TEXT NOT NULL,             -- when
    undone_by      TEXT,                      -- who took it back, or "a change of state"
    undone_at      TEXT,                      -- when; null: it stands
    CHECK ((story_id IS NULL) <> (development_id IS NULL))
) STRICT;
CREATE INDEX acts_of_story ON acts (story_id) WHERE undone_at IS NULL AND story_id IS NOT NULL;
CREATE INDEX acts_of_development ON acts (development_id) WHERE undone_at IS NULL AND development_id IS NOT NULL;
