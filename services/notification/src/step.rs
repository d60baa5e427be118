//! One step of the correspondence: what is queued, sent and given up on the way from one state to
//! the next, and the timers that follow from where it leads.

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
            let letter = self.letter(&heard, None);
            self.add(&heard, Channel::Email, None, letter);
            self.fail(
                self.after.messages.len() - 1,
                "nobody is known to write to: order.placed did not come",
            );
        }
    }

    fn write(&mut self, contact: &Contact, heard: &Heard) {
        let letter = self.letter(heard, contact.name.clone());
        self.queue(heard, Channel::Email, &contact.email, recipients::usable_email, letter.clone());
        if let Some(phone) = &contact.phone {
            self.queue(heard, Channel::Sms, phone, recipients::usable_phone, letter);
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

    fn queue(
        &mut self,
        heard: &Heard,
        channel: Channel,
        recipient: &str,
        usable: impl Fn(&str) -> Result<String, String>,
        letter: Letter,
    ) {
        match usable(recipient) {
            Ok(recipient) => {
                self.add(heard, channel, Some(recipient), letter);
                self.send(self.after.messages.len() - 1);
            }
            Err(why) => {
                self.add(heard, channel, Some(recipient.to_owned()), letter);
                self.fail(self.after.messages.len() - 1, &why);
            }
        }
    }

    fn add(&mut self, heard: &Heard, channel: Channel, recipient: Option<String>, letter: Letter) {
        self.after.messages.push(Message {
            event_id: heard.event_id,
            event_type: heard.event_type,
            channel,
            recipient,
            letter,
            status: Status::Queued,
            attempts: 0,
            last_error: None,
            due_at: None,
            created_at: self.at,
            sent_at: None,
        });
    }

    /// Hands a queued message to its sender. Should nothing be heard of it, it is due again.
    pub(crate) fn send(&mut self, index: usize) {
        let message = &mut self.after.messages[index];
        let Some(recipient) = message.recipient.clone() else { return };
        message.attempts += 1;
        message.due_at = Some(self.at + self.policy.answer_within);
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
        let message = &mut self.after.messages[index];
        message.due_at = Some(self.at + self.policy.pause_after(attempts));
        message.last_error = Some(reason(message, why));
        true
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
