//! Somebody between a service and its gateway or carrier who understands what they say to each
//! other, and loses, delays, repeats or garbles it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rand::{Rng as _, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

/// What can happen to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    LostBefore,
    AnswerLost,
    Error,
    ErrorAfterwards,
    Twice,
    AnsweredLate,
    /// It reaches the other side when the caller has long given up.
    ArrivesLate,
    Nonsense,
    CutShort,
}

const TROUBLES: [Trouble; 9] = [
    Trouble::LostBefore,
    Trouble::AnswerLost,
    Trouble::Error,
    Trouble::ErrorAfterwards,
    Trouble::Twice,
    Trouble::AnsweredLate,
    Trouble::ArrivesLate,
    Trouble::Nonsense,
    Trouble::CutShort,
];

/// How late is late; beyond the caller's patience and below it.
const LATE_MILLIS: std::ops::Range<u64> = 300..2_500;

/// One call, read.
struct Call {
    method: String,
    path: String,
    key: Option<String>,
    body: Vec<u8>,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

/// The middleman; he is gone when he is dropped.
pub(crate) struct Middleman {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    far: String,
    http: reqwest::Client,
    /// How many of a hundred calls meet trouble.
    percent: AtomicU32,
    dice: Mutex<StdRng>,
    /// Keys of the orders whose calls met trouble.
    troubled: Mutex<BTreeSet<String>>,
    times: Mutex<BTreeMap<Trouble, usize>>,
}

impl Middleman {
    /// In front of `far` (`http://host:port`), troubling so many of a hundred calls.
    pub(crate) async fn stand(far: String, percent: u32, dice: StdRng) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            far,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            percent: AtomicU32::new(percent),
            dice: Mutex::new(dice),
            troubled: Mutex::default(),
            times: Mutex::default(),
        });
        let serving = shared.clone();
        let accepting = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::spawn(serving.clone().serve(stream))),
                    Err(_) => sleep(Duration::from_millis(5)).await,
                }
            }
        });
        Self { port, shared, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on everything passes.
    pub(crate) fn behave(&self) {
        self.shared.percent.store(0, Ordering::SeqCst);
    }

    /// How many orders' calls met trouble.
    pub(crate) fn troubled(&self) -> usize {
        self.shared.troubled.lock().unwrap().len()
    }

    /// What happened how often, in words.
    pub(crate) fn times(&self) -> String {
        let times = self.shared.times.lock().unwrap();
        times.iter().map(|(trouble, n)| format!("{trouble:?} {n}")).collect::<Vec<_>>().join(", ")
    }
}

impl Drop for Middleman {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    /// One connection, until either side ends it.
    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let mut read = Vec::new();
        while let Some(call) = next_call(&mut stream, &mut read).await {
            // A task of its own: a call that arrives late does so although its caller has gone.
            let Ok(said) = tokio::spawn(self.clone().pass(call)).await else { return };
            let Some((answer, whole)) = said else {
                let _ = stream.set_zero_linger();
                return;
            };
            if stream.write_all(&written(&answer, whole)).await.is_err() || !whole {
                return;
            }
        }
    }

    /// What the caller hears, and whether he hears all of it; `None` when the connection breaks.
    async fn pass(self: Arc<Self>, call: Call) -> Option<(Answer, bool)> {
        let Some((trouble, late)) = self.roll() else { return Some((self.forward(&call).await?, true)) };
        *self.times.lock().unwrap().entry(trouble).or_default() += 1;
        // A question about a charge or a booking names its key in the path.
        let key = call.key.clone().or_else(|| call.path.split('/').nth(3).map(str::to_owned));
        self.troubled
            .lock()
            .unwrap()
            .extend(key.map(|key| key.replace("%3A", ":").replace("refund:", "payment:")));
        let garbled = |status, text: &str| Some((Answer { status, body: text.as_bytes().to_vec() }, true));
        match trouble {
            Trouble::LostBefore => None,
            Trouble::AnswerLost => {
                self.forward(&call).await;
                None
            }
            Trouble::Error => garbled(500, r#"{"status":"error"}"#),
            Trouble::ErrorAfterwards => {
                self.forward(&call).await;
                garbled(502, "<html>Bad Gateway</html>")
            }
            Trouble::Twice => {
                let (_, second) = tokio::join!(self.forward(&call), self.forward(&call));
                Some((second?, true))
            }
            Trouble::AnsweredLate => {
                let answer = self.forward(&call).await?;
                sleep(late).await;
                Some((answer, true))
            }
            Trouble::ArrivesLate => {
                sleep(late).await;
                Some((self.forward(&call).await?, true))
            }
            Trouble::Nonsense => {
                self.forward(&call).await;
                garbled(200, "<html>It works!</html>")
            }
            Trouble::CutShort => Some((self.forward(&call).await?, false)),
        }
    }

    fn roll(&self) -> Option<(Trouble, Duration)> {
        let percent = self.percent.load(Ordering::SeqCst);
        let mut dice = self.dice.lock().unwrap();
        (dice.random_range(0..100) < percent).then(|| {
            let trouble = TROUBLES[dice.random_range(0..TROUBLES.len())];
            (trouble, Duration::from_millis(dice.random_range(LATE_MILLIS)))
        })
    }

    async fn forward(&self, call: &Call) -> Option<Answer> {
        let method = call.method.parse().ok()?;
        let mut request = self.http.request(method, format!("{}{}", self.far, call.path));
        if let Some(key) = &call.key {
            request = request.header("idempotency-key", key);
        }
        if !call.body.is_empty() {
            request = request.header("content-type", "application/json").body(call.body.clone());
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        Some(Answer { status, body: response.bytes().await.ok()?.to_vec() })
    }
}

fn written(answer: &Answer, whole: bool) -> Vec<u8> {
    let mut bytes = format!(
        "HTTP/1.1 {} Said\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        answer.status,
        answer.body.len()
    )
    .into_bytes();
    let until = if whole { answer.body.len() } else { answer.body.len() / 2 };
    bytes.extend_from_slice(&answer.body[..until]);
    bytes
}

/// The next call on a connection; `None` when it ends.
async fn next_call(stream: &mut TcpStream, read: &mut Vec<u8>) -> Option<Call> {
    loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let field = |name: &str| {
                head.lines().skip(1).find_map(|line| {
                    let (field, value) = line.split_once(':')?;
                    field.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
                })
            };
            let length: usize = field("content-length").map_or(Some(0), |length| length.parse().ok())?;
            if read.len() >= end + 4 + length {
                let body = read[end + 4..end + 4 + length].to_vec();
                read.drain(..end + 4 + length);
                let mut words = head.split(' ');
                let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
                return Some(Call { method, path, key: field("idempotency-key"), body });
            }
        }
        if stream.read_buf(read).await.ok()? == 0 {
            return None;
        }
    }
}
