//! A way between a process and one of its servers that misbehaves on purpose: slow, mute, gone, or
//! cut at the very moment when certain bytes pass.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// Bytes read at once; a pattern may be spread over two reads.
const CHUNK: usize = 16 * 1024;
/// How long the far end is given to read what was passed on before its connection ends: a reset could
/// overtake it.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// Where bytes are going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    /// From the process that connected to the server behind the proxy.
    Server,
    /// Back.
    Client,
}

/// How the way is for everybody, until told otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Bytes pass.
    Clear,
    /// Each piece is held up so long, in both directions.
    Slow(Duration),
    /// Bytes are taken and never arrive; nobody is told. Connections from before end when it clears.
    BlackHole,
    /// Every connection is reset, and every new one.
    Down,
}

/// Bytes that end their connection when they pass, as a crash or a broken line at that moment would.
#[derive(Clone, Debug)]
pub struct Trap {
    /// In which direction to look.
    pub towards: Towards,
    /// What to look for.
    pub pattern: Vec<u8>,
    /// Whether the bytes still arrive before the connection ends.
    pub passing: bool,
    /// How many times to let them through between two cuts: 1 cuts every time.
    pub every: u64,
}

/// A listening proxy in front of one server. Dropping it ends its connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    far: String,
    weather: watch::Sender<Weather>,
    /// Counts up when all connections are to end.
    resets: watch::Sender<u64>,
    traps: Mutex<Vec<Trap>>,
    matches: AtomicU64,
    cuts: AtomicU64,
    connections: AtomicU64,
}

impl Proxy {
    /// A proxy on a free port of loopback, in front of `far` (`host:port`).
    pub async fn new(far: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            far: far.to_owned(),
            weather: watch::Sender::new(Weather::Clear),
            resets: watch::Sender::new(0),
            traps: Mutex::default(),
            matches: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        });
        let carrying = shared.clone();
        let accepting = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((near, _)) => drop(tokio::spawn(carrying.clone().carry(near))),
                    // Out of descriptors, or a client that hung up early: the next one may do.
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        });
        Self { port, shared, accepting }
    }

    /// Where it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Changes how the way is, for open connections too.
    pub fn weather(&self, weather: Weather) {
        self.shared.weather.send_replace(weather);
    }

    /// Resets every open connection; says how many connections there ever were.
    pub fn reset(&self) -> u64 {
        self.shared.resets.send_modify(|resets| *resets += 1);
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Lays these traps instead of those that lay there; none of them takes them all away.
    pub fn trap(&self, traps: Vec<Trap>) {
        *self.shared.traps.lock().unwrap() = traps;
    }

    /// How many connections were ended by a trap so far.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.weather(Weather::Down);
    }
}

/// Why a connection ended.
enum End {
    /// One side hung up.
    HungUp,
    /// Both sides are to see a reset.
    Reset,
    /// What was passed on must be read first; then the near side sees a reset.
    AfterPassing,
}

impl Shared {
    async fn carry(self: Arc<Self>, near: TcpStream) {
        let mut resets = self.resets.subscribe();
        self.connections.fetch_add(1, Ordering::SeqCst);
        let Some(far) = self.connect().await else { return reset(near) };
        let _ = near.set_nodelay(true);
        let _ = far.set_nodelay(true);
        let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
        let (mut up, mut down) = (to_far, to_near);
        let (mut from_near, mut from_far) = (from_near, from_far);
        let end = tokio::select! {
            end = self.pump(&mut from_near, &mut up, Towards::Server) => end,
            end = self.pump(&mut from_far, &mut down, Towards::Client) => end,
            _ = resets.changed() => End::Reset,
        };
        let whole = (from_near.reunite(down), from_far.reunite(up));
        let (Ok(near), Ok(far)) = whole else { return };
        match end {
            End::HungUp => {}
            End::Reset => {
                reset(near);
                reset(far);
            }
            End::AfterPassing => {
                tokio::time::sleep(LAST_WORDS).await;
                reset(near);
            }
        }
    }

    /// The far end, once the way is not mute; `None` when it is down or the server is away.
    async fn connect(&self) -> Option<TcpStream> {
        let mut weather = self.weather.subscribe();
        let now = *weather.wait_for(|weather| *weather != Weather::BlackHole).await.ok()?;
        if now == Weather::Down {
            return None;
        }
        TcpStream::connect(&self.far).await.ok()
    }

    /// Carries bytes one way until the connection is to end.
    async fn pump(&self, from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, towards: Towards) -> End {
        let mut weather = self.weather.subscribe();
        let mut chunk = vec![0; CHUNK];
        // The end of what has passed, by trap, in which a pattern may have begun.
        let mut tails: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
        loop {
            let read = tokio::select! {
                read = from.read(&mut chunk) => read,
                _ = weather.wait_for(|now| *now == Weather::Down) => return End::Reset,
            };
            let length = match read {
                Ok(0) | Err(_) => return End::HungUp,
                Ok(length) => length,
            };
            let now = *weather.borrow();
            match now {
                Weather::Clear => {}
                Weather::Slow(by) => tokio::time::sleep(by).await,
                Weather::Down => return End::Reset,
                Weather::BlackHole => {
                    let _ = weather.wait_for(|now| *now != Weather::BlackHole).await;
                    return End::Reset;
                }
            }
            let sprung = self.spring(&chunk[..length], towards, &mut tails);
            if sprung == Some(false) {
                return End::Reset;
            }
            if to.write_all(&chunk[..length]).await.is_err() {
                return End::HungUp;
            }
            if sprung == Some(true) {
                return End::AfterPassing;
            }
        }
    }

