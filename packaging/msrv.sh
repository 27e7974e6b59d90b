#!/bin/sh
# `rust-version` is true: no dependency asks for a newer compiler, and one asks for this one.
# Usage: msrv.sh
set -eu
cd "$(dirname "$0")/.."
cargo metadata --format-version 1 --locked --filter-platform x86_64-unknown-linux-gnu | python3 -c '
import json, sys

def number(text):
    return tuple(int(it) for it in text.split("."))[:2]

packages = json.load(sys.stdin)["packages"]
own = next(it for it in packages if it["name"] == "summitwatch" and it["source"] is None)
asked = [(number(it["rust_version"]), it["name"], it["version"]) for it in packages if it["source"] and it["rust_version"]]
most = max(asked)
said = number(own["rust_version"])
print("rust-version {}.{}; {} {} asks for {}.{}".format(*said, *most[1:], *most[0]))
sys.exit(0 if said >= most[0] else 1)
'
