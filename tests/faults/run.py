#!/usr/bin/env python3
"""The service among faults that are drawn at random, against the run that nothing disturbs.

    tests/faults/run.py --bin target/release/summitwatch [--news written|invented] [--seed 1] [--seconds 120] [--keep DIR]
    tests/faults/run.py --bin … --runs 20 --seconds 180        an hour: seeds 1 to 20, written and invented in turn

Faults: kill -9, SIGSTOP, a disk that takes no more, a clock that runs ahead or behind and is set right, servers that are
slow, lie or break off, a channel that fails before or after it took a message, a second instance, readers and writers of
the archive, a reload with other topics. Fifteen feeds on fifteen hosts publish meanwhile.

--news written: the stretch of tests/corpus, from a day that the seed draws. The service's clock stands at each item's time. An
item is published when the one before it is in the archive, for the order decides what is new. The same documents are replayed
(`summitwatch replay --documents`), which nothing can disturb. In the end the archive holds the same developments, reports and
alerts as that of the replay, and each alert was delivered once, or again under the same Idempotency-Key.

--news invented: headlines of syllables, each a development of its own, as fast as the service takes them, in any order. In
the end each that a feed served whole was told. Exempt is what was first served while the clock was off: its date looks wrong.

--seconds is the whole run: faults fall in its first two thirds, the rest is for what they left. Exit status 1 and the last
lines of the log where something is lost, doubled or told otherwise, or where the service ended by itself. A seed that failed
is added to seeds.txt beside this file; `--kept` runs those. Needs Python's standard library and a C compiler."""
import argparse, gzip, http.server, json, os, random, re, resource, shutil, signal, socketserver, sqlite3, subprocess, sys, tempfile, threading, time
from calendar import timegm
from html import escape

HERE = os.path.dirname(os.path.abspath(__file__))
FEEDS = 15
SHOWN = 20  # entries of a document
SYLLABLES = 'ka lo mi tu pe ra no si vu de fo gi ha ju ze bo'.split()


def date(at):
    return time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime(at))


class Press:
    """What the feeds have published, and what the channel took. One lock for all of it."""
    # What is told of it, of all that the service knows.
    topic = 'all'

    def __init__(self, dice):
        self.dice, self.lock = dice, threading.Lock()
        # Held while one item is on its way: what must not fall between waits for it.
        self.calm = threading.Lock()
        self.articles = {n: [] for n in range(FEEDS)}
        self.served, self.exempt, self.taken, self.notices = {}, set(), [], 0
        self.weather, self.channel = {}, 'well'
        self.skewed, self.faults, self.ended = False, [], False

    def document(self, feed):
        shown = self.articles[feed][:SHOWN]
        items = ''.join(f'<item><title>{escape(title)}</title><link>{escape(url)}</link><guid isPermaLink="false">{guid}</guid><pubDate>{date(at)}</pubDate>'
                        f'<description>{escape(summary)}</description></item>' for guid, title, summary, url, at in shown)
        return f'<rss version="2.0"><channel><title>F{feed}</title>{items}</channel></rss>'.encode(), [guid for guid, *_ in shown]

    def told(self):
        with self.lock:
            return {key for _, key in self.taken}


class Invented(Press):
    """Headlines that share no word, as fast as chance has them."""

    def __init__(self, seed):
        super().__init__(random.Random(seed + 1))
        self.words = set()

    def begin(self, _):
        return int(time.time())

    def word(self):
        return ''.join(self.dice.choice(SYLLABLES) for _ in range(5))

    def publish(self):
        feed = self.dice.randrange(FEEDS)
        with self.lock:
            while True:
                words = [self.word() for _ in range(3)]
                if not self.words & set(words):
                    break
            self.words |= set(words)
            url = f'https://f{feed}.example/{len(self.articles[feed])}'
            self.articles[feed].insert(0, (url, ' '.join(words).capitalize(), '', url, int(time.time())))

    def newsroom(self, _):
        while not self.ended:
            self.publish()
            time.sleep(self.dice.uniform(.05, .6))

    def lost(self, service):
        told = {guid for guid, _ in self.taken}
        with self.lock:
            return [guid for guid in self.served if guid not in told and guid not in self.exempt]

    def judge(self, service):
        faults, keys = [], {}
        if lost := self.lost(service):
            faults.append(f'{len(lost)} lost of {len(self.served)}: {sorted(lost)[:5]}')
        for guid, key in self.taken:
            keys.setdefault(guid, set()).add(key)
        if doubled := [guid for guid, of_guid in keys.items() if len(of_guid) > 1]:
            faults.append(f'{len(doubled)} told under two keys: {sorted(doubled)[:5]}')
        if unpublished := set(keys) - {guid for it in self.articles.values() for guid, *_ in it}:
            faults.append(f'told, and never published: {sorted(unpublished)[:5]}')
        return faults


