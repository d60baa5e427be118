//! A mail server that counts what it takes, and sometimes does not want to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

/// How it is to everybody, until told otherwise. A change ends all conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Willing,
    /// Takes connections and says nothing.
    Silent,
    /// Ends connections at once.
    Closed,
    /// "Come back later", to every sender.
    Busy,
}

/// The server; it is gone when it is dropped.
pub(crate) struct MailServer {
    port: u16,
    mood: watch::Sender<Mood>,
    taken: Arc<Mutex<BTreeMap<String, usize>>>,
    accepting: JoinHandle<()>,
}

impl MailServer {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mood, moods) = watch::channel(Mood::Willing);
        let taken = Arc::new(Mutex::new(BTreeMap::new()));
        let counting = taken.clone();
        let accepting = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => drop(tokio::spawn(serve(stream, moods.clone(), counting.clone()))),
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        });
        Self { port, mood, taken, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    pub(crate) fn is(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// How often each mail was taken, by its `Message-ID`.
    pub(crate) fn taken(&self) -> BTreeMap<String, usize> {
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    stream: TcpStream,
    mut moods: watch::Receiver<Mood>,
    taken: Arc<Mutex<BTreeMap<String, usize>>>,
) {
    let mood = *moods.borrow_and_update();
    match mood {
        Mood::Closed => {}
        Mood::Silent => drop(moods.changed().await),
        // A mail whose last line has come is answered first: its fate would be unknown otherwise.
        Mood::Willing | Mood::Busy => drop(converse(stream, mood, moods, taken).await),
    }
}

async fn converse(
    stream: TcpStream,
    mood: Mood,
    mut moods: watch::Receiver<Mood>,
    taken: Arc<Mutex<BTreeMap<String, usize>>>,
) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test\r\n").await.ok()?;
    loop {
        let mut line = String::new();
        let read = tokio::select! {
            read = stream.read_line(&mut line) => read,
            _ = moods.changed() => return None,
        };
        if read.ok()? == 0 {
            return None;
        }
        let answer = match line.split([' ', '\r']).next().unwrap_or_default() {
            "MAIL" if mood == Mood::Busy => "451 come back later",
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut mail).await.ok()? == 0 {
                        return None;
                    }
                }
                let id = mail.lines().find_map(|line| line.strip_prefix("Message-ID: "))?;
                *taken.lock().unwrap().entry(id.to_owned()).or_default() += 1;
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
}
