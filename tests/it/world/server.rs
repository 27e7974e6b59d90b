//! A loopback HTTP server that does what it is told, also what a well-behaved library would not
//! let it do: fall silent, hang up, send half a body or bytes that are no HTTP.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longer than anything waited for here takes; reached only by a test that fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A condition that threads wait for, as long as [`DEADLINE`].
#[derive(Default)]
pub(crate) struct Watched<T> {
    value: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    pub(crate) fn see<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock())
    }

    /// Whether `condition` came true in time.
    pub(crate) fn wait(&self, condition: impl Fn(&T) -> bool) -> bool {
        let until = Instant::now() + DEADLINE;
        let mut value = self.lock();
        while !condition(&value) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(value, left);
            value = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds an answer back until the test lets it go.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Watched<bool>>);

impl Gate {
    pub(crate) fn open(&self) {
        self.0.change(|open| *open = true);
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// With its query; absolute where the client took this server for a proxy.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The status that was sent back.
    pub(crate) answered: Option<u16>,
    /// How often the client had been killed when it asked: see [`Server::next_life`].
    pub(crate) life: usize,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub(crate) fn key(&self) -> String {
        self.header("Idempotency-Key")
            .expect("an Idempotency-Key")
            .to_owned()
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.answered.is_some_and(|it| (200..300).contains(&it))
    }
}

#[derive(Clone)]
pub(crate) enum Reply {
    Answer(Answer),
    /// Takes the request and hangs up.
    Close,
    /// Takes the request and says nothing until the client goes away.
    Silence,
    /// These bytes as they are, then the end.
    Raw(Vec<u8>),
    /// The bytes, then silence until the client goes away.
    Half(Vec<u8>),
    /// The first bytes at once, then the second over and over until the client goes away; after
    /// every one a pause where one is given.
    Endless(Vec<u8>, Vec<u8>, Option<Duration>),
    /// Answers once the gate is open.
    Held(Gate, Box<Self>),
    /// Answers, and then opens the gate.
    Opens(Gate, Box<Self>),
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self::Answer(Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        })
    }

    /// 200 with this body, and 304 to whoever brings back the validators given with `with`.
    pub(crate) fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::status(200).body(body)
    }

    pub(crate) fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        if let Self::Answer(answer) = &mut self {
            answer.body = body.as_ref().to_vec();
        }
        self
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        if let Self::Answer(answer) = &mut self {
            answer.headers.push((name.to_owned(), value.into()));
        }
        self
    }

    pub(crate) fn held(self, gate: &Gate) -> Self {
        Self::Held(gate.clone(), Box::new(self))
    }

    pub(crate) fn opens(self, gate: &Gate) -> Self {
        Self::Opens(gate.clone(), Box::new(self))
    }
}

impl Answer {
    fn is_known_to(&self, request: &Request) -> bool {
        [
            ("ETag", "If-None-Match"),
            ("Last-Modified", "If-Modified-Since"),
        ]
        .iter()
        .any(|(given, brought)| {
            let given = self.headers.iter().find(|(name, _)| name == given);
            given.is_some_and(|(_, value)| request.header(brought) == Some(value))
        })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} As Told\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.status != 304 {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        let mut bytes = format!("{head}Connection: close\r\n\r\n").into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

#[derive(Default)]
struct State {
    /// What each path answers, one after the other; the last answer stays.
    scripts: HashMap<String, VecDeque<Reply>>,
    requests: Vec<Request>,
    life: usize,
}

pub(crate) struct Server {
    address: SocketAddr,
    state: Arc<Watched<State>>,
    closing: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::listen("127.0.0.1:0")
    }

    /// At an address of this machine, where an earlier server may have been.
    pub(crate) fn listen(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("a loopback port");
        let address = listener.local_addr().expect("its address");
        let (state, closing) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let server = Self {
            address,
            state,
            closing,
        };
        let (state, closing) = (Arc::clone(&server.state), Arc::clone(&server.closing));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if closing.load(Ordering::SeqCst) {
                    return;
                }
                let state = Arc::clone(&state);
                if let Ok(stream) = stream {
                    // A client that goes away in the middle is a thing that tests do.
                    std::thread::spawn(move || drop(serve(stream, &state)));
                }
            }
        });
        server
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What `path` answers from now on, which may end in a star: one reply after the other, the last for ever.
    pub(crate) fn script(&self, path: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies = replies.into_iter().collect();
        self.state
            .change(|state| state.scripts.insert(path.to_owned(), replies));
    }

    /// Requests that came for `path`, whatever their query.
    pub(crate) fn requests(&self, path: &str) -> Vec<Request> {
        self.state.see(|state| {
            let wanted = state
                .requests
                .iter()
                .filter(|it| covers(path, path_of(&it.target)));
            wanted.cloned().collect()
        })
    }

    pub(crate) fn n_requests(&self) -> usize {
        self.state.see(|state| state.requests.len())
    }

    /// Waits until the requests are as `condition` wants them.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, condition: impl Fn(&[Request]) -> bool) {
        let came = self.state.wait(|state| condition(&state.requests));
        assert!(came, "waited in vain for {what}");
    }

    /// Requests from now on come from another life of the client.
    pub(crate) fn next_life(&self) {
        self.state.change(|state| state.life += 1);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        drop(TcpStream::connect(self.address));
    }
}

