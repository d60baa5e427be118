//! Orders, events, and a batch as the chassis would write it.

use ai_domain::{FraudDecision, Input, Policy, State, Thresholds};
use ai_service::{Ai, store};
use chassis::{Change, Participant as _};
use chrono::{DateTime, Duration, Utc};
use shared_events::{
    CorrelationId, Currency, Draft, Envelope, Event, EventId, EventType, OrderId, ProductId,
    events::{
        order::{Address, Client, Customer, Line, OrderPlaced, PaymentMethod},
        payment::PaymentFailed,
    },
};
use sqlx::PgPool;
use uuid::Uuid;

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().expect("a date")
}

pub(crate) fn order(number: u128) -> OrderId {
    OrderId(Uuid::from_u128(number))
}

/// An order of that customer with all facts, at a device, an address and a card of its own.
pub(crate) fn placed(customer: &str) -> OrderPlaced {
    OrderPlaced {
        customer_id: customer.to_owned().try_into().expect("a customer id"),
        items: vec![Line { product_id: ProductId(Uuid::nil()), quantity: 2, unit_price_minor: 2_499 }],
        total_minor: 4_998,
        currency: Currency::USD,
        shipping_address: Address {
            street: "1 Harbor Way".to_owned(),
            city: "Portland".to_owned(),
            state: "OR".to_owned(),
            zip: "97201".to_owned(),
            country: Some("US".to_owned()),
        },
        payment_method: PaymentMethod {
            kind: "credit_card".to_owned(),
            token: Some(format!("pm_{customer}")),
            card_brand: None,
            card_last_four: None,
        },
        customer: Some(Customer {
            email: Some(format!("{customer}@example.com")),
            created_at: Some(now() - Duration::days(400)),
            ..Customer::default()
        }),
        client: Some(Client {
            device_id: Some(format!("device-{customer}")),
            ip: Some("203.0.113.7".to_owned()),
            user_agent: None,
        }),
    }
}

/// What the order service, or whoever says it, has said `ago`.
pub(crate) fn said(event: impl Into<Event>, order: OrderId, ago: Duration) -> (OrderId, Input) {
    let draft = Draft {
        event_id: EventId(Uuid::now_v7()),
        aggregate_id: order.0,
        correlation_id: CorrelationId(Uuid::now_v7()),
        causation_id: None,
        timestamp: now() - ago,
    };
    (order, Input::Event(Envelope::new(draft, event.into())))
}

pub(crate) fn declined(order: OrderId) -> (OrderId, Input) {
    let failed = PaymentFailed { code: "card_declined".to_owned(), reason: "No.".to_owned() };
    said(failed, order, Duration::zero())
}

/// The believable event of the golden file.
pub(crate) fn golden(event_type: EventType, order: OrderId) -> (OrderId, Input) {
    let event = Envelope::decode(event_type.example().as_bytes()).expect("a golden file").event;
    said(event, order, Duration::zero())
}

pub(crate) fn ai(review: u8, reject: u8) -> Ai {
    let mut policy = Policy::default();
    policy.scorecard.thresholds = Thresholds { review, reject };
    Ai::new(policy)
}

/// One batch, in the sequence of the chassis: load, read the world, decide one by one, save.
pub(crate) async fn batch(pool: &PgPool, ai: &Ai, works: &[(OrderId, Input)]) -> Vec<FraudDecision> {
    let mut tx = pool.begin().await.unwrap();
    let mut orders: Vec<OrderId> = works.iter().map(|(order, _)| *order).collect();
    orders.sort_unstable();
    orders.dedup();
    let before = Ai::load(&mut tx, &orders).await.unwrap();
    let inputs: Vec<_> = works.iter().map(|(order, input)| (*order, input)).collect();
    let mut world = ai.load_world(&mut tx, &inputs).await.unwrap();
    let mut states = before.clone();
    let mut decisions = Vec::new();
    for (order, input) in works {
        let state = states.get(order).cloned().unwrap_or_default();
        let decision = ai.decide(&world, &state, input, now()).unwrap();
        ai.absorb(&mut world, *order, &decision);
        states.insert(*order, decision.state.clone());
        decisions.push(decision);
    }
    let changes: Vec<Change<Ai>> = orders
        .iter()
        .map(|order| Change {
            order: *order,
            before: before.get(order).cloned().unwrap_or_default(),
            after: states[order].clone(),
            inputs: Vec::new(),
            effects: Vec::new(),
        })
        .collect();
    ai.save(&mut tx, &changes, &world, now()).await.unwrap();
    tx.commit().await.unwrap();
    decisions
}

pub(crate) async fn stored(pool: &PgPool, order: OrderId) -> State {
    let mut connection = pool.acquire().await.unwrap();
    store::load(&mut connection, &[order]).await.unwrap().remove(&order).unwrap_or_default()
}

/// The codes of the rules that brought points, in alphabetical order.
pub(crate) fn codes(state: &State) -> Vec<&str> {
    let reasons = &state.assessment.as_ref().expect("assessed").reasons;
    let mut codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_str()).collect();
    codes.sort_unstable();
    codes
}
