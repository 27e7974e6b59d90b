-- What the dashboard counts and looks up. The counters are kept as items come, so that a page reads a few rows instead
-- of a million items.

-- How many items came in an hour.
CREATE TABLE hours (
    hour     TEXT NOT NULL,                   -- of first_seen_at, in UTC: 2026-03-01T09
    topic    TEXT NOT NULL,                   -- that they match; empty: all items, whether they match or not
    language TEXT NOT NULL,                   -- ISO 639-1; empty where it is not known
    items    INTEGER NOT NULL,                -- whether news, history or copy
    PRIMARY KEY (topic, hour, language)
) STRICT, WITHOUT ROWID;

-- How many items a feed brought on a day.
CREATE TABLE feed_days (
    day     TEXT NOT NULL,                    -- of first_seen_at, in UTC: 2026-03-01
    feed_id INTEGER NOT NULL REFERENCES feeds (id),  -- that brought them
    items   INTEGER NOT NULL,                 -- whether news, history or copy
    PRIMARY KEY (day, feed_id)
) STRICT, WITHOUT ROWID;

INSERT INTO hours (hour, topic, language, items)
SELECT substr(first_seen_at, 1, 13), '', coalesce(language, ''), count(*) FROM items GROUP BY 1, 3;

INSERT INTO hours (hour, topic, language, items)
SELECT substr(i.first_seen_at, 1, 13), m.topic, coalesce(i.language, ''), count(*)
FROM matches m JOIN items i ON i.id = m.item_id GROUP BY 1, 2, 3;

INSERT INTO feed_days (day, feed_id, items)
SELECT substr(first_seen_at, 1, 10), feed_id, count(*) FROM items GROUP BY 1, 2;

-- A revised item is judged again and its match replaced; it is counted once.
CREATE TRIGGER matches_are_counted BEFORE INSERT ON matches
WHEN NOT EXISTS (SELECT 1 FROM matches WHERE item_id = NEW.item_id AND topic = NEW.topic) BEGIN
    INSERT INTO hours (hour, topic, language, items)
    SELECT substr(first_seen_at, 1, 13), NEW.topic, coalesce(language, ''), 1 FROM items WHERE id = NEW.item_id
    ON CONFLICT DO UPDATE SET items = items + 1;
END;

-- Stories that say where a meeting stands, and those of all topics by their last report.
CREATE INDEX stories_by_state ON stories (topic, last_seen_at) WHERE state IS NOT NULL;
CREATE INDEX stories_by_last_report ON stories (last_seen_at);
