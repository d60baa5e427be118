//! An e-mail as bytes: the same bytes for the same mail, however often it is built.

use std::time::{Duration, SystemTime};

use lettre::{
    Message,
    message::{Mailbox, MultiPart, SinglePart},
};

use super::Mail;
use crate::recipients::one_line;

/// Longer than any name or subject of ours; what counts here is that they are one line.
const HEADER_CHARS_MAX: usize = 200;

/// Builds it.
///
/// # Errors
/// Why it cannot be built, for a person.
pub(super) fn build(from: &Mailbox, mail: &Mail) -> Result<Message, String> {
    let address = mail.address.parse().map_err(|problem| format!("the address cannot be used: {problem}"))?;
    let written =
        SystemTime::UNIX_EPOCH + Duration::from_secs(mail.written_at.timestamp().max(0).unsigned_abs());
    // A line break in a name makes lettre panic, and one in a header would begin another.
    let name = mail.name.as_deref().map(|name| one_line(name, HEADER_CHARS_MAX));
    // Left to itself, lettre draws a boundary by lot, and a repetition would not equal the first.
    // No line of ours begins with two dashes and the id of the mail.
    let parts = MultiPart::alternative()
        .boundary(mail.id.simple().to_string())
        .singlepart(SinglePart::plain(mail.email.text.clone()))
        .singlepart(SinglePart::html(mail.email.html.clone()));
    Message::builder()
        .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
        .date(written)
        .from(from.clone())
        .to(Mailbox::new(name, address))
        .subject(one_line(&mail.email.subject, HEADER_CHARS_MAX))
        .multipart(parts)
        .map_err(|problem| format!("the mail cannot be built: {problem}"))
}