/// A path that ends in a star stands for all that begin so.
fn covers(name: &str, path: &str) -> bool {
    match name.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => name == path,
    }
}

fn path_of(target: &str) -> &str {
    target.split('?').next().unwrap_or_default()
}

fn serve(mut stream: TcpStream, state: &Watched<State>) -> std::io::Result<()> {
    let Some(mut request) = read_request(&mut stream)? else {
        return Ok(());
    };
    let (at, reply) = state.change(|state| {
        request.life = state.life;
        state.requests.push(request.clone());
        let path = path_of(&request.target);
        let name = state.scripts.keys().find(|it| covers(it, path)).cloned();
        let reply = match name.and_then(|it| state.scripts.get_mut(&it)) {
            Some(script) if script.len() > 1 => script.pop_front(),
            Some(script) => script.front().cloned(),
            None => None,
        };
        let at = state.requests.len() - 1;
        (at, reply.unwrap_or_else(|| Reply::status(404)))
    });
    let note = |status| state.change(|state| state.requests[at].answered = status);
    send(&mut stream, &request, reply, &note)
}

/// `note` is told of the status that the client gets.
fn send(
    stream: &mut TcpStream,
    request: &Request,
    reply: Reply,
    note: &dyn Fn(Option<u16>),
) -> std::io::Result<()> {
    match reply {
        Reply::Answer(answer) => {
            let known = answer.status == 200 && answer.is_known_to(request);
            let answer = if known {
                Answer {
                    status: 304,
                    body: Vec::new(),
                    ..answer
                }
            } else {
                answer
            };
            // Before it is: whoever has the answer may look here at once.
            note(Some(answer.status));
            let sent = stream.write_all(&answer.bytes());
            if sent.is_err() {
                note(None);
            }
            sent
        }
        Reply::Close => Ok(()),
        Reply::Silence => wait_for_end(stream),
        Reply::Raw(bytes) => stream.write_all(&bytes),
        Reply::Half(bytes) => {
            stream.write_all(&bytes)?;
            wait_for_end(stream)
        }
        Reply::Endless(first, again, pause) => {
            stream.write_all(&first)?;
            loop {
                stream.write_all(&again)?;
                if let Some(pause) = pause
                    && is_gone(stream, pause)?
                {
                    return Ok(());
                }
            }
        }
        Reply::Held(gate, reply) => {
            gate.0.wait(|open| *open);
            send(stream, request, *reply, note)
        }
        Reply::Opens(gate, reply) => {
            let sent = send(stream, request, *reply, note);
            gate.open();
            sent
        }
    }
}

fn wait_for_end(stream: &mut TcpStream) -> std::io::Result<()> {
    std::io::copy(stream, &mut std::io::sink()).map(|_| ())
}

/// Whether the client goes away within `pause`.
fn is_gone(stream: &mut TcpStream, pause: Duration) -> std::io::Result<bool> {
    stream.set_read_timeout(Some(pause))?;
    match stream.read(&mut [0; 64]) {
        Ok(n) => Ok(n == 0),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// `None` where the client left without asking anything.
fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut piece)? {
            0 => return Ok(None),
            n => bytes.extend_from_slice(&piece[..n]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let mut word = || words.next().unwrap_or_default().to_owned();
    let (method, target) = (word(), word());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let request = Request {
        method,
        target,
        headers,
        body: bytes[end + 4..].to_vec(),
        answered: None,
        life: 0,
    };
    let length = request
        .header("Content-Length")
        .and_then(|it| it.parse().ok())
        .unwrap_or(0);
    let mut request = request;
    while request.body.len() < length {
        match stream.read(&mut piece)? {
            0 => return Ok(None),
            n => request.body.extend_from_slice(&piece[..n]),
        }
    }
    Ok(Some(request))
}
