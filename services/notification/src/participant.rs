//! The saga's side: inputs are decided by [`crate::decide`], effects become messages that leave.

use std::{collections::HashMap, path::PathBuf};

use chassis::{Change, DecisionOf, Participant, config};
use chrono::{DateTime, Utc};
use lettre::message::Mailbox;
use secrecy::ExposeSecret as _;
use shared_events::{Envelope, EventType, OrderId, Rejection, Service, events::notification::Channel};
use sqlx::PgConnection;

use crate::{
    Delivery, Effect, Input, NotificationTimer, Post, Report, compose, decide,
    policy::Policy,
    senders::{FileTexter, Mail, MailTransport, Mailer, Text, Texter},
    state::State,
    store,
};

const SMTP_URL_DOC: &str = "Mail server, smtps://user:password@host:465; empty: mail becomes files.";

/// Notification as a participant of the saga.
#[derive(Clone, Debug)]
pub struct Notifications<M = MailTransport, T = FileTexter> {
    policy: Policy,
    mailer: M,
    texter: T,
}

impl<M, T> Notifications<M, T> {
    /// With these deadlines and these senders.
    pub const fn new(policy: Policy, mailer: M, texter: T) -> Self {
        Self { policy, mailer, texter }
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
    type Effect = Effect;
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
        Ok(decide::decide(&self.policy, state, input, at))
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

    async fn perform(&self, order: OrderId, effect: Effect) -> Option<Input> {
        let Effect::Send(post) = effect;
        let delivery = self.send(order, &post).await;
        match &delivery {
            Delivery::Sent => {}
            Delivery::Later { why } | Delivery::Never { why } => {
                let message = post.message;
                // The reason may repeat the recipient, who is no business of the log.
                let why = crate::recipients::without_recipient(why, &post.recipient);
                tracing::warn!(order_id = %order, %message, attempt = post.attempt, why, "a message did not leave");
            }
        }
        Some(Input::Report(Report { message: post.message, attempt: post.attempt, delivery }))
    }
}
