#!/bin/sh
# The Debian package in a Debian of its own: built, checked, installed over a package of the release before with an archive
# that has data, started, asked, removed, purged. And the stages of the Containerfile, whose commands are tried by hand.
# Needs root, and Debian's mirror for debootstrap, which it installs.
# Usage: run.sh [OLD-SUMMITWATCH]      the program of the release before; without it, the upgrade is from this one
set -eu

cd "$(dirname "$0")/../.."
new=target/release/summitwatch
old=${1:-$new}
dir=$(mktemp -d)
root=$dir/root
service=
cleanup() {
    test -z "$service" || kill "$service" 2>/dev/null || true
    umount "$root/proc" 2>/dev/null || true
    rm -rf "$dir"
}
trap cleanup EXIT
say() { printf '   %s\n' "$*"; }
fail() { echo "failed: $*" >&2; exit 1; }
passed=0
ok() { passed=$((passed + 1)); say "ok: $*"; }

if ! command -v debootstrap >/dev/null || ! command -v lintian >/dev/null; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap lintian >/dev/null
fi
deb=$(sh packaging/deb/build.sh | tail -n 1)
lintian --fail-on error --suppress-tags no-changelog,missing-depends-line,embedded-library,unstripped-binary-or-object,maintainer-address-causes-mail-loops-or-bounces,bogus-mail-host,hardening-no-pie "$deb" >"$dir/lintian" 2>&1 || { grep '^E:' "$dir/lintian" >&2; fail lintian; }
ok "built and linted: $(basename "$deb") ($(stat -c %s "$deb") bytes)"
dpkg-deb -c "$deb" | grep -c 'man1/summitwatch' | { read -r n; [ "$n" -ge 30 ] || fail "only $n manual pages"; }
ok 'a manual page for every command'

debootstrap --variant=minbase --include=ca-certificates,systemd,procps,tzdata bookworm "$root" >"$dir/debootstrap" 2>&1 || { tail "$dir/debootstrap" >&2; fail debootstrap; }
mount -t proc proc "$root/proc"
surroundings='PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive'
in_root() { chroot "$root" env -i $surroundings "$@"; }

# The release before, as a package that holds its program and its configuration.
mkdir -p "$dir/old/DEBIAN" "$dir/old/usr/bin" "$dir/old/etc"
install -m 755 "$old" "$dir/old/usr/bin/summitwatch"
env -i "$old" init "$dir/old/etc/summitwatch" >/dev/null
(cd "$dir/old" && find etc -type f | sed 's|^|/|') >"$dir/old/DEBIAN/conffiles"
printf 'Package: summitwatch\nVersion: 0.1.0-1\nArchitecture: amd64\nMaintainer: x <x@example.org>\nDescription: the release before\n' >"$dir/old/DEBIAN/control"
dpkg-deb --build --root-owner-group "$dir/old" "$dir/old.deb" >/dev/null
cp "$dir/old.deb" "$deb" "$root/tmp/"
in_root dpkg -i /tmp/old.deb >/dev/null 2>&1
# With data, by its demo; its systemd keeps it in the private folder.
in_root summitwatch demo --dir /tmp/demo >/dev/null
mkdir -p "$root/var/lib/private/summitwatch"
cp "$root/tmp/demo/summitwatch.db" "$root/var/lib/private/summitwatch/"
ln -s private/summitwatch "$root/var/lib/summitwatch"
# Somebody's own line in the configuration.
sed -i 's/^interval = "15m"/interval = "10m"/' "$root/etc/summitwatch/summitwatch.toml"
before=$(in_root summitwatch sql --archive /var/lib/summitwatch/summitwatch.db --csv 'SELECT count(*) FROM alerts' | tail -n 1 | tr -d '\r')
[ "$before" -gt 0 ] || fail 'the old archive is empty'

in_root dpkg --force-confold -i "/tmp/$(basename "$deb")" >"$dir/upgrade" 2>&1 || { cat "$dir/upgrade" >&2; fail upgrade; }
grep -q 'interval = "10m"' "$root/etc/summitwatch/summitwatch.toml" || fail 'the upgrade took the own configuration'
# The units are there, and enabled as far as a root without a running systemd can say.
for unit in summitwatch.service summitwatch-backup.timer; do
    state=$(in_root systemctl is-enabled "$unit" 2>&1 || true)
    [ "$state" = enabled ] || fail "$unit is $state"
