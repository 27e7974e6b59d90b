-- Browsers that subscribed on the dashboard to a channel of kind webpush.
CREATE TABLE subscriptions (
    id            INTEGER PRIMARY KEY,
    channel       TEXT NOT NULL,            -- the channel that they hear
    endpoint      TEXT NOT NULL,            -- address at the browser's push service, which is a secret
    p256dh        TEXT NOT NULL,            -- the browser's public key, base64url; empty once it ended
    auth          TEXT NOT NULL,            -- the secret that it shares with us, base64url; empty once it ended
    reader        TEXT NOT NULL,            -- who subscribed
    subscribed_at TEXT NOT NULL,            -- when
    ended_at      TEXT,                     -- when it ended; null: it stands
    ended_why     TEXT,                     -- who ended it, or what the push service said
    UNIQUE (channel, endpoint)
) STRICT;

ALTER TABLE acts ADD COLUMN channel TEXT;       -- of a follow: where every report goes; null: no further channel
ALTER TABLE acts ADD COLUMN told_item INTEGER;  -- of such a follow: the last item that was looked at
