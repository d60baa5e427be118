//! Random stories of orders that know each other by customer, device, address and card, folded and
//! stored; with what later orders are compared with.

use std::net::Ipv6Addr;

use ai_domain::{Features, Happened, Input, Memory, Policy, ReviewCommand, ReviewStatus, State, Thresholds};
use ai_service::Ai;
use chrono::{DateTime, TimeDelta, Utc};
use shared_events::{
    Event, EventType, OrderId,
    events::{
        fraud::{Ruling, Verdict},
        order::{Client, OrderCompleted, OrderOutcome, OrderPlaced},
        payment::PaymentFailed,
    },
};
use sqlx::{FromRow, PgPool};
use system_tests::store_property::{
    Happens, Model, Subject, example, holds,
    proptest::{option, prelude::*, sample::select, strategy::BoxedStrategy},
    same,
};
use uuid::Uuid;

use crate::world::placed;

/// Doubts come early here, so that verdicts of every kind do.
const THRESHOLDS: Thresholds = Thresholds { review: 15, reject: 40 };

struct Shop {
    ai: Ai,
    /// Sets the customers, devices, addresses and cards of one story apart from those of the others,
    /// which are in the same database.
    story: Uuid,
}

#[derive(Clone, Debug)]
enum Symbol {
    Placed { who: u8, device: Option<u8>, ip: Option<u8>, card: u8, total_minor: i64, minutes_ago: i64 },
    Failed(&'static str),
    Ended(OrderOutcome),
    Said(EventType),
    Ruled(Ruling),
}

fn placings() -> impl Strategy<Value = Symbol> {
    let link = || option::weighted(0.8, 0..2_u8);
    let ago = prop_oneof![3 => Just(0_i64), 2 => 0..90_i64, 1 => 0..60_000_i64];
    (0..3_u8, link(), link(), 0..3_u8, 100..900_000_i64, ago).prop_map(
        |(who, device, ip, card, total_minor, minutes_ago)| Symbol::Placed {
            who,
            device,
            ip,
            card,
            total_minor,
            minutes_ago,
        },
    )
}

impl Shop {
    fn order(&self, who: u8, device: Option<u8>, ip: Option<u8>, card: u8, total_minor: i64) -> OrderPlaced {
        let story = self.story;
        let mut order = placed(&format!("customer-{who}-{story}"));
        order.total_minor = total_minor;
        order.payment_method.token = Some(format!("pm_{card}_{story}"));
        // A public address of its own: one that is private identifies nobody.
        let address = |n: u8| {
            let unique = story.as_u128() >> 16 << 8 | u128::from(n);
            Ipv6Addr::from_bits(0x2a00 << 112 | unique).to_string()
        };
        order.client = Some(Client {
            device_id: device.map(|n| format!("device-{n}-{story}")),
            ip: ip.map(address),
            user_agent: None,
        });
        order
    }
}

impl Subject for Shop {
    type Participant = Ai;
    type Symbol = Symbol;

    /// More than elsewhere, because they are compared with each other.
    const ORDERS: u8 = 6;
    const STAGES: &'static [&'static str] =
        &["approved", "rejected", "review open", "review decided", "review closed"];

    fn symbols() -> BoxedStrategy<Symbol> {
        let ends = [OrderOutcome::Delivered, OrderOutcome::Failed, OrderOutcome::Cancelled];
        let said = [EventType::OrderConfirmed, EventType::OrderCancelled, EventType::OrderFailed];
        prop_oneof![
            8 => placings(),
            3 => select(&["card_declined", "gateway_timeout", "fraud_rejected"][..]).prop_map(Symbol::Failed),
            2 => select(ends.to_vec()).prop_map(Symbol::Ended),
            4 => select(said.to_vec()).prop_map(Symbol::Said),
            2 => select(&[Ruling::Approve, Ruling::Reject][..]).prop_map(Symbol::Ruled),
        ]
        .boxed()
    }

