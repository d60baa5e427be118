//! One step of the correspondence: what is queued, sent and given up on the way from one state to
//! the next, and the timers that follow from where it leads.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared_events::{
    Decision, Event, Outcome,
    events::notification::{Channel, NotificationFailed, NotificationSent},
};

use crate::{
    Effect, NotificationTimer, Post,
    policy::Policy,
    recipients::{self, one_line},
    state::{Contact, Heard, Letter, Message, News, State, Status},
};

/// A decision about one order's correspondence.
pub type NotificationDecision = Decision<State, Effect, NotificationTimer>;

/// Longest reason that is kept; a mail server's refusal is a line or two.
const REASON_CHARS_MAX: usize = 300;

/// A step under way.
pub(crate) struct Step<'a> {
    policy: &'a Policy,
    before: &'a State,
    at: DateTime<Utc>,
    /// Where it has led so far.
    pub(crate) after: State,
    said: Vec<Event>,
    effects: Vec<Effect>,
}

impl<'a> Step<'a> {
    pub(crate) fn from(policy: &'a Policy, before: &'a State, at: DateTime<Utc>) -> Self {
        Self { policy, before, at, after: before.clone(), said: Vec::new(), effects: Vec::new() }
    }

    /// Queues the messages that tell of an event, or keeps the event until somebody can be told.
    pub(crate) fn tell(&mut self, heard: Heard) {
        match self.after.contact.clone() {
            Some(contact) => self.write(&contact, &heard),
            None => self.after.waiting.push(heard),
        }
    }

    /// Tells all that has waited for a contact.
    pub(crate) fn tell_what_waited(&mut self) {
        for heard in std::mem::take(&mut self.after.waiting) {
            self.tell(heard);
        }
    }

    /// Nobody is known who could be told: what waited is given up, as the e-mail it would have been.
    pub(crate) fn give_up_what_waited(&mut self) {
        for heard in std::mem::take(&mut self.after.waiting) {
            let index = self.add(&heard, Channel::Email, None);
            self.fail(index, "nobody is known to write to: order.placed did not come");
        }
    }

    /// The messages that were given up because nobody was known are queued after all, under their old
    /// ids: a contact is known now, and none of them ever left.
    pub(crate) fn tell_what_found_nobody(&mut self) {
        let Some(contact) = self.after.contact.clone() else { return };
        for index in 0..self.after.messages.len() {
            let message = &self.after.messages[index];
            if message.recipient.is_some() {
                continue;
            }
            let (event_id, event_type) = (message.event_id, message.event_type);
            let heard = Heard { event_id, event_type, news: message.letter.news.clone() };
            let letter = self.letter(&heard, contact.name.clone());
            let message = &mut self.after.messages[index];
            (message.letter, message.status, message.last_error) = (letter, Status::Queued, None);
            self.address(index, &contact.email, recipients::usable_email);
            self.write_text(&contact, &heard);
        }
    }

    fn write(&mut self, contact: &Contact, heard: &Heard) {
        let index = self.add(heard, Channel::Email, contact.name.clone());
        self.address(index, &contact.email, recipients::usable_email);
        self.write_text(contact, heard);
    }

    fn write_text(&mut self, contact: &Contact, heard: &Heard) {
        if let Some(phone) = &contact.phone {
            let index = self.add(heard, Channel::Sms, contact.name.clone());
            self.address(index, phone, recipients::usable_phone);
        }
    }

    fn letter(&self, heard: &Heard, name: Option<String>) -> Letter {
        // A booking may have been replaced: only the estimate for this very parcel counts.
        let estimated_delivery = if let News::Shipped { tracking_number } = &heard.news {
            let parcel = self.after.parcel.as_ref();
            parcel
                .filter(|parcel| parcel.tracking_number == *tracking_number)
                .map(|parcel| parcel.estimated_delivery)
        } else {
            None
        };
        Letter { news: heard.news.clone(), name, purchase: self.after.purchase, estimated_delivery }
    }

    /// Says to whom a message goes, and lets it go if that can be used.
    fn address(&mut self, index: usize, recipient: &str, usable: impl Fn(&str) -> Result<String, String>) {
        let usable = usable(recipient);
        let to = usable.as_ref().map_or(recipient, String::as_str).to_owned();
        self.after.messages[index].recipient = Some(to);
        match usable {
            Ok(_) => self.send(index),
            Err(why) => self.fail(index, &why),
        }
    }

    /// Adds a message that has no recipient yet, and gives its place.
    fn add(&mut self, heard: &Heard, channel: Channel, name: Option<String>) -> usize {
        let letter = self.letter(heard, name);
        self.after.messages.push(Message {
            event_id: heard.event_id,
            event_type: heard.event_type,
            channel,
            recipient: None,
            letter,
            status: Status::Queued,
            attempts: 0,
            unknown: 0,
            put_off: 0,
            last_error: None,
            due_at: None,
            created_at: self.at,
            sent_at: None,
        });
        self.after.messages.len() - 1
    }

