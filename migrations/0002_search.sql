-- Search: a story's number finds its items also after it turned out to be another.
CREATE INDEX stories_by_merge ON stories (merged_into) WHERE merged_into IS NOT NULL;
