#!/bin/sh
# E-mail against a real SMTP server, aiosmtpd, with STARTTLS, implicit TLS and passwords:
#   tests/smtp/run.sh [PROGRAM]          (target/debug/summitwatch when left out)
# Needs python3 with venv, and openssl. Everything it makes lies in a folder that it removes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=${1:-$here/../../target/debug/summitwatch}
program=$(cd "$(dirname "$program")" && pwd)/$(basename "$program")
work=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check aiosmtpd==1.4.6

# An authority of our own, a server it vouches for, and one that nobody vouches for.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.pem -subj "/CN=summitwatch test authority" \
    -addext "basicConstraints=critical,CA:TRUE" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj "/CN=localhost" 2>/dev/null
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' > ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.pem -extfile ext 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout other.key -out other.pem -subj "/CN=localhost" \
    -addext "subjectAltName=DNS:localhost" 2>/dev/null

venv/bin/python "$here/server.py" server.pem server.key other.pem other.key > ports 2> server.log &
server=$!
n=0
until [ "$(wc -l < ports)" -ge 1 ]; do
    n=$((n + 1)); [ $n -lt 100 ] || { echo "the mail server does not start" >&2; exit 1; }
    sleep 0.1
done
read -r starttls implicit untrusted < ports

channel() { # NAME PORT TLS USER PASSWORD-VARIABLE TO
    printf '[[channels]]\nname = "%s"\nkind = "email"\nhost = "localhost"\nport = %s\ntls = "%s"\nca = "ca.pem"\n' "$1" "$2" "$3"
    printf 'from = "summitwatch <watch@desk.example>"\nto = %s\nuser = "%s"\nsecret = { env = "%s" }\n\n' "$6" "$4" "$5"
}
{
    echo 'archive = "summitwatch.db"'
    channel starttls "$starttls" starttls watch RIGHT '["desk@a.example", "분석실 <room@b.example>"]'
    channel implicit "$implicit" implicit watch RIGHT '["desk@a.example"]'
    channel wrong "$starttls" starttls watch WRONG '["desk@a.example"]'
    channel partly "$starttls" starttls watch RIGHT '["desk@a.example", "nobody@a.example"]'
    channel nobody "$starttls" starttls watch RIGHT '["nobody@a.example"]'
    channel later "$starttls" starttls watch RIGHT '["greylisted@a.example"]'
    channel untrusted "$untrusted" implicit watch RIGHT '["desk@a.example"]'
    channel mixed "$starttls" implicit watch RIGHT '["desk@a.example"]'
} > summitwatch.toml
RIGHT=correct-horse-7c1d; WRONG=battery-staple-7c1d; export RIGHT WRONG

failed=0
expect() { # CHANNEL STATUS WORDS
    status=0
    said=$("$program" notify test "$1" --config summitwatch.toml --log trace 2>&1) || status=$?
    if [ "$status" -ne "$2" ] || ! printf '%s' "$said" | grep -q -- "$3"; then
        echo "FAILED $1: status $status, said:" >&2; printf '%s\n' "$said" | tail -5 >&2; failed=1
    elif printf '%s' "$said" | grep -q -e "$RIGHT" -e "$WRONG"; then
        echo "FAILED $1: a password is told" >&2; failed=1
    else
        echo "ok $1"
    fi
}
expect starttls 0 "took the test message"
expect implicit 0 "took the test message"
expect wrong 1 "refused it: localhost does not let watch in"
expect partly 0 "took the test message"
expect nobody 1 "refused it: refused: nobody@a.example"
expect later 1 "tried again"
expect untrusted 1 "tried again"
expect mixed 1 "tried again"

# What arrived, read by Python's own parser of mail.
venv/bin/python "$here/judge.py" mails || failed=1
[ $failed = 0 ] || tail -n 20 server.log >&2
exit $failed
