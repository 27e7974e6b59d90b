#!/bin/sh
# Tries what stands in contrib: the rules with promtool, the dashboard's queries against what the program serves, and
# the format of what it serves. Installs Debian's prometheus package where promtool is not here.
# Usage: check.sh SUMMITWATCH
set -eu

here=$(cd "$(dirname "$0")" && pwd)
bin=$(readlink -f "${1:-target/release/summitwatch}")
if ! command -v promtool >/dev/null; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus >/dev/null
fi
promtool check rules "$here/prometheus-rules.yml"
(cd "$here" && promtool test rules prometheus-rules.test.yml)

dir=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill "$pid" 2>/dev/null || true; rm -rf "$dir"' EXIT
"$bin" demo --dir "$dir/demo" >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -i "s/127.0.0.1:8787/127.0.0.1:$port/" "$dir/demo/summitwatch.toml"
"$bin" run --config "$dir/demo/summitwatch.toml" >/dev/null 2>"$dir/log" &
pid=$!
python3 - "$port" "$here" "$dir" <<'PYTHON'
import json, re, subprocess, sys, time, urllib.request

port, here, folder = sys.argv[1:]
for _ in range(100):
    try:
        text = urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics').read().decode()
        if 'summitwatch_turn_seconds_count' in text and urllib.request.urlopen(f'http://127.0.0.1:{port}/readyz').status == 200:
            break
    except OSError:
        pass
    time.sleep(.2)
else:
    sys.exit('the service does not come up:\n' + open(folder + '/log').read())
checked = subprocess.run(['promtool', 'check', 'metrics'], input=text, text=True, capture_output=True)
if checked.returncode or checked.stderr.strip():
    sys.exit('promtool check metrics: ' + checked.stdout + checked.stderr)
declared = set(re.findall(r'^# TYPE (\S+)', text, re.M))
known = declared | {f'{name}_{end}' for name in declared for end in ('bucket', 'count', 'sum')} | {'up'}
words = json.dumps([t['expr'] for p in json.load(open(here + '/grafana-dashboard.json'))['panels'] for t in p['targets']])
words += ' '.join(re.findall(r'expr: (?:>\n)?((?:.+\n)(?:          .*\n)*)', open(here + '/prometheus-rules.yml').read()))
used = set(re.findall(r'\b(?:summitwatch|process)_[a-z_]+', words))
unknown = used - known
if unknown:
    sys.exit(f'no such metric: {sorted(unknown)}')
if len(used) < 12:
    sys.exit(f'only {sorted(used)} are used; the queries are not where they were')
print(f'{len(declared)} metrics are as Prometheus reads them; {len(used)} of them are used')
PYTHON
