//! The saga's side: inputs are decided by [`crate::decide`], effects become messages that leave.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use chassis::{Change, DecisionOf, Participant, config};
use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use secrecy::ExposeSecret as _;
use shared_events::{
    Decision, Envelope, EventType, OrderId, Rejection, Service, events::notification::Channel,
};
use sqlx::PgConnection;
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout_at},
};

use crate::{
    Delivery, Effect, Input, NotificationTimer, Post, Report, compose, decide,
    policy::Policy,
    senders::{FileTexter, Mail, MailTransport, Mailer, Text, Texter},
    state::State,
    store,
};

const SMTP_URL_DOC: &str = "Mail server, smtps://user:password@host:465; empty: mail becomes files.";

/// Mails under way at once. Fewer than the 64 effects of the chassis: whatever the mail server does, some
/// of those slots always come free within [`Policy::start_within`], so that whoever waits for one
/// either begins or is put off in time.
const MAILS_AT_ONCE: usize = 48;

/// Notification as a participant of the saga.
#[derive(Clone, Debug)]
pub struct Notifications<M = MailTransport, T = FileTexter> {
    policy: Policy,
    mailer: M,
    texter: T,
    turns: Arc<Semaphore>,
}

/// An attempt on its way to its sender.
#[derive(Clone, Debug)]
pub struct Attempt {
    post: Box<Post>,
    /// When it is too late to begin. Measured on this process's own clock: the decision's time is the
    /// database's, and the clocks of two machines are not to be compared.
    begin_by: Instant,
}

impl<M, T> Notifications<M, T> {
    /// With these deadlines and these senders.
    pub fn new(policy: Policy, mailer: M, texter: T) -> Self
    where
        M: Mailer,
    {
        let policy = policy.sending_within(mailer.takes_at_most());
        Self { policy, mailer, texter, turns: Arc::new(Semaphore::new(MAILS_AT_ONCE)) }
    }
}

/// Notification as its environment wants it.
///
/// # Errors
/// Names the variable that makes no sense.
pub fn participant(env: &mut config::Reader) -> Result<Notifications, config::ConfigError> {
    let directory: PathBuf = env.read(
        "MAIL_DIRECTORY",
        Some("mail"),
        "Folder for e-mail (without SMTP_URL) and, in its folder `sms`, for simulated text messages.",
    )?;
    let from: Mailbox = env.read(
        "MAIL_FROM",
        Some("Orders <orders@example.com>"),
        "Sender of all e-mail; its domain also names us to mail servers and in Message-IDs.",
    )?;
    let smtp_url = env.secret("SMTP_URL", Some(""), SMTP_URL_DOC)?;
    let texter = FileTexter::new(directory.join("sms"));
    let mailer = MailTransport::new(smtp_url.expose_secret(), directory, from).map_err(|problem| {
        config::ConfigError::Invalid {
            name: "SMTP_URL",
            value: "***".to_owned(),
            problem: problem.to_string(),
            doc: SMTP_URL_DOC,
        }
    })?;
    Ok(Notifications::new(Policy::default().scaled(env.time_scale()?), mailer, texter))
}

impl<M: Mailer, T: Texter> Notifications<M, T> {
    /// Makes the attempt, if its turn comes in time.
    async fn attempt(&self, order: OrderId, attempt: &Attempt) -> Delivery {
        let Attempt { post, begin_by } = attempt;
        match post.channel {
            Channel::Email => match self.turn(*begin_by).await {
                Some(_turn) => self.send(order, post).await,
                None => Delivery::PutOff,
            },
            // The provider knows a repetition by its key, so it is never too late to begin.
            Channel::Sms => self.send(order, post).await,
        }
    }

    /// A turn for one mail; none if it would begin too late, when nothing is known of it any more and
    /// another attempt may be made beside it.
    async fn turn(&self, begin_by: Instant) -> Option<SemaphorePermit<'_>> {
        if Instant::now() >= begin_by {
            return None;
        }
        timeout_at(begin_by, self.turns.acquire()).await.ok()?.ok()
    }

    async fn send(&self, order: OrderId, post: &Post) -> Delivery {
        let words_failed =
            |error: askama::Error| Delivery::Never { why: format!("no words for it: {error}") };
        match post.channel {
            Channel::Email => match compose::email(&post.letter, order) {
                Ok(email) => {
                    let (name, address) = (post.letter.name.clone(), post.recipient.clone());
                    let mail = Mail { id: post.message, name, address, written_at: post.created_at, email };
                    self.mailer.send(&mail).await
                }
                Err(error) => words_failed(error),
            },
            Channel::Sms => match compose::sms(&post.letter, order) {
                Ok(text) => {
                    let text = Text { id: post.message, number: post.recipient.clone(), text };
                    self.texter.send(&text).await
                }
                Err(error) => words_failed(error),
            },
        }
    }
}

impl<M: Mailer, T: Texter> Participant for Notifications<M, T> {
    const SERVICE: Service = Service::Notification;
    type State = State;
    type Input = Input;
    type Effect = Attempt;
    type Timer = NotificationTimer;
    type World = ();

    fn handles(event_type: EventType) -> bool {
        decide::handles(event_type)
    }

    fn event_input(envelope: &Envelope) -> Input {
        Input::Event(Box::new(envelope.clone()))
    }

    fn timer_input(timer: NotificationTimer) -> Input {
        Input::Timer(timer)
    }

    fn input_name(input: &Input) -> String {
        input.name()
    }

    fn decide(
        &self,
        (): &(),
        state: &State,
        input: &Input,
        at: DateTime<Utc>,
    ) -> Result<DecisionOf<Self>, Rejection> {
        let decided = decide::decide(&self.policy, state, input, at);
        let Decision { state, outcome, note, emit, resend, timers, effects, alarm } = decided;
        let begin_by = Instant::now() + self.policy.start_within;
        let attempt = |Effect::Send(post)| Attempt { post, begin_by };
        let effects = effects.into_iter().map(attempt).collect();
        Ok(Decision { state, outcome, note, emit, resend, timers, effects, alarm })
    }

    /// Nobody waits for an answer from notification, so a resend is a duplicate and nothing more.
    fn answers(_state: &State, _asked: EventType) -> Vec<EventType> {
        Vec::new()
    }

    async fn load(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, State>> {
        store::load(tx, orders).await
    }

    async fn save(
        &self,
        tx: &mut PgConnection,
        changes: &[Change<Self>],
        (): &(),
        at: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        let changed: Vec<_> = changes
            .iter()
            .filter(|change| change.before != change.after)
            .map(|change| store::Changed {
                order: change.order,
                before: &change.before,
                after: &change.after,
            })
            .collect();
        store::save(tx, &changed, at).await
    }

    async fn perform(&self, order: OrderId, attempt: Attempt) -> Option<Input> {
        let delivery = self.attempt(order, &attempt).await;
        let post = attempt.post;
        match &delivery {
            // The saga log and its metric count those that were put off.
            Delivery::Sent | Delivery::PutOff => {}
            Delivery::Later { why } | Delivery::Never { why } | Delivery::Unknown { why } => {
                let message = post.message;
                // The reason may repeat the recipient, who is no business of the log.
                let why = crate::recipients::without_recipient(why, &post.recipient);
                tracing::warn!(order_id = %order, %message, attempt = post.attempt, why, "a message did not leave");
            }
        }
        Some(Input::Report(Report { message: post.message, attempt: post.attempt, delivery }))
    }
}