    /// Hands a queued message to its sender. Should nothing be heard of it, it is due again.
    pub(crate) fn send(&mut self, index: usize) {
        let message = &mut self.after.messages[index];
        let Some(recipient) = message.recipient.clone() else { return };
        message.attempts += 1;
        message.due_at = Some(self.at + self.policy.answer_within());
        self.effects.push(Effect::Send(Box::new(Post {
            message: message.id(),
            attempt: message.attempts,
            channel: message.channel,
            recipient,
            letter: message.letter.clone(),
            created_at: message.created_at,
        })));
    }

    /// The message left.
    pub(crate) fn sent(&mut self, index: usize) {
        let message = &mut self.after.messages[index];
        (message.status, message.due_at, message.sent_at) = (Status::Sent, None, Some(self.at));
        let (channel, template) = (message.channel, message.letter.news.template().to_owned());
        self.said.push(NotificationSent { channel, template }.into());
    }

    /// The attempt failed; another one follows, unless it was the last.
    pub(crate) fn try_later(&mut self, index: usize, why: &str) -> bool {
        let attempts = self.after.messages[index].attempts;
        if attempts >= self.policy.attempts_max {
            self.fail(index, why);
            return false;
        }
        self.again_after(index, self.policy.pause_after(attempts), why);
        true
    }

    /// Nobody knows whether the message left; another attempt follows, unless there were enough such.
    pub(crate) fn try_much_later(&mut self, index: usize, why: &str) -> bool {
        let message = &mut self.after.messages[index];
        message.unknown += 1;
        if message.unknown >= self.policy.unknown_max || message.attempts >= self.policy.attempts_max {
            self.fail(index, &format!("it may have left, nobody knows: {why}"));
            return false;
        }
        self.again_after(index, self.policy.unknown_again_after, why);
        true
    }

    fn again_after(&mut self, index: usize, pause: Duration, why: &str) {
        let message = &mut self.after.messages[index];
        (message.due_at, message.put_off) = (Some(self.at + pause), 0);
        message.last_error = Some(reason(message, why));
    }

    /// The attempt never began, so it does not count; it gets another turn. Nor is there a limit to
    /// this: giving up what was never tried helps nobody, and every attempt before it ends.
    pub(crate) fn put_off(&mut self, index: usize) {
        let message = &mut self.after.messages[index];
        message.attempts = message.attempts.saturating_sub(1);
        message.put_off = message.put_off.saturating_add(1);
        message.due_at = Some(self.at + self.policy.pause_after_waiting(message.put_off));
    }

    /// The message is given up.
    pub(crate) fn fail(&mut self, index: usize, why: &str) {
        let message = &mut self.after.messages[index];
        let reason = reason(message, why);
        (message.status, message.due_at, message.last_error) = (Status::Failed, None, Some(reason.clone()));
        let (channel, template) = (message.channel, message.letter.news.template().to_owned());
        self.said.push(NotificationFailed { channel, template, reason }.into());
    }

    /// The decision. `fired` is the timer that led here: its row is gone, so it is set anew when
    /// there is still something to wait for.
    pub(crate) fn decision(
        self,
        outcome: Outcome,
        note: impl Into<String>,
        fired: Option<NotificationTimer>,
    ) -> NotificationDecision {
        let due = self.after.next_due();
        let wait = due.map(|due| (due - self.at).to_std().unwrap_or_default());
        let send_changed = due != self.before.next_due() || fired == Some(NotificationTimer::Send);
        let (waited, waits) = (!self.before.waiting.is_empty(), !self.after.waiting.is_empty());
        let mut decision = Decision::to(self.after, outcome).note(note);
        (decision.emit, decision.effects) = (self.said, self.effects);
        match wait {
            Some(wait) if send_changed => decision = decision.arm(NotificationTimer::Send, wait),
            None if send_changed => decision = decision.disarm(NotificationTimer::Send),
            Some(_) | None => {}
        }
        // The deadline runs from the first that waits.
        if waits && !waited {
            decision.arm(NotificationTimer::Recipient, self.policy.recipient_within)
        } else if waited && !waits {
            decision.disarm(NotificationTimer::Recipient)
        } else {
            decision
        }
    }
}

/// A reason fit for events and the API: one line, of bounded length, that names no recipient.
fn reason(message: &Message, why: &str) -> String {
    let recipient = message.recipient.as_deref().unwrap_or_default();
    one_line(&recipients::without_recipient(why, recipient), REASON_CHARS_MAX)
}
