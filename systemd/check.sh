#!/bin/sh
# Checks a unit (summitwatch.service when none is named) with systemd's own tools: no complaint, and an exposure of at most 1.5.
# Usage: check.sh [UNIT]
set -eu

unit=${1:-$(dirname "$0")/summitwatch.service}
limit=15 # tenths, as --threshold takes it

if ! command -v systemd-analyze >/dev/null 2>&1; then
    echo "skipped: systemd-analyze is not here"
    exit 0
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' HUP INT TERM
copy=$dir/$(basename "$unit")

# `verify` wants the binary to exist, and it is not installed here: any other program stands in.
sed "s|^ExecStart=/usr/local/bin/summitwatch |ExecStart=$(command -v env) |" "$unit" >"$copy"

# It also reads the units which this one names and may complain about those: a line counts when it
# names ours, and every line does when the exit status says that ours does not load.
status=0
systemd-analyze verify --man=no "$copy" >"$dir/verify" 2>&1 || status=$?
if [ "$status" -ne 0 ]; then
    cat "$dir/verify" >&2
    echo "failed: verify ended with status $status" >&2
    exit 1
fi
if grep -F summitwatch "$dir/verify" >&2; then
    echo "failed: verify complains" >&2
    exit 1
fi

status=0
systemd-analyze security --offline=yes --no-pager --threshold="$limit" "$copy" \
    >"$dir/security" 2>&1 || status=$?
overall=$(grep 'Overall exposure level' "$dir/security" || true)
if [ "$status" -ne 0 ] || [ -z "$overall" ]; then
    cat "$dir/security" >&2
    echo "failed: exposure above $((limit / 10)).$((limit % 10)), or not measured" >&2
    exit 1
fi
echo "passed: verify has no complaint; ${overall#* }"
