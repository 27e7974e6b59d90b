#!/bin/sh
# Makes the Debian package: what cargo-deb takes from target/package (units with the package's path, manual pages,
# completions, the configuration), then the package. Prints its path.
# Usage: build.sh [SUMMITWATCH]     target/release/summitwatch must be there, or is named
set -eu

cd "$(dirname "$0")/../.."
bin=${1:-target/release/summitwatch}
command -v cargo-deb >/dev/null || cargo install --locked --quiet cargo-deb >&2
[ "$(readlink -f "$bin")" = "$(readlink -f target/release/summitwatch)" ] || cp "$bin" target/release/summitwatch
rm -rf target/package
mkdir -p target/package/units target/package/man target/package/completions target/package/etc
for unit in systemd/*.service systemd/*.timer; do
    sed 's|/usr/local/bin/summitwatch|/usr/bin/summitwatch|g' "$unit" >"target/package/units/$(basename "$unit")"
done
"$bin" man --dir target/package/man
gzip -9n target/package/man/*
"$bin" completions bash >target/package/completions/summitwatch.bash
"$bin" completions zsh >target/package/completions/_summitwatch
"$bin" completions fish >target/package/completions/summitwatch.fish
# As the program ships it, and for no home.
env -i "$bin" init target/package/etc >/dev/null
cargo deb --no-build --no-strip >&2
ls -t target/debian/*.deb | head -n 1
