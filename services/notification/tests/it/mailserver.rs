//! A mail server that counts what it takes, and says what it is told to say.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use notification_service::senders::SmtpMailer;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::words::from;

/// How it behaves on one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) to_sender: &'static str,
    pub(crate) to_recipient: &'static str,
    /// Its word on a mail that it has in full; without one it takes the mail and says nothing more.
    pub(crate) to_mail: Option<&'static str>,
    /// How long it takes for that.
    pub(crate) thinks: Duration,
    /// Whether it answers `QUIT`.
    pub(crate) parts: bool,
}

/// One that takes everything at once.
pub(crate) const WILLING: Manner = Manner {
    to_sender: "250 ok",
    to_recipient: "250 ok",
    to_mail: Some("250 taken"),
    thinks: Duration::ZERO,
    parts: true,
};

/// A running server; it ends with the test.
pub(crate) struct MailServer {
    pub(crate) address: SocketAddr,
    taken: Arc<Mutex<Vec<String>>>,
    awake: watch::Sender<bool>,
    connections: Arc<Mutex<usize>>,
}

impl MailServer {
    /// With these manners, one for each connection; the last one stays.
    pub(crate) async fn start(manners: &[Manner]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (awake, asleep) = watch::channel(true);
        let server = Self { address, taken: Arc::default(), awake, connections: Arc::default() };
        let (manners, taken, connections) =
            (manners.to_vec(), server.taken.clone(), server.connections.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let index = {
                    let mut connections = connections.lock().expect("no panic");
                    *connections += 1;
                    *connections - 1
                };
                let manner = manners[index.min(manners.len() - 1)];
                tokio::spawn(converse(stream, manner, taken.clone(), asleep.clone()));
            }
        });
        server
    }

    pub(crate) fn mailer(&self) -> SmtpMailer {
        SmtpMailer::new(&format!("smtp://{}", self.address), from()).expect("a URL")
    }

    /// While it sleeps it accepts connections and says nothing on new ones.
    pub(crate) fn sleep(&self, asleep: bool) {
        self.awake.send_replace(!asleep);
    }

    /// Everything it ever took.
    pub(crate) fn taken(&self) -> Vec<String> {
        self.taken.lock().expect("no panic").clone()
    }

    /// How often each mail was taken, by its `Message-ID`.
    pub(crate) fn copies(&self) -> BTreeMap<String, usize> {
        let mut copies = BTreeMap::new();
        for mail in self.taken() {
            let id = mail.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("an id");
            *copies.entry(id.to_owned()).or_default() += 1;
        }
        copies
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().expect("no panic")
    }
}

/// One connection, until either side ends it.
async fn converse(
    stream: TcpStream,
    manner: Manner,
    taken: Arc<Mutex<Vec<String>>>,
    mut awake: watch::Receiver<bool>,
) -> Option<()> {
    awake.wait_for(|awake| *awake).await.ok()?;
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 test\r\n").await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let answer = match line.split([' ', '\r']).next().unwrap_or_default() {
            "MAIL" => manner.to_sender,
            "RCPT" => manner.to_recipient,
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.ok()?;
                let mut mail = String::new();
                while !mail.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut mail).await.ok()? == 0 {
                        return None;
                    }
                }
                tokio::time::sleep(manner.thinks).await;
                if manner.to_mail.is_none_or(|word| word.starts_with('2')) {
                    taken.lock().expect("no panic").push(mail);
                }
                match manner.to_mail {
                    Some(word) => word,
                    None => return std::future::pending().await,
                }
            }
            "QUIT" if !manner.parts => return std::future::pending().await,
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
    }
}
