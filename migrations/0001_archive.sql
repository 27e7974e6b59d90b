-- The archive. Instants are RFC 3339 in UTC ("2026-02-28T05:41:00Z"), so SQLite's date functions work.

-- A polled source, as configured, with what its next visit needs.
CREATE TABLE feeds (
    id                INTEGER PRIMARY KEY,
    name              TEXT NOT NULL UNIQUE,   -- the configuration's name
    url               TEXT NOT NULL,          -- as configured
    host              TEXT NOT NULL,          -- of the url, with an unusual port; feeds of a host that refuses rest together
    outlet            TEXT NOT NULL,          -- the publisher
    family            TEXT NOT NULL,          -- publishers that count as one for corroboration
    language          TEXT,                   -- ISO 639-1, as configured
    country           TEXT,                   -- ISO 3166, as configured; zones of times follow it
    zone              TEXT,                   -- IANA name for times without a zone
    active            INTEGER NOT NULL DEFAULT 1,  -- 0: no longer configured
    etag              TEXT,                   -- validators, verbatim, of the last complete document
    last_modified     TEXT,                   -- validators, as with `etag`
    body_hash         INTEGER,                -- of the last document's bytes
    last_document_at  TEXT,                   -- last complete document, other than by a 304
    moved_to          TEXT,                   -- where its permanent redirects lead
    moved_since       TEXT,                   -- when it was first led there
    moved_visits      INTEGER NOT NULL DEFAULT 0,  -- in a row that found the feed there
    moved_confirmed   INTEGER NOT NULL DEFAULT 0,  -- 1: visits begin there
    pace_secs         INTEGER,                -- the document's ttl or sy:updatePeriod
    skip_hours        INTEGER NOT NULL DEFAULT 0,  -- a bit for each hour of the day, UTC
    skip_days         INTEGER NOT NULL DEFAULT 0,  -- a bit for each day of the week, Monday first
    item_gap_secs     INTEGER,                -- between two of its newer items
    newest_item_at    TEXT,                   -- of what it ever dated
    last_item_at      TEXT,                   -- when it last brought a new item
    gap_at            TEXT,                   -- when items were last seen to have fallen out of it unseen
    told_health       TEXT,                   -- what the operator was last told of it; null: nothing, or that it is well
    added_at          TEXT NOT NULL,          -- when it was first configured
    interval_secs     INTEGER NOT NULL,       -- adapts to the feed's rhythm
    next_poll_at      TEXT NOT NULL,          -- when its next visit is due
    last_poll_at      TEXT,                   -- its last visit, whatever came of it
    last_success_at   TEXT,                   -- last complete fetch: 200 or 304
    failures          INTEGER NOT NULL DEFAULT 0,  -- in a row
    last_error        TEXT,                   -- of the last visit, if that failed
    last_error_class  TEXT,                   -- as in fetches
    gone_at           TEXT                    -- it said twice that it is gone (410); visited by name only
) STRICT;
CREATE INDEX feeds_by_host ON feeds (host);

-- One visit to a feed.
CREATE TABLE fetches (
    id          INTEGER PRIMARY KEY,
    feed_id     INTEGER NOT NULL REFERENCES feeds (id),
    started_at  TEXT NOT NULL,                -- when the visit began
    status      INTEGER,                      -- HTTP status; null where no answer came
    bytes       INTEGER NOT NULL DEFAULT 0,   -- after decompression
    entries     INTEGER NOT NULL DEFAULT 0,   -- in the document
    new         INTEGER NOT NULL DEFAULT 0,   -- items stored
    duration_ms INTEGER NOT NULL,             -- of the whole visit
    error_class TEXT,                         -- null where it went well
    error       TEXT,                         -- in words
    repairs     TEXT                          -- JSON list of what was mended
) STRICT;
CREATE INDEX fetches_by_feed ON fetches (feed_id, started_at);