class Written(Press):
    """The stretch of tests/corpus from a day on. Fifteen feeds publish it in bursts: what a feed got between two visits."""
    topic = 'us-dprk-summit'

    def __init__(self, seed):
        super().__init__(random.Random(seed + 1))
        with gzip.open(os.path.join(HERE, '../corpus/arc-2027-04.jsonl.gz'), 'rt') as it:
            # Without what has nothing to do with the topic: a burst costs a second.
            lines = sorted((it for it in map(json.loads, it) if it['label']), key=lambda it: (it['date'], it['id']))
        first = self.dice.choice(sorted({it['date'][:10] for it in lines})[:-4])
        items = [(it['id'], it['title'], it['summary'], it['url'], seconds_of(it['date'])) for it in lines if it['date'] >= first]
        self.bursts, self.published, feed = [], 0, 0
        while items:
            n = self.dice.randint(1, 8)
            feed = (feed + self.dice.randint(1, FEEDS - 1)) % FEEDS
            self.bursts.append((feed, items[:n]))
            items = items[n:]

    def begin(self, service):
        """The reference: every state of every feed, in order."""
        folder = os.path.join(service.folder, 'documents')
        os.mkdir(folder)
        began = self.bursts[0][1][0][-1] - 3600
        with open(os.path.join(folder, 'manifest.jsonl'), 'w') as manifest:
            def record(feed, at):
                name = f'{len(os.listdir(folder))}.xml'
                with open(os.path.join(folder, name), 'wb') as it:
                    it.write(self.document(feed)[0])
                manifest.write(json.dumps({'feed': f'f{feed}', 'url': service.url(feed), 'fetched_at': rfc3339(at), 'status': 200,
                                           'content_type': 'application/rss+xml; charset=utf-8', 'path': name}) + '\n')
            for feed in range(FEEDS):
                record(feed, began)
            for feed, burst in self.bursts:
                self.articles[feed] = burst[::-1] + self.articles[feed]
                record(feed, burst[-1][-1])
        self.articles = {n: [] for n in range(FEEDS)}
        self.reference = os.path.join(service.folder, 'reference.db')
        subprocess.run([service.binary, 'replay', '--config', service.conf, '--documents', folder, '--db', self.reference], check=True, capture_output=True)
        return began

    def newsroom(self, service):
        for feed, burst in self.bursts:
            with self.calm:
                if self.ended:
                    return
                with self.lock:
                    self.articles[feed] = burst[::-1] + self.articles[feed]
                    service.not_before(burst[-1][-1])
                    self.published += 1
                last = burst[-1][0]
                if not until(lambda: rows(service.archive, 'SELECT 1 FROM items WHERE guid = ?', last), 60, lambda: self.ended):
                    if not self.ended:
                        self.faults.append(f'{last} was published and not seen for a minute')
                    return
            # A fault that waits for calm has its turn.
            time.sleep(.01)

    def guids(self):
        return [guid for _, burst in self.bursts[:self.published] for guid, *_ in burst]

    def lost(self, service):
        """What was published and is not in the archive, or is owed to the channel."""
        known = {guid for guid, in rows(service.archive, 'SELECT guid FROM items')}
        lost = [guid for guid in self.guids() if guid not in known]
        return lost + [key for key, in rows(service.archive, "SELECT idempotency_key FROM deliveries WHERE state <> 'delivered'")]

    def judge(self, service):
        faults = list(self.faults)
        if lost := self.lost(service):
            faults.append(f'{len(lost)} lost: {sorted(lost)[:5]}')
        guids = set(self.guids())
        for name, sql in DECISIONS.items():
            here, there = (set(rows(archive, sql)) for archive in (service.archive, self.reference))
            there = {row for row in there if row[0] in guids}
            for said, difference in (('undisturbed only', there - here), ('among faults only', here - there)):
                if difference:
                    faults.append(f'{len(difference)} of {len(there)} {name} {said}: {sorted(difference)[:4]}')
        owed = {key for key, in rows(service.archive, 'SELECT idempotency_key FROM deliveries WHERE alert_id IS NOT NULL')}
        taken = {key for guid, key in self.taken if guid}
        if owed != taken:
            faults.append(f'owed and not taken: {sorted(owed - taken)[:4]}, taken and not owed: {sorted(taken - owed)[:4]}')
        return faults


