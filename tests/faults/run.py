#!/usr/bin/env python3
"""The service among faults that are drawn at random, against the run that nothing disturbs.

    tests/faults/run.py --bin target/release/summitwatch [--seed 1] [--seconds 120] [--keep DIR]

Fifteen feeds publish invented headlines, each its own development. Meanwhile faults fall: kill -9, SIGSTOP, a disk that
takes no more, a clock that runs ahead or behind and is set right, servers that are slow, lie or break off, a channel that
fails before or after it took a message, a second instance, readers and writers of the archive, a reload with other topics.
When the faults have ended, every article that a feed served whole must have been told: once, or again under the same
Idempotency-Key. That is what the undisturbed run tells, in whatever order the faults make it.

Exempt, because nobody could tell better: what was first served while the clock was off (its date looks old or new).
Exit status 1 and the last lines of the log where something is lost, doubled, or the service ended by itself. A seed
that failed is added to seeds.txt beside this file and is run again by `--kept`. Python's standard library and a C compiler only."""
import argparse, http.server, json, os, random, re, resource, shutil, signal, socketserver, sqlite3, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
FEEDS = 15
SHOWN = 20  # entries of a document
SYLLABLES = 'ka lo mi tu pe ra no si vu de fo gi ha ju ze bo'.split()


def date(at):
    return time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime(at))


class Press:
    """What the feeds have published, and what the channel took. One lock for all of it."""

    def __init__(self, dice):
        self.dice, self.lock = dice, threading.Lock()
        self.articles = {n: [] for n in range(FEEDS)}
        self.served, self.exempt, self.taken, self.words = {}, set(), [], set()
        self.weather, self.channel = {}, 'well'
        self.skewed = False

    def word(self):
        return ''.join(self.dice.choice(SYLLABLES) for _ in range(5))

    def publish(self, feed):
        with self.lock:
            while True:
                words = [self.word() for _ in range(3)]
                if not self.words & set(words):
                    break
            self.words |= set(words)
            n = len(self.articles[feed])
            self.articles[feed].insert(0, (f'https://f{feed}.example/{n}', ' '.join(words).capitalize(), int(time.time())))

    def document(self, feed):
        shown = self.articles[feed][:SHOWN]
        items = ''.join(f'<item><title>{title}</title><link>{url}</link><guid>{url}</guid><pubDate>{date(at)}</pubDate></item>' for url, title, at in shown)
        return f'<rss version="2.0"><channel><title>F{feed}</title>{items}</channel></rss>'.encode(), [url for url, _, _ in shown]