-- One article as one feed announced it.
CREATE TABLE items (
    id            INTEGER PRIMARY KEY,
    feed_id       INTEGER NOT NULL REFERENCES feeds (id),
    guid          TEXT,                       -- the publisher's id, as first given
    guid_key      TEXT,                       -- identity in its feed: the guid, its changing parts removed, or title and day
    url           TEXT,                       -- as the feed gave it, made absolute
    canonical_url TEXT,                       -- the address without what says how a reader came; the same for all ways to one article
    title         TEXT NOT NULL,              -- plain text
    summary       TEXT NOT NULL,              -- plain text; the lead, at most 2,000 characters
    author        TEXT,                       -- as the feed names them
    language      TEXT,                       -- ISO 639-1
    categories    TEXT,                       -- JSON list
    published_at  TEXT,                       -- the feed's word, clamped; null where it gave none
    published_raw TEXT,                       -- the feed's word where it was clamped
    first_seen_at TEXT NOT NULL,              -- when a visit first brought it
    text_key      INTEGER,                    -- hash of title and summary; equal for exact copies
    standing      TEXT NOT NULL CHECK (standing IN ('news', 'history', 'copy')),  -- news, history (old when first seen; never alerts) or copy (of `duplicate_of`)
    duplicate_of  INTEGER REFERENCES items (id)   -- the first item of the same article
) STRICT;
CREATE INDEX items_by_guid ON items (feed_id, guid_key);
CREATE INDEX items_by_url ON items (canonical_url);
CREATE INDEX items_by_text ON items (text_key) WHERE text_key IS NOT NULL;
CREATE INDEX items_by_time ON items (first_seen_at);
CREATE INDEX items_by_original ON items (duplicate_of) WHERE duplicate_of IS NOT NULL;

-- What an item said before it was changed.
CREATE TABLE revisions (
    id          INTEGER PRIMARY KEY,
    item_id     INTEGER NOT NULL REFERENCES items (id),
    title       TEXT NOT NULL,                -- as it was before
    summary     TEXT NOT NULL,                -- as it was before
    replaced_at TEXT NOT NULL                 -- when it was seen to be changed
) STRICT;
CREATE INDEX revisions_by_item ON revisions (item_id);