    fn ways() -> Vec<Vec<Symbol>> {
        let placed = |who, total_minor| Symbol::Placed {
            who,
            device: Some(0),
            ip: Some(1),
            card: 1,
            total_minor,
            minutes_ago: 30,
        };
        let confirmed = Symbol::Said(EventType::OrderConfirmed);
        vec![
            vec![placed(0, 5_000), confirmed, Symbol::Ended(OrderOutcome::Delivered)],
            vec![placed(1, 90_000), Symbol::Failed("card_declined")],
            vec![placed(2, 700_000), Symbol::Ruled(Ruling::Approve)],
        ]
    }

    async fn begin(_pool: &PgPool) -> Self {
        let mut policy = Policy::default();
        policy.scorecard.thresholds = THRESHOLDS;
        Self { ai: Ai::new(policy), story: Uuid::new_v4() }
    }

    fn participant(&self) -> &Ai {
        &self.ai
    }

    fn world(&self) -> Memory {
        Memory::default()
    }

    fn happens(&self, symbol: &Symbol, _order: OrderId, _state: &State) -> Happens<Input> {
        match symbol {
            Symbol::Placed { who, device, ip, card, total_minor, minutes_ago } => {
                let event = Event::from(self.order(*who, *device, *ip, *card, *total_minor));
                Happens::Event(Box::new(event), TimeDelta::minutes(*minutes_ago))
            }
            Symbol::Failed(code) => {
                Happens::said(PaymentFailed { code: (*code).to_owned(), reason: "No.".to_owned() })
            }
            Symbol::Ended(outcome) => Happens::said(OrderCompleted { outcome: *outcome }),
            Symbol::Said(event_type) => Happens::said(example(*event_type)),
            Symbol::Ruled(verdict) => {
                let (reviewer, note) = ("Ada".to_owned(), Some("She called.".to_owned()));
                Happens::Command(Input::Review(ReviewCommand { verdict: *verdict, reviewer, note }))
            }
        }
    }

    fn stage(state: &State) -> &'static str {
        let review = state.review.as_ref().map(|review| review.status);
        match (state.assessment.as_ref().map(|assessment| assessment.verdict), review) {
            (_, Some(ReviewStatus::Open)) => "review open",
            (_, Some(ReviewStatus::Decided)) => "review decided",
            (_, Some(ReviewStatus::Closed)) => "review closed",
            (Some(Verdict::Approve), None) => "approved",
            (Some(Verdict::Reject), None) => "rejected",
            (Some(Verdict::Review), None) => "doubted, and never reviewed",
            (None, None) => "unknown",
        }
    }

    /// What later orders are compared with is what the orders' own states say.
    async fn agrees(&self, pool: &PgPool, model: &Model<Ai>) -> Result<(), String> {
        for (order, kept) in model.orders() {
            let stored: Option<FeatureRow> =
                sqlx::query_as("SELECT * FROM order_features WHERE order_id = $1")
                    .bind(order.0)
                    .fetch_optional(pool)
                    .await
                    .map_err(|error| error.to_string())?;
            let state = &kept.state;
            let wanted = state.placed.as_ref().map(|features| FeatureRow::of(features, state.happened));
            same(order, "features", &stored, &wanted)?;
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, FromRow)]
struct FeatureRow {
    customer: Option<String>,
    placed_at: DateTime<Utc>,
    total_minor: i64,
    currency: String,
    country: Option<String>,
    device: Option<Uuid>,
    ip: Option<Uuid>,
    token: Option<Uuid>,
    instrument: Option<Uuid>,
    payment_failed: bool,
    confirmed: bool,
    died: bool,
    delivered: bool,
}

impl FeatureRow {
    fn of(features: &Features, happened: Happened) -> Self {
        Self {
            customer: features.customer.as_ref().map(|customer| customer.as_str().to_owned()),
            placed_at: features.placed_at,
            total_minor: features.total_minor,
            currency: features.currency.as_str().to_owned(),
            country: features.country.clone(),
            device: features.device,
            ip: features.ip,
            token: features.token,
            instrument: features.instrument,
            payment_failed: happened.payment_failed,
            confirmed: happened.confirmed,
            died: happened.died,
            delivered: happened.delivered,
        }
    }
}

#[test]
fn assessments_and_what_is_remembered_are_stored_as_the_rule_leaves_them() {
    holds::<Shop>();
}
