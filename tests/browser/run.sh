#!/bin/sh
# The dashboard in a real browser. Needs Node 20 and fetches the rest: Chromium by apt where there is none,
# the driver and axe by npm. The program is built unless SUMMITWATCH names one.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
if ! command -v chromium >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk
fi
[ -d node_modules ] || npm ci
program=${SUMMITWATCH:-$root/target/release/summitwatch}
[ -n "${SUMMITWATCH:-}" ] || (cd "$root" && cargo build --release)
exec node run.mjs "$program" "$root/target"
