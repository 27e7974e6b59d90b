-- What makes reading faster.

-- Merging between polls leaves one segment of a size: a search looks every word up in each.
INSERT INTO items_fts (items_fts, rank) VALUES ('usermerge', 2);

-- Reports whose headlines name days, for the calendar; they are few among those of a story.
CREATE INDEX story_items_dated ON story_items (placed_at) WHERE instr(facts, '"date ') > 0;