done
[ "$(in_root systemctl is-enabled summitwatch-digest.timer 2>&1 || true)" = disabled ] || fail 'the digest timer is on'
in_root sh -c 'systemd-analyze verify --man=no /lib/systemd/system/summitwatch.service' 2>&1 | grep -i summitwatch && fail 'the unit does not verify'
ok 'upgraded, own configuration kept, units enabled'
in_root summitwatch check | head -n 1 | grep -q '^archive        /var/lib/summitwatch/summitwatch.db' || fail 'check does not say where the archive is'

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
sed -i "s/127.0.0.1:8787/127.0.0.1:$port/; s/^include = .*/include = []/" "$root/etc/summitwatch/summitwatch.toml"
# As the unit starts it, but for systemd. No function stands between, so that `$!` is the service itself.
exec_start=$(sed -n 's/^ExecStart=//p' "$root/lib/systemd/system/summitwatch.service")
chroot "$root" env -i $surroundings $exec_start >"$dir/service.log" 2>&1 &
service=$!
python3 - "$port" <<'PYTHON' || { cat "$dir/service.log" >&2; fail 'the service does not come up'; }
import sys, time, urllib.error, urllib.request
for _ in range(150):
    try:
        urllib.request.urlopen(f'http://127.0.0.1:{sys.argv[1]}/readyz').read()
        break
    except (urllib.error.URLError, ConnectionError):
        time.sleep(.2)
else:
    sys.exit(1)
text = urllib.request.urlopen(f'http://127.0.0.1:{sys.argv[1]}/metrics').read().decode()
assert 'summitwatch_build_info{version="' in text, text
PYTHON
after=$(in_root summitwatch sql --csv 'SELECT count(*) FROM alerts' | tail -n 1 | tr -d '\r')
[ "$after" = "$before" ] || fail "$before alerts before the upgrade, $after after it"
ls "$root"/var/lib/private/summitwatch/ | grep -q 'summitwatch.db' || fail 'the archive is elsewhere'
in_root summitwatch health --ready >/dev/null || fail health
in_root summitwatch alerts >/dev/null || fail 'alerts without --archive'
kill "$service"; wait "$service" || fail "the service stopped with $?"
service=
ok "started, asked for /metrics; $after alerts as before"

in_root dpkg -r summitwatch >/dev/null 2>&1
[ -e "$root/etc/summitwatch/summitwatch.toml" ] || fail 'remove took the configuration'
in_root dpkg -P summitwatch >"$dir/purge" 2>&1
[ ! -e "$root/etc/summitwatch/summitwatch.toml" ] || fail 'purge left the configuration'
[ -e "$root/var/lib/private/summitwatch/summitwatch.db" ] || fail 'purge took the archive'
[ ! -e "$root/usr/bin/summitwatch" ] || fail 'the program is still there'
ok 'removed and purged; the archive is kept'

# The container: the second stage's root, made by the first stage's commands, and its user, entry point and health check.
image=$dir/image
mkdir -p "$image/etc" "$image/var/lib/summitwatch" "$image/tmp" "$image/usr/bin"
install -m 755 "$new" "$image/usr/bin/summitwatch"
env -i "$new" init "$image/etc/summitwatch" >/dev/null
chown -R 65532:65532 "$image/var/lib/summitwatch"
chmod 1777 "$image/tmp"
sed -i "s/127.0.0.1:8787/127.0.0.1:$port/; s/^include = .*/include = []/" "$image/etc/summitwatch/summitwatch.toml"
# What distroless/cc brings: the C library with its resolver, and time zones.
for library in $(ldd "$new" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/lib64[^ ]*\).*/\1/p') /lib/x86_64-linux-gnu/libnss_dns.so.2 /lib/x86_64-linux-gnu/libnss_files.so.2; do
    install -D "$library" "$image$library"
done
as_image() { chroot --userspec=65532:65532 "$image" /usr/bin/summitwatch "$@"; }
mkdir -p "$image/usr/share"
cp -r "$root/usr/share/zoneinfo" "$image/usr/share/"
chroot --userspec=65532:65532 "$image" /usr/bin/summitwatch run >"$dir/image.log" 2>&1 &
service=$!
for _ in $(seq 100); do as_image health >/dev/null 2>&1 && break; sleep 0.2; done
as_image health | grep -q alive || { cat "$dir/image.log" >&2; fail 'the container is not alive'; }
[ "$(stat -c %u "$image/var/lib/summitwatch/summitwatch.db")" = 65532 ] || fail 'the archive is not the user'"'"'s'
kill -TERM "$service"; wait "$service" || fail "the container stopped with $?"
service=
as_image health >/dev/null 2>&1 && fail 'a stopped service is alive'
ok 'the image runs without root and says how it is'
echo "$passed passed, 0 failed"
