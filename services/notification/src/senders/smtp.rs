//! E-mail by SMTP, to a mail server that sends it on.
//!
//! A mail counts as sent when the server has taken it. Should the connection break between its last
//! line and the server's word, nobody knows; the mail is sent again under the same `Message-ID`.

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    message::Mailbox,
    transport::smtp::{Error, extension::ClientId},
};

use super::{Mail, Mailer, mail};
use crate::Delivery;

/// How long connecting, or one answer, may take. Servers that make strangers wait do so for seconds.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one mail may take altogether; less than the policy's `answer_within`, after which it
/// would be sent a second time beside the first.
const MAIL_TIMEOUT: Duration = Duration::from_secs(30);
/// Refusals that are about us: authentication missing, failed or too weak. Another configuration
/// will mend them, and no mail should be given up for them at once.
const ABOUT_US: [u16; 4] = [530, 534, 535, 538];

/// A URL that names no mail server. Does not repeat it, for it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must look like smtps://user:password@host:465 or smtp://host:587?tls=required")]
pub struct UnusableUrl;

/// Sends e-mail by SMTP. Each mail has a connection of its own.
#[derive(Clone, Debug)]
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMailer {
    /// To the server at `url`.
    ///
    /// # Errors
    /// When the URL is unusable; whether a server is there is seen with the first mail.
    pub fn new(url: &str, from: Mailbox) -> Result<Self, UnusableUrl> {
        let hello = ClientId::Domain(from.email.domain().to_owned());
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|_| UnusableUrl)?;
        Ok(Self { transport: builder.hello_name(hello).timeout(Some(ANSWER_TIMEOUT)).build(), from })
    }
}

impl Mailer for SmtpMailer {
    async fn send(&self, mail: &Mail) -> Delivery {
        let message = match mail::build(&self.from, mail) {
            Ok(message) => message,
            Err(why) => return Delivery::Never { why },
        };
        match tokio::time::timeout(MAIL_TIMEOUT, self.transport.send(message)).await {
            Ok(Ok(_)) => Delivery::Sent,
            Ok(Err(error)) => refused(&error),
            Err(_) => Delivery::Later { why: "the mail server did not take the mail in time".to_owned() },
        }
    }
}

fn refused(error: &Error) -> Delivery {
    let why = with_causes(error);
    let about_us = error.status().is_some_and(|code| ABOUT_US.contains(&u16::from(code)));
    if error.is_permanent() && !about_us { Delivery::Never { why } } else { Delivery::Later { why } }
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
