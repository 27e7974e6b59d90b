#!/usr/bin/env python3
"""An hour of 300 feeds with the topic `all` and a webhook: whether memory, descriptors, threads, the log and the time of a
turn stay flat after the warm-up.

    tests/faults/soak.py --bin target/release/summitwatch [--minutes 60] [--feeds 300] [--csv soak.csv] [--reader]
    tests/faults/soak.py --bin … --minutes 15 --per-minute 1200        a quarter of an hour: warm after five minutes

Warm is a service whose board is full: 4,000 open developments of a topic, and its cache of pages. With --reader another
program keeps one old state of the archive open during the first third; the log grows meanwhile, and must be short again
afterwards. Prints a line a minute and, in the end, how each measure of the last third differs from that of the middle third. Exit
status 1 where one rose by more than a tenth and a floor that noise does not reach. Linux; Python's standard library only."""
import argparse, http.server, os, random, re, socketserver, sqlite3, subprocess, sys, tempfile, threading, time, urllib.request

SHOWN = 20
SYLLABLES = 'ka lo mi tu pe ra no si vu de fo gi ha ju ze bo'.split()


class Press:
    def __init__(self, feeds, per_minute):
        self.articles = [[] for _ in range(feeds)]
        self.dice, self.pause, self.n, self.taken = random.Random(7), 60 / per_minute, 0, 0
        threading.Thread(target=self.newsroom, daemon=True).start()

    def newsroom(self):
        while True:
            feed = self.dice.randrange(len(self.articles))
            words = ' '.join(''.join(self.dice.choice(SYLLABLES) for _ in range(self.dice.randint(2, 4))) for _ in range(8))
            self.n += 1
            at = time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime())
            self.articles[feed] = [f'<item><title>{words.capitalize()}</title><link>https://f{feed}.example/{self.n}</link><guid>{self.n}</guid>'
                                   f'<pubDate>{at}</pubDate><description>{words} {words}</description></item>', *self.articles[feed][:SHOWN - 1]]
            time.sleep(self.pause)


def server(press):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def log_message(self, *_):
            pass

        def answer(self, body):
            self.send_response_only(200)
            self.send_header('Content-Type', 'application/rss+xml')
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            items = ''.join(press.articles[int(self.path.strip('/f'))])
            self.answer(f'<rss version="2.0"><channel><title>x</title>{items}</channel></rss>'.encode())

        def do_POST(self):
            self.rfile.read(int(self.headers['Content-Length']))
            press.taken += 1
            self.answer(b'{}')

    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads, request_queue_size = True, 256

        def handle_error(self, *_):
            pass

    it = Server(('127.0.0.1', 0), Handler)
    threading.Thread(target=it.serve_forever, daemon=True).start()
    return f'http://127.0.0.1:{it.server_address[1]}'


def turns(port):
    """Turns of the polls so far and the seconds that they took, as the service counts them."""
    text = urllib.request.urlopen(f'http://127.0.0.1:{port}/metrics', timeout=10).read().decode()
    of = lambda what: float(re.search(rf'^summitwatch_turn_seconds_{what}{{loop="poll"}} (\S+)', text, re.M)[1])
    return of('count'), of('sum')


def measure(pid, archive, port, last):
    status = dict(line.split(':', 1) for line in open(f'/proc/{pid}/status') if ':' in line)
    ticks = sum(map(int, open(f'/proc/{pid}/stat').read().rsplit(') ', 1)[1].split()[11:13]))
    items = sqlite3.connect(archive).execute('SELECT count(*) FROM items').fetchone()[0]
    size = lambda path: os.path.getsize(path) if os.path.exists(path) else 0
    new = items - last.get('items', 0)
    cpu = (ticks - last.get('ticks', 0)) / os.sysconf('SC_CLK_TCK')
    count, took = turns(port)
    more = count - last.get('turns', 0)
    return {
        'turns': count, 'turns_took': took, 'turn_ms': (took - last.get('turns_took', 0)) * 1000 / more if more else 0,
        'items': items, 'ticks': ticks, 'rss_mb': int(status['VmRSS'].split()[0]) / 1024, 'fds': len(os.listdir(f'/proc/{pid}/fd')),
        'threads': int(status['Threads']), 'wal_mb': size(archive + '-wal') / 2**20, 'cpu_ms_an_item': cpu * 1000 / new if new else 0,
    }


