//! E-mail by SMTP, to a mail server that sends it on.
//!
//! A mail counts as sent when the server has said that it took it; what the server says afterwards,
//! or does not, changes nothing. Until the mail's last line is out it certainly was not taken, and may
//! be sent again soon. When the connection breaks between that line and the server's word, nobody
//! knows: that is [`Delivery::Unknown`], which is repeated rarely, under the same `Message-ID`.

use std::time::Duration;

use lettre::{
    Address, Message,
    address::Envelope,
    message::Mailbox,
    transport::smtp::{
        Error,
        client::AsyncSmtpConnection,
        commands::{Data, Mail as MailFrom, Rcpt},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use tokio::time::timeout;

use super::{
    Mail, Mailer, mail,
    server::{Server, UnusableUrl},
};
use crate::Delivery;

/// How long all may take that comes before the mail itself. Nothing is lost by giving up here, and
/// servers that make strangers wait do so for seconds.
const PREPARE_WITHIN: Duration = Duration::from_secs(30);
/// How long the mail and the server's word on it may take. RFC 5321 (4.5.3.2.6) asks for ten minutes,
/// because whoever gives up earlier makes copies: the server may be about to say yes.
const ANSWER_WITHIN: Duration = Duration::from_secs(600);
/// How long the server may take to say goodbye; nobody waits for it.
const GOODBYE_WITHIN: Duration = Duration::from_secs(5);
/// Refusals that are about the recipient when they come in answer to `RCPT` and say no more: no such
/// mailbox, moved away, no such name. All others may be about us (authentication, relaying, a block
/// list, a limit) and would give up every customer's mail at once.
const ABOUT_RECIPIENT: [u16; 3] = [550, 551, 553];
/// Enhanced codes (RFC 3463) begin like this when they are about an address, …
const ABOUT_ADDRESS: &str = "5.1.";
/// … and these are about the sender's: ours.
const ABOUT_SENDER: [&str; 2] = ["5.1.7", "5.1.8"];

/// Sends e-mail by SMTP. Each mail has a connection of its own.
#[derive(Clone, Debug)]
pub struct SmtpMailer {
    server: Server,
    from: Mailbox,
    prepare_within: Duration,
    answer_within: Duration,
}

impl SmtpMailer {
    /// To the server at `url`.
    ///
    /// # Errors
    /// When the URL is unusable; whether a server is there is seen with the first mail.
    pub fn new(url: &str, from: Mailbox) -> Result<Self, UnusableUrl> {
        let server = Server::new(url, ClientId::Domain(from.email.domain().to_owned()))?;
        Ok(Self { server, from, prepare_within: PREPARE_WITHIN, answer_within: ANSWER_WITHIN })
    }

    /// The same with other limits: before the mail itself, and for it with the server's word.
    #[must_use]
    pub fn within(self, prepare_within: Duration, answer_within: Duration) -> Self {
        Self { prepare_within, answer_within, ..self }
    }

    /// A connection on which the server awaits the mail itself.
    async fn prepare(&self, message: &Message) -> Result<AsyncSmtpConnection, Delivery> {
        let connected = self.server.connect().await;
        let mut connection = connected.map_err(|error| Delivery::Later { why: with_causes(&error) })?;
        match announce(&mut connection, message.envelope()).await {
            Ok(()) => Ok(connection),
            Err(refused) => {
                part(connection);
                Err(refused)
            }
        }
    }

    /// Hands over the mail itself and awaits the server's word.
    async fn hand_over(&self, mut connection: AsyncSmtpConnection, content: &[u8]) -> Delivery {
        let mut ended = false;
        // The connection asks for a second part when it has written the first, and then ends the mail.
        let parts = std::iter::once(content).chain(std::iter::from_fn(|| {
            ended = true;
            None
        }));
        let (why, word) = match timeout(self.answer_within, connection.message_iter(parts)).await {
            Ok(Ok(_)) => {
                part(connection);
                return Delivery::Sent;
            }
            Ok(Err(error)) if error.status().is_some() => {
                part(connection);
                return refused(&error, Asked::Mail);
            }
            Ok(Err(error)) => (with_causes(&error), "the connection broke"),
            Err(_) => (format!("nothing was heard for {:?}", self.answer_within), "the server fell silent"),
        };
        if ended {
            Delivery::Unknown { why: format!("{word} before the server's word: {why}") }
        } else {
            Delivery::Later { why: format!("{word} before the end of the mail: {why}") }
        }
    }
}

impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Delivery {
        let message = match mail::build(&self.from, mail) {
            Ok(message) => message,
            Err(why) => return Delivery::Never { why },
        };
        match timeout(self.prepare_within, self.prepare(&message)).await {
            Ok(Ok(connection)) => self.hand_over(connection, &message.formatted()).await,
            Ok(Err(refused)) => refused,
            Err(_) => Delivery::Later { why: "the mail server did not ask for the mail in time".to_owned() },
        }
    }

    fn takes_at_most(&self) -> Duration {
        self.prepare_within + self.answer_within
    }
}

/// From whom and to whom; afterwards the server awaits the mail itself.
async fn announce(connection: &mut AsyncSmtpConnection, envelope: &Envelope) -> Result<(), Delivery> {
    let mut parameters = Vec::new();
    let beyond_ascii = |address: &Address| !AsRef::<str>::as_ref(address).is_ascii();
    if envelope.from().into_iter().chain(envelope.to()).any(beyond_ascii) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            let why = "the mail server takes no address with letters beyond ASCII".to_owned();
            return Err(Delivery::Never { why });
        }
        // Then the address stands in a header too; whoever can the one has to know the other (RFC 6531).
        parameters.push(MailParameter::SmtpUtfEight);
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let from = MailFrom::new(envelope.from().cloned(), parameters);
    connection.command(from).await.map_err(|error| refused(&error, Asked::Sender))?;
    for to in envelope.to() {
        let to = Rcpt::new(to.clone(), Vec::new());
        connection.command(to).await.map_err(|error| refused(&error, Asked::Recipient))?;
    }
    connection.command(Data).await.map_err(|error| refused(&error, Asked::Mail))?;
    Ok(())
}