-- Further guids under which a feed announced an item, the first few; found by its address or text.
CREATE TABLE aliases (
    feed_id  INTEGER NOT NULL REFERENCES feeds (id),
    guid_key TEXT NOT NULL,                   -- another key under which the feed announced the item
    item_id  INTEGER NOT NULL REFERENCES items (id),
    found_by TEXT NOT NULL,                   -- which key recognised the item: url, text; title for one that is expected
    seen_at  TEXT NOT NULL,                   -- when it first did
    PRIMARY KEY (feed_id, guid_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_by_item ON aliases (item_id);

-- The page of an article, for items that match or nearly do, where their feed asks for it.
CREATE TABLE articles (
    item_id     INTEGER PRIMARY KEY REFERENCES items (id),
    state       TEXT NOT NULL CHECK (state IN ('wanted', 'kept', 'failed')),  -- wanted, kept or failed
    attempts    INTEGER NOT NULL DEFAULT 0,   -- visits to its page
    next_try_at TEXT,                         -- while wanted
    text        TEXT,                         -- plain, a paragraph a line
    decided     INTEGER NOT NULL DEFAULT 0,   -- 1: only by its text did the item match
    error       TEXT,                         -- of the last visit
    fetched_at  TEXT                          -- when its text was read
) STRICT;
CREATE INDEX articles_wanted ON articles (next_try_at) WHERE state = 'wanted';

-- Topic × item. Only matches are kept.
CREATE TABLE matches (
    item_id  INTEGER NOT NULL REFERENCES items (id),
    topic    TEXT NOT NULL,                   -- the configuration's name
    score    REAL NOT NULL,                   -- 0..1
    evidence TEXT NOT NULL,                   -- JSON: concept, term, field, start, end (bytes)
    marks    TEXT,                            -- JSON list of the topic's marks that apply: retrospective
    PRIMARY KEY (item_id, topic)
) STRICT, WITHOUT ROWID;
CREATE INDEX matches_by_topic ON matches (topic, item_id);

-- Items about one happening.
CREATE TABLE stories (
    id            INTEGER PRIMARY KEY,
    topic         TEXT NOT NULL,              -- the configuration's name
    title         TEXT NOT NULL,              -- of the item that opened it
    first_seen_at TEXT NOT NULL,              -- when it opened
    last_seen_at  TEXT NOT NULL,              -- when it last took an item
    opened_by     INTEGER NOT NULL REFERENCES items (id),
    state         TEXT,                       -- where its meeting stands: floated … outcome, doubted … cancelled
    actor         TEXT,                       -- party by which it came there
    states        TEXT NOT NULL DEFAULT '',   -- every state it has had, with when it came there
    official      INTEGER NOT NULL DEFAULT 0, -- 1: an official has spoken in it
    hearsay       INTEGER NOT NULL DEFAULT 0, -- 1: it began with unnamed sources
    merged_into   INTEGER REFERENCES stories (id)  -- the story it turned out to be
) STRICT;
CREATE INDEX stories_by_time ON stories (topic, last_seen_at);
CREATE INDEX stories_by_topic ON stories (topic, id);

-- Told items that their feed no longer lists though it lists older ones.
CREATE TABLE withdrawals (
    item_id       INTEGER PRIMARY KEY REFERENCES items (id),
    missing_since TEXT NOT NULL,              -- when its feed first no longer listed it
    told_at       TEXT                        -- when that was told; null: it may come back
) STRICT;

-- Where the matter of a topic as a whole stands, whatever the story.
CREATE TABLE topics (
    name   TEXT PRIMARY KEY,                  -- the configuration's name
    state  TEXT,                              -- as in stories
    actor  TEXT,                              -- party by which it came there
    states TEXT NOT NULL                      -- its states of the last days, with when it came there
) STRICT;

-- Stories that turned out to be one. Merging tells nobody anything.
CREATE TABLE merges (
    id         INTEGER PRIMARY KEY,
    from_story INTEGER NOT NULL REFERENCES stories (id),
    into_story INTEGER NOT NULL REFERENCES stories (id),
    item_id    INTEGER NOT NULL REFERENCES items (id),  -- whose arrival showed it
    closeness  REAL NOT NULL,                 -- from 1 on they are one
    merged_at  TEXT NOT NULL                  -- when
) STRICT;

-- Which item stands in which story, and what was decided about it.
CREATE TABLE story_items (
    story_id   INTEGER NOT NULL REFERENCES stories (id),
    item_id    INTEGER NOT NULL REFERENCES items (id),
    similarity REAL,                          -- closeness to the story when it joined, where 1 is enough; null for the opener
    decision   TEXT NOT NULL,                 -- alert, or silent with the reason
    code       TEXT NOT NULL,                 -- alert, held, history, copy, told, past, floor, budget
    reason     TEXT NOT NULL,                 -- in words
    origin     TEXT NOT NULL,                 -- the outlet, or the agency that it names
    state      TEXT,                          -- of a meeting, as its headline tells it
    facts      TEXT NOT NULL,                 -- JSON: new and known facts, unsaid share, novelty
    runners_up TEXT NOT NULL,                 -- JSON: further stories with their closeness
    placed_at  TEXT NOT NULL,                 -- when the item joined
    PRIMARY KEY (story_id, item_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX story_items_by_item ON story_items (item_id);

-- Something new within a topic.
CREATE TABLE developments (
    id         INTEGER PRIMARY KEY,
    story_id   INTEGER NOT NULL REFERENCES stories (id),
    item_id    INTEGER NOT NULL REFERENCES items (id),
    kind       TEXT NOT NULL,                 -- opens, fact, state, official, correction
    novelty    REAL NOT NULL,                 -- 0..1
    reason     TEXT NOT NULL,                 -- why it is new, in words
    verdict    TEXT NOT NULL,                 -- alert, held, or why it is silent: history, past, floor, budget
    created_at TEXT NOT NULL                  -- when it was decided
) STRICT;
CREATE INDEX developments_by_story ON developments (story_id);
CREATE INDEX developments_by_item ON developments (item_id);
CREATE INDEX developments_by_time ON developments (created_at);

-- One message about one development. A development without an alert was silent; its verdict says why.
CREATE TABLE alerts (
    id             INTEGER PRIMARY KEY,
    development_id INTEGER NOT NULL UNIQUE REFERENCES developments (id),
    message        TEXT NOT NULL,             -- JSON, as a webhook receives it
    created_at     TEXT NOT NULL,             -- when it was decided
    acknowledged_at TEXT                      -- when its reader said so; ends escalation
) STRICT;
CREATE INDEX alerts_by_time ON alerts (created_at);

-- One message about a span of time: a slot of a schedule, what quiet hours held, or what was asked for.
CREATE TABLE digests (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,                 -- of the schedule; quiet: what a channel's quiet hours held; asked: digest --send
    slot       TEXT NOT NULL,                 -- the schedule's local time without zone (2026-02-28T08:00); else what tells it apart
    outcome    TEXT NOT NULL CHECK (outcome IN ('sent', 'empty', 'covered')),  -- covered: missed in a downtime, a later one has it
    late       INTEGER NOT NULL DEFAULT 0,    -- 1: made well after its slot
    since      TEXT NOT NULL,                 -- the span's beginning
    until      TEXT NOT NULL,                 -- the span's end
    message    TEXT,                          -- JSON; null where nothing was sent
    created_at TEXT NOT NULL,                 -- when it was composed
    UNIQUE (name, slot)
) STRICT;

-- How far the slots of a configured digest are accounted for.
CREATE TABLE schedules (
    name       TEXT PRIMARY KEY,              -- the digest's name in the configuration
    rule       TEXT NOT NULL,                 -- cron expression and zone; another rule counts from when it was read
    counted_to TEXT NOT NULL,                 -- no slot up to here is made any more
    told_to    TEXT NOT NULL                  -- where the next digest's span begins
) STRICT, WITHOUT ROWID;

-- Configured channels and how they fare.
CREATE TABLE channels (
    name        TEXT PRIMARY KEY,             -- the configuration's name
    active      INTEGER NOT NULL DEFAULT 1,   -- 0: no longer configured; what it is owed is held
    removed_at  TEXT,                         -- when it was last missed in the configuration
    failures    INTEGER NOT NULL DEFAULT 0,   -- attempts in a row that may be repeated
    rests_until TEXT,                         -- nothing is sent to it before; its own wish, or after failures
    last_error  TEXT,                         -- of the last attempt that failed
    told_at     TEXT                          -- when the operator was told that something to it is dead; null: since then it works
) STRICT, WITHOUT ROWID;

-- Who may send: one process, until its lease ends. The lock beside the archive comes first.
CREATE TABLE sender (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    holder  TEXT NOT NULL,                    -- a process
    machine TEXT NOT NULL,                    -- whose kernel enforces its lock; a hash
    until   TEXT NOT NULL                     -- when its lease ends
) STRICT;

-- One message to the operator: an important feed is otherwise than was told before.
CREATE TABLE health_events (
    id         INTEGER PRIMARY KEY,
    feed_id    INTEGER NOT NULL REFERENCES feeds (id),
    health     TEXT NOT NULL,                 -- ok, gap, silent, zombie, failing, blocked, gone
    reason     TEXT NOT NULL,                 -- in words
    message    TEXT NOT NULL,                 -- JSON, as a webhook receives it
    created_at TEXT NOT NULL                  -- when the visit showed it
) STRICT;
CREATE INDEX health_events_by_feed ON health_events (feed_id);

-- One message to the operator: something to a channel is dead.
CREATE TABLE notices (
    id         INTEGER PRIMARY KEY,
    channel    TEXT NOT NULL,                 -- the configuration's name
    message    TEXT NOT NULL,                 -- JSON, as a webhook receives it
    created_at TEXT NOT NULL                  -- when it was decided
) STRICT;

-- The outbox: one alert, digest, health event or notice × one channel.
CREATE TABLE deliveries (
    id              INTEGER PRIMARY KEY,
    alert_id        INTEGER REFERENCES alerts (id),
    digest_id       INTEGER REFERENCES digests (id),
    health_event_id INTEGER REFERENCES health_events (id),
    notice_id       INTEGER REFERENCES notices (id),
    story_id        INTEGER REFERENCES stories (id),  -- of an alert: within it a channel gets one after the other
    channel         TEXT NOT NULL,            -- the configuration's name
    state           TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'retry', 'held', 'delivered', 'dead', 'expired')),  -- pending, sending, retry, delivered or dead (given up)
    held_by         TEXT CHECK (held_by IN ('quiet', 'removed')),  -- quiet hours, or its channel is no longer configured
    attempts        INTEGER NOT NULL DEFAULT 0,  -- how often it was tried
    next_attempt_at TEXT NOT NULL,            -- while sending: when the lease ends; while held: when quiet hours end
    expires_at      TEXT,                     -- undelivered by then, it goes into the next digest instead
    folded_into     INTEGER REFERENCES digests (id),  -- the digest that tells it instead
    idempotency_key TEXT NOT NULL UNIQUE,     -- the same at every attempt, so that a channel can tell a repeat
    last_error      TEXT,                     -- of the last attempt
    reference       TEXT,                     -- the channel's own name for what it took: later alerts of the story stand below
    created_at      TEXT NOT NULL,            -- when it was owed
    delivered_at    TEXT,                     -- when the channel took it
    CHECK ((alert_id IS NOT NULL) + (digest_id IS NOT NULL) + (health_event_id IS NOT NULL) + (notice_id IS NOT NULL) = 1),
    CHECK ((state = 'held') = (held_by IS NOT NULL)),
    UNIQUE (alert_id, channel),
    UNIQUE (digest_id, channel),
    UNIQUE (health_event_id, channel),
    UNIQUE (notice_id, channel)
) STRICT;
CREATE INDEX deliveries_owed ON deliveries (channel, next_attempt_at) WHERE state IN ('pending', 'sending', 'retry');
CREATE INDEX deliveries_in_order ON deliveries (channel, id) WHERE state IN ('pending', 'sending', 'retry');
CREATE INDEX deliveries_of_story ON deliveries (story_id, channel, id) WHERE story_id IS NOT NULL;
CREATE INDEX deliveries_held ON deliveries (channel, next_attempt_at) WHERE state = 'held';
CREATE INDEX deliveries_expiring ON deliveries (expires_at) WHERE state IN ('pending', 'retry') AND expires_at IS NOT NULL;
CREATE INDEX deliveries_expired ON deliveries (id) WHERE state = 'expired' AND folded_into IS NULL;
CREATE INDEX deliveries_folded ON deliveries (folded_into) WHERE folded_into IS NOT NULL;

-- To whom else an alert goes unless somebody takes it in time.
CREATE TABLE escalations (
    id       INTEGER PRIMARY KEY,
    alert_id INTEGER NOT NULL REFERENCES alerts (id),
    channels TEXT NOT NULL,                   -- JSON list: those it went to
    to_channels TEXT NOT NULL,                -- JSON list: those it goes to next
    unless   TEXT NOT NULL CHECK (unless IN ('acknowledged', 'delivered')),  -- what ends it
    due_at   TEXT NOT NULL,                   -- when the next channels are told, unless what ends it comes first
    state    TEXT NOT NULL CHECK (state IN ('waiting', 'raised', 'ended'))  -- waiting, raised or ended
) STRICT;
CREATE INDEX escalations_due ON escalations (due_at) WHERE state = 'waiting';
CREATE INDEX escalations_by_alert ON escalations (alert_id);

-- Full text of titles and summaries, written by the service: words of spaced scripts, overlapping
-- pairs of characters of the others. Rows are the items'.
CREATE VIRTUAL TABLE items_fts USING fts5 (
    title, summary, content = '', contentless_delete = 1, detail = column, tokenize = "ascii"
);

-- Larger pages and fewer merges: a poll writes a thousand rows at once, and reading twenty segments costs a search
-- little.
INSERT INTO items_fts (items_fts, rank) VALUES ('pgsz', 16000), ('automerge', 16);

-- Developments of the last days with their story, item and outlet.
CREATE VIEW recent_developments AS
SELECT d.created_at, s.topic, d.kind, i.title, f.outlet, i.language, d.reason, i.url, d.story_id, d.item_id,
       a.id AS alert_id
FROM developments d
JOIN stories s ON s.id = d.story_id
JOIN items i ON i.id = d.item_id
JOIN feeds f ON f.id = i.feed_id
LEFT JOIN alerts a ON a.development_id = d.id
ORDER BY d.created_at DESC;

-- Every item of every story in time order.
CREATE VIEW story_timeline AS
SELECT si.story_id, coalesce(i.published_at, i.first_seen_at) AS at, f.outlet, f.family, i.language, i.title,
       si.decision, si.reason, i.url, i.id AS item_id
FROM story_items si
JOIN items i ON i.id = si.item_id
JOIN feeds f ON f.id = i.feed_id
ORDER BY si.story_id, at;