# A rise below this is noise: megabytes, descriptors, threads, megabytes, milliseconds twice.
FLOORS = {'rss_mb': 4, 'fds': 40, 'threads': 8, 'wal_mb': 8, 'cpu_ms_an_item': 3, 'turn_ms': 10}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--bin', default='target/release/summitwatch')
    parser.add_argument('--minutes', type=int, default=60)
    parser.add_argument('--feeds', type=int, default=300)
    parser.add_argument('--per-minute', type=float, default=390, help='new articles of all feeds together')
    parser.add_argument('--reader', action='store_true', help='another program keeps an old state open for the first third')
    parser.add_argument('--csv')
    asked = parser.parse_args()
    press = Press(asked.feeds, asked.per_minute)
    base, folder = server(press), tempfile.mkdtemp(prefix='sw-soak-')
    with socketserver.TCPServer(('127.0.0.1', 0), None) as free:
        port = free.server_address[1]
    archive, conf = os.path.join(folder, 'a.db'), os.path.join(folder, 'summitwatch.toml')
    with open(conf, 'w') as it:
        it.write(f'archive = "a.db"\n[web]\nlisten = "127.0.0.1:{port}"\n[poll]\ninterval = "60s"\nmin_interval = "30s"\nmax_interval = "90s"\nhint_cap = "1s"\nhost_spacing = "1s"\n')
        for n in range(asked.feeds):
            it.write(f'[[feeds]]\nname = "f{n}"\nurl = "{base}/f{n}"\noutlet = "O{n}"\nallow_private = true\n')
        it.write(f'[[topics]]\nname = "all"\n[[channels]]\nname = "desk"\nkind = "webhook"\nurl = "{base}/hook"\nallow_private = true\n[[routes]]\ntopic = "all"\nchannels = ["desk"]\n')
    log = open(os.path.join(folder, 'log'), 'wb')
    service = subprocess.Popen([os.path.abspath(asked.bin), 'run', '--config', conf], cwd=folder, stdout=log, stderr=log)
    rows, last, reader, longest = [], {}, None, 0
    for minute in range(1, asked.minutes + 1):
        if asked.reader and minute == 1:
            while not os.path.exists(archive):
                time.sleep(.2)
            time.sleep(5)
            reader = sqlite3.connect(f'file:{archive}?mode=ro', uri=True, isolation_level=None)
            reader.execute('BEGIN')
            reader.execute('SELECT count(*) FROM items').fetchone()
        if reader and minute > asked.minutes // 3:
            reader.close()
            reader = None
        time.sleep(60)
        if service.poll() is not None:
            sys.exit(f'the service ended with {service.returncode}; its log is in {folder}')
        last = measure(service.pid, archive, port, last)
        rows.append(last)
        longest = max(longest, last['wal_mb'])
        print(f'minute {minute}: ' + ', '.join(f'{name} {value:.1f}' if isinstance(value, float) else f'{name} {value}' for name, value in last.items()), f'told {press.taken}', flush=True)
    service.terminate()
    service.wait(60)
    if asked.csv:
        with open(asked.csv, 'w') as it:
            it.write(','.join(rows[0]) + '\n')
            it.writelines(','.join(str(value) for value in row.values()) + '\n' for row in rows)
    third, bad = max(1, len(rows) // 3), False
    mean = lambda part, name: sum(row[name] for row in part) / len(part)
    for name, floor in FLOORS.items():
        middle, end = mean(rows[third:2 * third] or rows, name), mean(rows[-third:], name)
        rose = end - middle > max(floor, middle / 10)
        bad |= rose
        print(f'{"ROSE" if rose else "flat"} {name}: {middle:.1f} in the middle third, {end:.1f} in the last')
    if asked.reader:
        end = rows[-1]['wal_mb']
        print(f'{"LONG" if end > 16 else "short"} log: {longest:.1f} MB while it was read, {end:.1f} at the end')
        bad |= end > 16
    sys.exit(1 if bad else 0)


if __name__ == '__main__':
    main()