# Each row begins with the item by which it is compared with what was published.
DECISIONS = {
    'matches': "SELECT i.guid, m.topic, m.score, m.\"by\" FROM matches m JOIN items i ON i.id = m.item_id WHERE m.topic = 'us-dprk-summit'",
    'copies': 'SELECT i.guid, o.guid FROM items i JOIN items o ON o.id = i.duplicate_of',
    'developments': "SELECT i.guid, d.kind, d.verdict, d.summary, d.state FROM developments d JOIN items i ON i.id = d.item_id JOIN stories s ON s.id = d.story_id WHERE s.topic = 'us-dprk-summit'",
    'reports': "SELECT i.guid, f.guid, r.role FROM reports r JOIN items i ON i.id = r.item_id JOIN developments d ON d.id = r.development_id JOIN items f ON f.id = d.item_id "
               "JOIN stories s ON s.id = d.story_id WHERE s.topic = 'us-dprk-summit'",
    'alerts': "SELECT i.guid, message ->> '$.kind', message ->> '$.headline', message ->> '$.story.state', message ->> '$.sources' FROM alerts a "
              "JOIN developments d ON d.id = a.development_id JOIN items i ON i.id = coalesce(a.item_id, d.item_id) WHERE message ->> '$.topic' = 'us-dprk-summit'",
}


def seconds_of(text):
    return timegm(time.strptime(text, '%Y-%m-%dT%H:%M:%SZ'))


def rfc3339(at):
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(at))


def rows(archive, sql, *values):
    connection = sqlite3.connect(f'file:{archive}?mode=ro', uri=True, timeout=5)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


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
            feed = int(self.path.strip('/f'))
            with press.lock:
                weather = press.weather.get(feed, 'fine')
                body, guids = press.document(feed)
            if weather == 'fine':
                # Written whole first: what the client never got is not served.
                self.answer(200, body)
                with press.lock:
                    for guid in guids:
                        if guid not in press.served:
                            press.served[guid] = time.time()
                            if press.skewed:
                                press.exempt.add(guid)
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
                # What the operator is told has no item. An item's link and guid are one where headlines are invented.
                item = body.get('item')
                press.taken.append((item and item['url'], self.headers['Idempotency-Key']))
            if state == 'deaf':
                # It took the message and nobody hears of it.
                self.close_connection = True
                return None
            return self.answer(200)

    class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
        daemon_threads, request_queue_size = True, 128

        def handle_error(self, *_):
            pass

    it = Server(('', 0), Handler)
    threading.Thread(target=it.serve_forever, daemon=True).start()
    return it.server_address[1]


class Service:
    def __init__(self, binary, folder, port, topic):
        self.binary, self.folder, self.process = binary, folder, None
        self.archive, self.conf, self.shift = (os.path.join(folder, it) for it in ('a.db', 'summitwatch.toml', 'shift'))
        self.port, self.topic, self.shim, self.faults = port, topic, None, []
        # Seconds by which the service's clock differs: where the news stands, and what a fault adds.
        self.news, self.skew = 0, 0
        shutil.copytree(os.path.join(HERE, '../../config/reading'), os.path.join(folder, 'reading'))
        if topic == 'all':
            # Every headline is told, however little it weighs: what is tested is that none is lost.
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

    def url(self, feed):
        # A host of its own for each: what one answers says nothing of the others.
        return f'http://127.0.0.{feed + 2}:{self.port}/f{feed}'

    def configure(self, more):
        text = 'archive = "a.db"\nreading = "reading"\n[poll]\ninterval = "1s"\nmin_interval = "1s"\nmax_interval = "2s"\nhint_cap = "1s"\nread_timeout = "5s"\n'
        for n in range(FEEDS):
            text += f'[[feeds]]\nname = "f{n}"\nurl = "{self.url(n)}"\noutlet = "Outlet {n}"\nallow_private = true\n'
        other = {'all': 'us-dprk-summit', 'us-dprk-summit': 'all'}[self.topic]
        text += f'[[topics]]\nname = "{self.topic}"\n' + ('alerts_per_outlet = 1000000\n' if self.topic == 'all' else '')
        if more:
            text += f'[[topics]]\nname = "{other}"\n'
        text += f'[[channels]]\nname = "desk"\nkind = "webhook"\nurl = "http://127.0.0.1:{self.port}/hook"\nallow_private = true\nconcurrency = 4\n'
        text += f'[[routes]]\ntopic = "{self.topic}"\nchannels = ["desk"]\n'
        with open(self.conf + '.new', 'w') as it:
            it.write(text)
        os.rename(self.conf + '.new', self.conf)

    def set_clock(self, skew):
        self.skew = skew
        self.write_clock()

    def not_before(self, at):
        """The service's clock stands at this time at least; it never goes back for it."""
        self.news = max(self.news, at - int(time.time()))
        self.write_clock()

    def write_clock(self):
        with open(self.shift + '.new', 'w') as it:
            it.write(str(self.news + self.skew))
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
        # Where the order of news counts, nothing new comes meanwhile.
        with press.calm:
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


