//! Random stories of correspondence, folded and stored; with the audit log of its messages.

use chassis::config::Reader;
use notification_service::{
    Delivery, Input, Notifications, Report, compose, participant,
    state::{State, Status, channel_word},
    store,
};
use shared_events::{Event, EventType, OrderId, events::notification::Channel};
use sqlx::PgPool;
use system_tests::store_property::{
    Happens, Model, Subject, example, holds,
    proptest::{bool::weighted, prelude::*, sample::select, strategy::BoxedStrategy},
    same,
};
use uuid::Uuid;

use crate::world::{HEARD, later, never, unknown};

struct Correspondence(Notifications);

#[derive(Clone, Debug)]
enum Symbol {
    Said(EventType),
    /// Placed by somebody who gave this address, and a number or none.
    Placed {
        email: Option<&'static str>,
        phone: bool,
    },
    /// The sender of one of the messages, of its current attempt or of one before, came back.
    Report {
        which: usize,
        late: bool,
        delivery: Delivery,
    },
}

/// A row of the audit log without its place in the list.
type Row = (
    (Uuid, Uuid, Uuid, String, String, String),
    (Option<String>, Option<String>, String, i32, Option<String>),
    (chrono::DateTime<chrono::Utc>, Option<chrono::DateTime<chrono::Utc>>),
);

fn placed(email: Option<&str>, phone: bool) -> Event {
    let mut event = example(EventType::OrderPlaced);
    let Event::OrderPlaced(placed) = &mut event else { panic!("the golden file is order.placed") };
    let customer = placed.customer.as_mut().expect("the golden file has a customer");
    customer.email = email.map(str::to_owned);
    if !phone {
        customer.phone = None;
    }
    event
}

impl Subject for Correspondence {
    type Participant = Notifications;
    type Symbol = Symbol;

    const STAGES: &'static [&'static str] = &["waiting", "queued", "sent", "failed"];

    fn symbols() -> BoxedStrategy<Symbol> {
        let emails = [Some("ada@example.com"), Some("nowhere"), None];
        let deliveries = [Delivery::Sent, later(), never(), unknown(), Delivery::PutOff];
        prop_oneof![
            3 => (select(emails.to_vec()), any::<bool>())
                .prop_map(|(email, phone)| Symbol::Placed { email, phone }),
            8 => select(&HEARD[..]).prop_map(Symbol::Said),
            10 => (any::<usize>(), weighted(0.25), select(deliveries.to_vec()))
                .prop_map(|(which, late, delivery)| Symbol::Report { which, late, delivery }),
        ]
        .boxed()
    }

    fn ways() -> Vec<Vec<Symbol>> {
        use EventType::{OrderConfirmed, ShippingDelivered, ShippingDispatched, ShippingScheduled};
        let placed = || Symbol::Placed { email: Some("ada@example.com"), phone: true };
        let onward = [OrderConfirmed, ShippingScheduled, ShippingDispatched, ShippingDelivered];
        let onward = onward.map(Symbol::Said).to_vec();
        let sent = Symbol::Report { which: 0, late: false, delivery: Delivery::Sent };
        vec![
            vec![placed(), sent, Symbol::Said(EventType::OrderCancelled)],
            [vec![placed()], onward.clone()].concat(),
            [onward, vec![placed()]].concat(),
            vec![Symbol::Said(EventType::OrderFailed), placed(), Symbol::Said(EventType::PaymentRefunded)],
        ]
    }

    async fn begin(_pool: &PgPool) -> Self {
        // No effect is performed here, so nothing is ever sent, or written into a folder.
        Self(participant(&mut Reader::from_pairs(&[])).expect("all has a default"))
    }

    fn participant(&self) -> &Notifications {
        &self.0
    }

    fn world(&self) {}

    fn happens(&self, symbol: &Symbol, _order: OrderId, state: &State) -> Happens<Input> {
        match symbol {
            Symbol::Said(event_type) => Happens::said(example(*event_type)),
            Symbol::Placed { email, phone } => Happens::said(placed(*email, *phone)),
            Symbol::Report { which, late, delivery } => {
                let count = state.messages.len().max(1);
                let known = state.messages.get(which % count);
                // Before the first message, a report is about one of another order.
                let (message, attempt) = known.map_or((Uuid::nil(), 1), |known| (known.id(), known.attempts));
                let attempt = attempt.saturating_sub(u32::from(*late));
                Happens::Outcome(Input::Report(Report { message, attempt, delivery: delivery.clone() }))
            }
        }
    }

    /// Whether a message has left, else how the newest one is.
    fn stage(state: &State) -> &'static str {
        if state.messages.iter().any(|message| message.status == Status::Sent) {
            return "sent";
        }
        match state.messages.last().map(|message| message.status) {
            None if state.waiting.is_empty() => "nothing",
            None => "waiting",
            Some(Status::Queued) => "queued",
            Some(Status::Sent) => "sent",
            Some(Status::Failed) => "failed",
        }
    }

    /// When an attempt is to begin is measured on the process's own clock, which runs on meanwhile.
    fn effect(effect: &<Notifications as chassis::Participant>::Effect) -> String {
        let words = format!("{effect:?}");
        words.split(", begin_by:").next().unwrap_or_default().to_owned()
    }

    async fn agrees(&self, pool: &PgPool, model: &Model<Notifications>) -> Result<(), String> {
        for (order, kept) in model.orders() {
            let rows = store::of_order(pool, order).await.map_err(|error| error.to_string())?;
            let mut stored: Vec<Row> = rows
                .into_iter()
                .map(|row| {
                    let what =
                        (row.id, row.order_id, row.event_id, row.event_type, row.channel, row.template);
                    let how = (row.recipient, row.subject, row.status, row.attempts, row.last_error);
                    (what, how, (row.created_at, row.sent_at))
                })
                .collect();
            let mut wanted = wanted(order, &kept.state)?;
            // One statement writes all that is new; within it the sequence is free.
            stored.sort();
            wanted.sort();
            same(order, "audit log", &stored, &wanted)?;
        }
        Ok(())
    }
}

fn wanted(order: OrderId, state: &State) -> Result<Vec<Row>, String> {
    let row = |message: &notification_service::state::Message| {
        let subject = match message.channel {
            Channel::Email => Some(compose::subject(&message.letter, order).map_err(|e| e.to_string())?),
            Channel::Sms => None,
        };
        let (event_type, channel) =
            (message.event_type.as_str().to_owned(), channel_word(message.channel).to_owned());
        let template = message.letter.news.template().to_owned();
        let what = (message.id(), order.0, message.event_id.0, event_type, channel, template);
        let (status, attempts) = (message.status.as_str().to_owned(), message.attempts.cast_signed());
        let how = (message.recipient.clone(), subject, status, attempts, message.last_error.clone());
        Ok((what, how, (message.created_at, message.sent_at)))
    };
    state.messages.iter().map(row).collect()
}

#[test]
fn correspondence_is_stored_as_the_rule_leaves_it() {
    holds::<Correspondence>();
}
