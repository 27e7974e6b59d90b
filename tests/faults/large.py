#!/usr/bin/env python3
"""Fifty documents of 15 MiB at once, of the kinds that cost most, beside a feed that is well.

    tests/faults/large.py --bin target/release/summitwatch [--most 400]

The service's unit has MemoryMax=512M: the service must read all of them and stay below --most MiB, and the feed that is
well must be read meanwhile. Exit status 1 where it does not. Linux; Python's standard library only."""
import argparse, gzip, http.server, json, os, socketserver, sqlite3, subprocess, sys, tempfile, threading, time

FEEDS = 50
SIZE = 15 << 20


def documents():
    """Entries by the thousand, one entry of one text, deep markup, JSON of small values, and compressed ones."""
    def filled(head, piece, tail):
        return head + piece * ((SIZE - len(head) - len(tail)) // len(piece)) + tail
    rss, end = b'<rss version="2.0"><channel><title>x</title>', b'</channel></rss>'
    many = filled(rss, b'<item><title>Harbour pilots count barges</title><link>https://a.example/1</link><description>' + b'words ' * 20 + b'</description></item>', end)
    one = filled(rss + b'<item><title>one</title><guid>1</guid><description>', b'words &amp; more ', b'</description></item>' + end)
    deep = filled(rss, b'<a><b c="d">', end)
    values = filled(b'{"version": "https://jsonfeed.org/version/1.1", "title": "x", "items": [', b'{"id": 1, "tags": [1, 2, {}]},', b'{"id": 2}]}')
    return [(many, None), (one, None), (deep, None), (values, None), (gzip.compress(many, 1), 'gzip')]


def server(kinds):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def log_message(self, *_):
            pass

        def do_GET(self):
            name = self.path.strip('/')
            body, coding = kinds[int(name) % len(kinds)] if name.isdigit() else (
                b'<rss version="2.0"><channel><title>well</title><item><title>All is well here</title><guid>%f</guid></item></channel></rss>' % time.time(), None)
            self.send_response_only(200)
            self.send_header('Content-Type', 'application/json' if body[:1] == b'{' else 'application/rss+xml')
            if coding:
                self.send_header('Content-Encoding', coding)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                pass

    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads, request_queue_size = True, 128

    it = Server(('', 0), Handler)
    threading.Thread(target=it.serve_forever, daemon=True).start()
    return it.server_address[1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--bin', default='target/release/summitwatch')
    parser.add_argument('--most', type=int, default=400, help='MiB of resident memory')
    parser.add_argument('--seconds', type=int, default=300, help='within which all have to be read')
    asked = parser.parse_args()
    port, folder = server(documents()), tempfile.mkdtemp(prefix='sw-large-')
    archive, conf = os.path.join(folder, 'a.db'), os.path.join(folder, 'summitwatch.toml')
    with open(conf, 'w') as it:
        it.write('archive = "a.db"\n[poll]\ninterval = "1h"\nmin_interval = "1h"\nhint_cap = "1s"\n')
        for n in range(FEEDS):
            it.write(f'[[feeds]]\nname = "f{n}"\nurl = "http://127.0.0.{n + 2}:{port}/{n}"\nallow_private = true\n')
        it.write(f'[[feeds]]\nname = "well"\nurl = "http://127.0.0.1:{port}/well"\ninterval = "1s"\nallow_private = true\n')
    with open(os.path.join(folder, 'log'), 'wb') as log:
        service = subprocess.Popen([os.path.abspath(asked.bin), 'run', '--config', conf], cwd=folder, stdout=log, stderr=log)
    began, seen, bad = time.time(), 0, False
    while time.time() < began + asked.seconds and seen < FEEDS:
        time.sleep(.5)
        if service.poll() is not None:
            sys.exit(f'the service ended with {service.returncode}; its log is in {folder}')
        try:
            seen = sqlite3.connect(archive).execute("SELECT count(DISTINCT feed_id) FROM fetches JOIN feeds f ON f.id = feed_id WHERE f.name <> 'well'").fetchone()[0]
        except sqlite3.Error:
            pass
    took = time.time() - began
    well = sqlite3.connect(archive).execute("SELECT count(*) FROM fetches JOIN feeds f ON f.id = feed_id WHERE f.name = 'well' AND error_class IS NULL").fetchone()[0]
    peak = next(int(line.split()[1]) >> 10 for line in open(f'/proc/{service.pid}/status') if line.startswith('VmHWM'))
    results = sqlite3.connect(archive).execute("SELECT coalesce(error_class, 'ok'), count(*) FROM fetches JOIN feeds f ON f.id = feed_id WHERE f.name <> 'well' GROUP BY 1").fetchall()
    wrong = sqlite3.connect(archive).execute("SELECT last_error, count(*) FROM feeds WHERE last_error IS NOT NULL GROUP BY 1").fetchall()
    service.terminate()
    service.wait(60)
    print(f'{seen} of {FEEDS} read in {took:.0f} s ({json.dumps(dict(results))}), {peak} MiB at most, the other feed {well} times meanwhile')
    for error, n in wrong:
        print(f'   {n} x {error}')
    sys.exit(1 if seen < FEEDS or peak > asked.most or well < took / 10 else 0)


if __name__ == '__main__':
    main()