def play(binary, press, seed, seconds, folder, calm):
    dice, began = random.Random(seed), time.time()
    service = Service(binary, folder, server(press), press.topic)
    service.not_before(press.begin(service))
    service.start()
    # The first visit to a feed brings backlog; empty, it brings none.
    if not until(lambda: rows(service.archive, 'SELECT 1 FROM feeds WHERE last_document_at IS NOT NULL LIMIT -1 OFFSET ?', FEEDS - 1), 60):
        service.faults.append('it did not visit its feeds within a minute')
    fell = {}
    newsroom = threading.Thread(target=press.newsroom, args=(service,), daemon=True)
    newsroom.start()
    under_way = lambda: time.time() < began + seconds * 2 / 3 and newsroom.is_alive()
    while calm and under_way():
        time.sleep(.1)
    while under_way():
        kind = fall(dice, press, service)
        fell[kind] = fell.get(kind, 0) + 1
        service.alive()
        time.sleep(dice.uniform(0, 1.5))
    press.ended = True
    left = lambda share: max(1, (began + seconds - time.time()) * share)
    # Waits of hours are over when the clock says so: deliveries are retried for more than a day.
    for n, hours in enumerate((0, 9, 18, 27)):
        if service.shim:
            with press.calm:
                service.set_clock(hours * 3600)
        if until(lambda: not press.lost(service), left(1 / (4 - n))):
            break
    service.alive()
    service.process.terminate()
    try:
        if service.process.wait(60) != 0:
            service.faults.append(f'it stopped with {service.process.returncode}')
    except subprocess.TimeoutExpired:
        service.faults.append('it did not stop within a minute')
        service.process.kill()
        service.process.wait()
    return service, fell


def until(test, seconds, ended=lambda: False):
    end = time.time() + seconds
    while time.time() < end and not ended():
        try:
            if test():
                return True
        except sqlite3.Error:
            pass
        time.sleep(.05)
    return False


def judge(press, service):
    faults = service.faults + press.judge(service)
    check = rows(service.archive, 'PRAGMA integrity_check')[0][0]
    if check != 'ok':
        faults.append(f'the archive is damaged: {check}')
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--bin', default='target/release/summitwatch')
    parser.add_argument('--news', choices=['written', 'invented'], default='written')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--seconds', type=float, default=120)
    parser.add_argument('--runs', type=int, default=0, help='so many seeds from --seed on, written and invented in turn')
    parser.add_argument('--kept', action='store_true', help='the seeds that failed once, instead of --seed')
    parser.add_argument('--calm', action='store_true', help='no faults: what the run compares with is right')
    parser.add_argument('--keep', help='a folder for what a failed run leaves')
    asked = parser.parse_args()
    binary = os.path.abspath(asked.bin)
    seeds_file = os.path.join(HERE, 'seeds.txt')
    kept = []
    if os.path.exists(seeds_file):
        with open(seeds_file) as it:
            kept = [(line.split()[0], int(line.split()[1])) for line in it if line.strip() and not line.startswith('#')]
    bad = False
    many = [(('written', 'invented')[n % 2], asked.seed + n) for n in range(asked.runs)]
    for news, seed in kept if asked.kept else many or [(asked.news, asked.seed)]:
        began, folder = time.time(), tempfile.mkdtemp(prefix='sw-faults-')
        press = {'written': Written, 'invented': Invented}[news](seed)
        service, fell = play(binary, press, seed, asked.seconds, folder, asked.calm)
        faults = judge(press, service)
        messages = [key for guid, key in press.taken if guid]
        print(f'{news} {seed}: {len(press.served)} articles served, {len(press.exempt)} of them while the clock was off; {len(messages)} messages taken, '
              f'{len(messages) - len(set(messages))} of them repeats; {time.time() - began:.0f} s; faults: ' + ', '.join(f'{n} {kind}' for kind, n in sorted(fell.items())), flush=True)
        for fault in faults:
            print('FAULT', fault)
        if faults:
            bad = True
            print(service.log()[-3000:])
            if (news, seed) not in kept and os.access(HERE, os.W_OK):
                with open(seeds_file, 'a') as it:
                    it.write(f'{news} {seed}\n')
            if asked.keep:
                shutil.copytree(folder, asked.keep, dirs_exist_ok=True)
        shutil.rmtree(folder)
    sys.exit(1 if bad else 0)


if __name__ == '__main__':
    main()
