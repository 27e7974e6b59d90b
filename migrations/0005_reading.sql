-- What makes reading faster.

-- Merging between polls leaves one segment of a size: a search looks every word up in each.
INSERT INTO items_fts (items_fts, rank) VALUES ('usermerge', 2);

-- Reports whose headlines name days, for the calendar; they are few among those of a story.
CREATE INDEX story_items_dated ON story_items (placed_at) WHERE instr(facts, '"date ') > 0;

DROP VIEW daily_volume;

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
