-- Developments become clusters of reports. A story is the long affair; what is new is asked of developments.

-- How the headline of an item was read for a topic, each time that it was: at first, and after a change.
CREATE TABLE readings (
    id        INTEGER PRIMARY KEY,
    topic     TEXT NOT NULL,                    -- the configuration's name
    item_id   INTEGER NOT NULL REFERENCES items (id),
    read_at   TEXT NOT NULL,                    -- when
    outlet    TEXT NOT NULL,                    -- the publisher
    origin    TEXT NOT NULL,                    -- the outlet, or the agency that it names
    script    TEXT,                             -- of the headline: latin, cyrillic, hangul, kana, han
    statement TEXT NOT NULL,                    -- JSON: speaker, state, predicates, places, days, numbers, marks
    by_rule   INTEGER NOT NULL DEFAULT 1,       -- 0: it was taken in by the story
    terms     BLOB                              -- the weighted terms it is compared by; null once nothing asks for them
) STRICT;
CREATE INDEX readings_by_item ON readings (item_id, topic);
CREATE INDEX readings_by_topic ON readings (topic, id);
CREATE INDEX readings_by_time ON readings (topic, read_at);
-- Headlines that name days, for the calendar; they are few among the readings.
CREATE INDEX readings_dated ON readings (read_at) WHERE instr(statement, '"days":["') > 0;

-- Which item reports which development.
CREATE TABLE reports (
    development_id INTEGER NOT NULL REFERENCES developments (id),
    item_id        INTEGER NOT NULL REFERENCES items (id),
    role           TEXT NOT NULL,               -- first, update (adds a day, place or number), repeat
    outlet         TEXT NOT NULL,               -- the publisher
    origin         TEXT NOT NULL,               -- the outlet, or the agency that it names
    reported_at    TEXT NOT NULL,               -- when the item was placed
    reading_id     INTEGER REFERENCES readings (id),  -- null for what an earlier release placed
    PRIMARY KEY (development_id, item_id)
) STRICT;
CREATE INDEX reports_by_item ON reports (item_id);
CREATE INDEX reports_by_time ON reports (reported_at);

-- Of an earlier release each development has its one known report.
INSERT OR IGNORE INTO reports (development_id, item_id, role, outlet, origin, reported_at)
SELECT d.id, d.item_id, 'first', f.outlet,
    coalesce((SELECT si.origin FROM story_items si WHERE si.story_id = d.story_id AND si.item_id = d.item_id), f.outlet),
    d.created_at
FROM developments d JOIN items i ON i.id = d.item_id JOIN feeds f ON f.id = i.feed_id;

-- By what an item matched: by a rule of the topic, or by the story, while the topic was hot.
-- matches.by: rule, or context: a headline without a rule that the week takes in
ALTER TABLE matches ADD COLUMN "by" TEXT NOT NULL DEFAULT 'rule'; -- rule, or story

-- What an alert tells: at the latest report of a development where the first did not suffice.
ALTER TABLE alerts ADD COLUMN item_id INTEGER REFERENCES items (id);
UPDATE alerts SET item_id = (SELECT d.item_id FROM developments d WHERE d.id = alerts.development_id);
CREATE INDEX alerts_by_item ON alerts (item_id);

-- Days that headlines named keep their place in the calendar.
INSERT INTO readings (topic, item_id, read_at, outlet, origin, statement)
SELECT s.topic, si.item_id, si.placed_at, f.outlet, si.origin,
    json_object('state', si.state, 'days', json((
        SELECT json_group_array(substr(value, 6)) FROM (
            SELECT value FROM json_each(si.facts, '$.new') UNION SELECT value FROM json_each(si.facts, '$.known'))
        WHERE value LIKE 'date %')))
FROM story_items si JOIN stories s ON s.id = si.story_id JOIN items i ON i.id = si.item_id JOIN feeds f ON f.id = i.feed_id
WHERE instr(si.facts, '"date ') > 0;
DROP INDEX story_items_dated;

-- How an item was placed: the signs of likeness to its development or the nearest one, and of its weight.
ALTER TABLE story_items DROP COLUMN facts;
ALTER TABLE story_items DROP COLUMN runners_up;
ALTER TABLE story_items DROP COLUMN similarity;
ALTER TABLE story_items ADD COLUMN signs TEXT NOT NULL DEFAULT '{}'; -- JSON: log-odds, thresholds, signs, runners-up

-- Where the matter of a topic stands.
ALTER TABLE topics ADD COLUMN setter TEXT;      -- whose word it is: a concept or an outlet
ALTER TABLE topics ADD COLUMN day TEXT;         -- month and day that were set: 06-12
ALTER TABLE topics ADD COLUMN place TEXT;       -- concept of the place that was set
ALTER TABLE topics ADD COLUMN story_id INTEGER REFERENCES stories (id);  -- that tells it
-- What a correction or a follow-up is about.
ALTER TABLE developments ADD COLUMN about INTEGER REFERENCES developments (id);
CREATE INDEX developments_about ON developments (about) WHERE about IS NOT NULL;
ALTER TABLE stories DROP COLUMN official;
ALTER TABLE stories DROP COLUMN hearsay;
