//! How messages leave: e-mail into a folder or by SMTP, text messages to a simulated provider.
//!
//! No sender fails. What may succeed later is [`Delivery::Later`]; what never will, for this
//! recipient, is [`Delivery::Never`]; what may have left or not is [`Delivery::Unknown`].

mod files;
mod mail;
mod server;
mod smtp;

use std::{future::Future, path::PathBuf, time::Duration};

use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use uuid::Uuid;

pub use files::{FileMailer, FileTexter};
pub use server::UnusableUrl;
pub use smtp::SmtpMailer;

use crate::{Delivery, compose::Email};

/// An e-mail on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The same on every attempt; becomes the `Message-ID`.
    pub id: Uuid,
    /// The recipient's name, if known: one line.
    pub name: Option<String>,
    /// The recipient's address.
    pub address: String,
    /// When it was written; becomes the `Date`.
    pub written_at: DateTime<Utc>,
    /// What it says.
    pub email: Email,
}

/// A text message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The same on every attempt; the provider's idempotency key.
    pub id: Uuid,
    /// The recipient's number.
    pub number: String,
    /// What it says, at most 160 characters of the GSM alphabet.
    pub text: String,
}

/// Sends e-mail.
pub trait Mailer: Send + Sync + 'static {
    /// Lets it go; the same id may come again.
    fn send(&self, mail: &Mail) -> impl Future<Output = Delivery> + Send;

    /// After how long [`send`](Mailer::send) has certainly come back. A second attempt begins later
    /// than that, so that no two of one mail are ever under way in one process.
    fn takes_at_most(&self) -> Duration;
}

/// Sends text messages.
pub trait Texter: Send + Sync + 'static {
    /// Lets it go; the same id may come again and is then the same message.
    fn send(&self, text: &Text) -> impl Future<Output = Delivery> + Send;
}

/// E-mail as the configuration wants it.
#[derive(Clone, Debug)]
pub enum MailTransport {
    /// Into a folder (development, tests).
    Files(FileMailer),
    /// To a mail server.
    Smtp(SmtpMailer),
}

impl MailTransport {
    /// By SMTP when there is a URL, into the folder otherwise.
    ///
    /// # Errors
    /// When the URL is unusable.
    pub fn new(smtp_url: &str, directory: PathBuf, from: Mailbox) -> Result<Self, UnusableUrl> {
        if smtp_url.is_empty() {
            Ok(Self::Files(FileMailer::new(directory, from)))
        } else {
            Ok(Self::Smtp(SmtpMailer::new(smtp_url, from)?))
        }
    }
}

impl Mailer for MailTransport {
    async fn send(&self, mail: &Mail) -> Delivery {
        match self {
            Self::Files(files) => files.send(mail).await,
            Self::Smtp(smtp) => smtp.send(mail).await,
        }
    }

    fn takes_at_most(&self) -> Duration {
        match self {
            Self::Files(files) => files.takes_at_most(),
            Self::Smtp(smtp) => smtp.takes_at_most(),
        }
    }
}