    /// Whether these bytes end the connection, and if so, whether they are still passed on.
    fn spring(&self, bytes: &[u8], towards: Towards, tails: &mut BTreeMap<Vec<u8>, Vec<u8>>) -> Option<bool> {
        let traps = self.traps.lock().unwrap();
        for trap in traps.iter().filter(|trap| trap.towards == towards) {
            let tail = tails.entry(trap.pattern.clone()).or_default();
            tail.extend_from_slice(bytes);
            let found = tail.windows(trap.pattern.len()).any(|window| window == trap.pattern);
            let keep = if found { 0 } else { tail.len().min(trap.pattern.len() - 1) };
            tail.drain(..tail.len() - keep);
            if found && self.matches.fetch_add(1, Ordering::SeqCst) % trap.every == trap.every - 1 {
                self.cuts.fetch_add(1, Ordering::SeqCst);
                return Some(trap.passing);
            }
        }
        None
    }
}

/// Ends a connection so that the other side sees an error, not an end.
fn reset(stream: TcpStream) {
    let _ = socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers every piece with the same bytes, and a proxy in front of it.
    async fn echo() -> (Proxy, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut bytes = [0; 64];
                    while let Ok(length @ 1..) = stream.read(&mut bytes).await {
                        if stream.write_all(&bytes[..length]).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        (Proxy::new(&address).await, serving)
    }

    async fn connection(proxy: &Proxy) -> TcpStream {
        TcpStream::connect(("127.0.0.1", proxy.port())).await.unwrap()
    }

    /// What comes back for these bytes; an error when the connection ends first.
    async fn ask(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        stream.write_all(bytes).await?;
        let mut answer = vec![0; bytes.len()];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    fn trap(towards: Towards, passing: bool, every: u64) -> Vec<Trap> {
        vec![Trap { towards, pattern: b"COMMIT".to_vec(), passing, every }]
    }

    #[tokio::test]
    async fn bytes_pass_unless_a_trap_is_laid_for_them() {
        let (proxy, _serving) = echo().await;
        proxy.trap(trap(Towards::Server, false, 1));
        let mut stream = connection(&proxy).await;
        assert_eq!(ask(&mut stream, b"SELECT").await.unwrap(), b"SELECT");
        // Spread over two pieces.
        assert_eq!(ask(&mut stream, b"COM").await.unwrap(), b"COM");
        assert!(ask(&mut stream, b"MIT").await.is_err());
        assert_eq!(proxy.cuts(), 1);
        assert!(ask(&mut connection(&proxy).await, b"COMMIT").await.is_err());
        proxy.trap(Vec::new());
        assert_eq!(ask(&mut connection(&proxy).await, b"COMMIT").await.unwrap(), b"COMMIT");
        assert_eq!(proxy.cuts(), 2);
    }

    #[tokio::test]
    async fn a_trap_may_let_some_through_and_may_pass_its_bytes_on() {
        let (proxy, _serving) = echo().await;
        proxy.trap(trap(Towards::Server, true, 2));
        let mut stream = connection(&proxy).await;
        assert_eq!(ask(&mut stream, b"COMMIT").await.unwrap(), b"COMMIT");
        // Passed on, and the answer may or may not be faster than the cut; the next question fails.
        let _ = ask(&mut stream, b"COMMIT").await;
        tokio::time::sleep(LAST_WORDS * 3).await;
        assert!(ask(&mut stream, b"more").await.is_err());
        assert_eq!(proxy.cuts(), 1);
    }

    #[tokio::test]
    async fn an_answer_can_be_lost_on_its_way_back() {
        let (proxy, _serving) = echo().await;
        proxy.trap(trap(Towards::Client, false, 1));
        let mut stream = connection(&proxy).await;
        assert!(ask(&mut stream, b"COMMIT").await.is_err());
        assert_eq!(proxy.cuts(), 1);
    }

    #[tokio::test]
    async fn a_black_hole_is_silent_and_its_connections_end_when_it_clears() {
        let (proxy, _serving) = echo().await;
        let mut stream = connection(&proxy).await;
        assert_eq!(ask(&mut stream, b"one").await.unwrap(), b"one");
        proxy.weather(Weather::BlackHole);
        let silent = tokio::time::timeout(Duration::from_millis(100), ask(&mut stream, b"two")).await;
        assert!(silent.is_err(), "{silent:?}");
        proxy.weather(Weather::Clear);
        assert!(ask(&mut stream, b"three").await.is_err());
        assert_eq!(ask(&mut connection(&proxy).await, b"four").await.unwrap(), b"four");
    }

    #[tokio::test]
    async fn a_line_that_is_down_and_a_reset_end_what_is_open() {
        let (proxy, _serving) = echo().await;
        let (mut first, mut second) = (connection(&proxy).await, connection(&proxy).await);
        assert_eq!(ask(&mut first, b"one").await.unwrap(), b"one");
        assert_eq!(ask(&mut second, b"two").await.unwrap(), b"two");
        assert_eq!(proxy.reset(), 2);
        assert!(ask(&mut first, b"one").await.is_err());
        proxy.weather(Weather::Down);
        assert!(ask(&mut connection(&proxy).await, b"three").await.is_err());
        proxy.weather(Weather::Slow(Duration::from_millis(30)));
        let began = std::time::Instant::now();
        assert_eq!(ask(&mut connection(&proxy).await, b"four").await.unwrap(), b"four");
        assert!(began.elapsed() >= Duration::from_millis(60), "{:?}", began.elapsed());
    }
}