def server(press):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = 'HTTP/1.1'

        def log_message(self, *_):
            pass

        def answer(self, status, body=b'', kind='application/rss+xml; charset=utf-8', length=None, **more):
            self.send_response_only(status)
            self.send_header('Content-Type', kind)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header('Content-Length', str(len(body) if length is None else length))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            feed = int(self.path.strip('/f') or 0)
            with press.lock:
                weather = press.weather.get(feed, 'fine')
                body, urls = press.document(feed)
            if weather == 'fine':
                # Written whole first: what the client never got is not served.
                self.answer(200, body)
                with press.lock:
                    for url in urls:
                        if url not in press.served:
                            press.served[url] = time.time()
                            if press.skewed:
                                press.exempt.add(url)
            elif weather == 'error':
                self.answer(500)
            elif weather == 'missing':
                self.answer(404)
            elif weather == 'empty':
                self.answer(200, b'<rss version="2.0"><channel><title>x</title></channel></rss>')
            elif weather == 'page':
                self.answer(200, b'<!doctype html><html><body><h1>Back soon</h1></body></html>', 'text/html')
            elif weather == 'cut':
                self.answer(200, body[:len(body) // 2])
            elif weather == 'unasked':
                self.answer(304)
            elif weather == 'long':
                self.answer(200, body, length=len(body) + 1000)
                self.close_connection = True
            elif weather == 'silent':
                time.sleep(8)
                self.close_connection = True
            elif weather == 'drip':
                self.send_response_only(200)
                self.send_header('Content-Length', '100000')
                self.end_headers()
                for _ in range(20):
                    self.wfile.write(b' ')
                    time.sleep(.5)
                self.close_connection = True
            else:
                self.wfile.write(os.urandom(200))
                self.close_connection = True

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
            with press.lock:
                state = press.channel
            if state == 'down':
                return self.answer(503)
            if state == 'busy':
                return self.answer(429, **{'Retry-After': '1'})
            if state == 'slow':
                time.sleep(1)
            if state == 'refusing':
                self.close_connection = True
                return None
            with press.lock:
                press.taken.append((body['item']['url'], self.headers['Idempotency-Key'], body['headline']))
            if state == 'deaf':
                # It took the message and nobody hears of it.
                self.close_connection = True
                return None
            return self.answer(200)

    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads, request_queue_size = True, 128

        def handle_error(self, *_):
            pass

    it = Server(('127.0.0.1', 0), Handler)
    threading.Thread(target=it.serve_forever, daemon=True).start()
    return f'http://127.0.0.1:{it.server_address[1]}'


class Service:
    def __init__(self, binary, folder, base):
        self.binary, self.folder, self.process = binary, folder, None
        self.archive, self.conf, self.shift = (os.path.join(folder, it) for it in ('a.db', 'summitwatch.toml', 'shift'))
        self.base, self.shim, self.faults = base, None, []
        # Every headline is told, however little it weighs: what is tested is that none is lost.
        shutil.copytree(os.path.join(HERE, '../../config/reading'), os.path.join(folder, 'reading'))
        weights = os.path.join(folder, 'reading/weights.toml')
        with open(weights) as it:
            text = re.sub(r'(?m)^tell = .*$', 'tell = 0.01', it.read())
        with open(weights, 'w') as it:
            it.write(text)
        self.configure(False)
        self.set_clock(0)
        shim = os.path.join(folder, 'clock.so')
        if shutil.which('cc') and subprocess.run(['cc', '-shared', '-fPIC', '-O1', '-o', shim, os.path.join(HERE, 'clock.c'), '-ldl']).returncode == 0:
            self.shim = shim

    def configure(self, more):
        text = 'archive = "a.db"\nreading = "reading"\n[poll]\ninterval = "1s"\nmin_interval = "1s"\nmax_interval = "2s"\nhint_cap = "1s"\nread_timeout = "5s"\n'
        for n in range(FEEDS):
            text += f'[[feeds]]\nname = "f{n}"\nurl = "{self.base}/f{n}"\noutlet = "Outlet {n}"\nallow_private = true\n'
        text += '[[topics]]\nname = "all"\nalerts_per_outlet = 1000000\n'
        if more:
            text += '[[topics]]\nname = "us-dprk-summit"\n'
        text += f'[[channels]]\nname = "desk"\nkind = "webhook"\nurl = "{self.base}/hook"\nallow_private = true\nconcurrency = 4\n[[routes]]\ntopic = "all"\nchannels = ["desk"]\n'
        with open(self.conf + '.new', 'w') as it:
            it.write(text)
        os.rename(self.conf + '.new', self.conf)

    def set_clock(self, seconds):
        with open(self.shift + '.new', 'w') as it:
            it.write(str(seconds))
        os.rename(self.shift + '.new', self.shift)

    def start(self):
        env = {**os.environ, 'CLOCK_SHIFT': self.shift, **({'LD_PRELOAD': self.shim} if self.shim else {})}
        log = open(os.path.join(self.folder, 'log'), 'ab')
        # A write beyond RLIMIT_FSIZE then fails as on a full disk, instead of ending the process.
        ignore = lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self.process = subprocess.Popen([self.binary, 'run', '--config', self.conf], cwd=self.folder, env=env, stdout=log, stderr=log, preexec_fn=ignore)

    def alive(self):
        if self.process.poll() is not None:
            self.faults.append(f'the service ended by itself with {self.process.returncode}')
            self.start()

    def kill(self):
        self.alive()
        self.process.kill()
        self.process.wait()

    def log(self):
        with open(os.path.join(self.folder, 'log'), errors='replace') as it:
            return it.read()


WEATHERS = 'error missing empty page cut unasked long silent drip garbage'.split()
CHANNEL = 'down busy slow refusing deaf'.split()


def fall(dice, press, service):
    """One fault, from its beginning to its end."""
    kinds = ['kill'] * 3 + ['stop', 'disk', 'weather', 'weather', 'weather', 'channel', 'channel', 'second', 'reader', 'writer', 'reload']
    kinds += ['clock'] * 2 if service.shim else []
    kind = dice.choice(kinds)
    span = dice.uniform(.5, 4)
    if kind == 'kill':
        service.kill()
        time.sleep(dice.uniform(0, .5))
        service.start()
    elif kind == 'stop':
        service.process.send_signal(signal.SIGSTOP)
        time.sleep(span)
        service.process.send_signal(signal.SIGCONT)
    elif kind == 'disk':
        try:
            full = os.path.getsize(service.archive) + 4096
            resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (full, resource.RLIM_INFINITY))
            time.sleep(span)
            resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except (FileNotFoundError, ProcessLookupError):
            pass
        # What starts on a full disk ends with its reason, and its manager starts it again.
        if service.process.poll() == 1 and 'cannot be written' in service.log()[-400:]:
            service.start()
    elif kind == 'weather':
        feeds = dice.sample(range(FEEDS), dice.randint(1, FEEDS))
        with press.lock:
            press.weather = {feed: dice.choice(WEATHERS) for feed in feeds}
        time.sleep(span)
        with press.lock:
            press.weather = {}
    elif kind == 'channel':
        with press.lock:
            press.channel = dice.choice(CHANNEL)
        time.sleep(span)
        with press.lock:
            press.channel = 'well'
    elif kind == 'second':
        service.alive()
        try:
            done = subprocess.run([service.binary, 'run', '--config', service.conf], cwd=service.folder, capture_output=True, text=True, timeout=30)
            if done.returncode == 0 or 'in use' not in done.stderr:
                service.faults.append(f'a second instance ended with {done.returncode}: {done.stderr[-300:]}')
        except subprocess.TimeoutExpired as it:
            service.faults.append(f'a second instance ran beside the first, which was {service.process.poll()}: {(it.stderr or b"")[-600:]}')
    elif kind == 'reader':
        try:
            reader = sqlite3.connect(f'file:{service.archive}?mode=ro', uri=True, timeout=1)
            reader.execute('BEGIN')
            reader.execute('SELECT count(*) FROM items').fetchone()
            time.sleep(span)
            reader.close()
        except sqlite3.Error:
            pass
    elif kind == 'writer':
        try:
            writer = sqlite3.connect(service.archive, timeout=1, isolation_level=None)
            writer.execute('BEGIN IMMEDIATE')
            time.sleep(span)
            writer.execute('ROLLBACK')
            writer.close()
        except sqlite3.Error:
            pass
    elif kind == 'reload':
        # A manager reloads what has started; before, the signal ends a process.
        service.configure(dice.random() < .5)
        time.sleep(3)
        service.alive()
        service.process.send_signal(signal.SIGHUP)
    elif kind == 'clock':
        with press.lock:
            press.skewed = True
        service.set_clock(dice.choice([-7200, 600, 7200, 40000, 100000, 170000]))
        time.sleep(span)
        service.set_clock(0)
        # What is under way may have been fetched before and be taken after.
        time.sleep(1.5)
        with press.lock:
            press.skewed = False
    return kind


def play(binary, seed, seconds, folder):
    dice = random.Random(seed)
    press = Press(random.Random(seed + 1))
    service = Service(binary, folder, server(press))
    service.start()
    # The first visit to a feed brings backlog; empty, it brings none.
    until(lambda: sqlite3.connect(service.archive).execute('SELECT count(*) FROM feeds WHERE last_document_at IS NOT NULL').fetchone()[0] == FEEDS, 60)
    end, next_news, fell = time.time() + seconds, 0, {}
    publishing = True

    def newsroom():
        while publishing:
            press.publish(press.dice.randrange(FEEDS))
            time.sleep(press.dice.uniform(.05, .6))
    threading.Thread(target=newsroom, daemon=True).start()
    while time.time() < end:
        kind = fall(dice, press, service)
        fell[kind] = fell.get(kind, 0) + 1
        service.alive()
        time.sleep(dice.uniform(0, 1.5))
    publishing = False
    time.sleep(4)
    # Waits of hours are over when the clock says so: deliveries are retried for more than a day.
    for hours in (0, 9, 18, 27):
        if service.shim:
            service.set_clock(hours * 3600)
        if until(lambda: not missing(press), 25):
            break
    service.alive()
    service.process.terminate()
    try:
        if service.process.wait(60) != 0:
            service.faults.append(f'it stopped with {service.process.returncode}')
    except subprocess.TimeoutExpired:
        service.faults.append('it did not stop within a minute')
        service.process.kill()
    return press, service, fell


def missing(press):
    with press.lock:
        told = {url for url, _, _ in press.taken}
        return [url for url in press.served if url not in told and url not in press.exempt]


def until(test, seconds):
    end = time.time() + seconds
    while time.time() < end:
        try:
            if test():
                return True
        except sqlite3.Error:
            pass
        time.sleep(.2)
    return False


def judge(press, service):
    faults = list(service.faults)
    lost = missing(press)
    if lost:
        faults.append(f'{len(lost)} lost of {len(press.served)}: {sorted(lost)[:5]}')
    keys = {}
    for url, key, _ in press.taken:
        keys.setdefault(url, set()).add(key)
    doubled = [url for url, of_url in keys.items() if len(of_url) > 1]
    if doubled:
        faults.append(f'{len(doubled)} told under two keys: {sorted(doubled)[:5]}')
    unserved = set(keys) - set(press.served)
    if unserved - {url for it in press.articles.values() for url, _, _ in it}:
        faults.append(f'told, and never published: {sorted(unserved)[:5]}')
    check = sqlite3.connect(service.archive).execute('PRAGMA integrity_check').fetchone()[0]
    if check != 'ok':
        faults.append(f'the archive is damaged: {check}')
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--bin', default='target/release/summitwatch')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--seconds', type=float, default=120)
    parser.add_argument('--kept', action='store_true', help='the seeds that failed once, instead of --seed')
    parser.add_argument('--keep', help='a folder for what a failed run leaves')
    asked = parser.parse_args()
    binary = os.path.abspath(asked.bin)
    seeds_file = os.path.join(HERE, 'seeds.txt')
    kept = [int(line.split()[0]) for line in open(seeds_file) if line.strip() and not line.startswith('#')] if os.path.exists(seeds_file) else []
    bad = False
    for seed in kept if asked.kept else [asked.seed]:
        folder = tempfile.mkdtemp(prefix='sw-faults-')
        press, service, fell = play(binary, seed, asked.seconds, folder)
        faults = judge(press, service)
        repeated = len(press.taken) - len({key for _, key, _ in press.taken})
        print(f'seed {seed}: {len(press.served)} articles served, {len(press.exempt)} while the clock was off, {len(press.taken)} messages taken, '
              f'{repeated} repeated under their key; faults: ' + ', '.join(f'{n} {kind}' for kind, n in sorted(fell.items())))
        for fault in faults:
            print('FAULT', fault)
        if faults:
            bad = True
            print(service.log()[-3000:])
            if seed not in kept and os.access(HERE, os.W_OK):
                with open(seeds_file, 'a') as it:
                    it.write(f'{seed}\n')
            if asked.keep:
                shutil.copytree(folder, asked.keep, dirs_exist_ok=True)
        shutil.rmtree(folder)
    sys.exit(1 if bad else 0)


if __name__ == '__main__':
    main()