/// Says goodbye without waiting for an answer: the mail is done with.
fn part(mut connection: AsyncSmtpConnection) {
    tokio::spawn(async move {
        // Whether the server is polite is all the same.
        let _ = timeout(GOODBYE_WITHIN, connection.quit()).await;
    });
}

/// What the server was asked to take when it said no.
#[derive(Clone, Copy, Debug)]
enum Asked {
    Sender,
    Recipient,
    Mail,
}

/// The server said no, or the conversation broke, before the mail was taken.
fn refused(error: &Error, asked: Asked) -> Delivery {
    let why = with_causes(error);
    if is_about_recipient(error, asked) { Delivery::Never { why } } else { Delivery::Later { why } }
}

fn is_about_recipient(error: &Error, asked: Asked) -> bool {
    let Some(code) = error.status().filter(|_| error.is_permanent()) else { return false };
    let said = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    match (asked, enhanced_code(&said)) {
        (Asked::Sender, _) | (Asked::Mail, None) => false,
        (Asked::Recipient | Asked::Mail, Some(enhanced)) => {
            enhanced.starts_with(ABOUT_ADDRESS) && !ABOUT_SENDER.contains(&enhanced)
        }
        (Asked::Recipient, None) => ABOUT_RECIPIENT.contains(&u16::from(code)),
    }
}

/// The `5.1.1` at the beginning of a refusal, if there is one.
fn enhanced_code(said: &str) -> Option<&str> {
    let word = said.split_whitespace().next()?;
    let parts: Vec<_> = word.split('.').collect();
    let number = |part: &&str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    (parts.len() == 3 && parts[0] == "5" && parts.iter().all(number)).then_some(word)
}

fn with_causes(error: &Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        // Some errors print their cause with themselves.
        let inner_words = inner.to_string();
        if !words.contains(&inner_words) {
            words = format!("{words}: {inner_words}");
        }
        cause = inner.source();
    }
    words
}
