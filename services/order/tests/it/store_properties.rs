//! Random stories of orders, folded and stored; with the requests that placed them.

use order_domain::{Command, Input, Place, Policy, Receipt, State};
use order_service::{Orders, store};
use shared_events::{
    CorrelationId, Event, EventType, OrderId,
    events::{
        fraud::{FraudAssessed, FraudReviewed, Ruling, Verdict},
        order::{Client, Customer, OrderPlaced, RequestedBy},
    },
};
use sqlx::{PgPool, types::Json};
use system_tests::store_property::{
    Happens, Model, Subject, example, holds,
    proptest::{prelude::*, sample::select, strategy::BoxedStrategy},
    same,
};
use uuid::Uuid;

struct Story(Orders);

#[derive(Clone, Debug)]
enum Symbol {
    Place { keyed: bool, known: bool, digest: u8 },
    Cancel(RequestedBy),
    Said(Box<Event>),
}

/// What every stored order must be the way it was asked for.
type Details = (CorrelationId, Vec<u8>, String, Option<Customer>, Option<Client>, Option<OrderId>);

fn example_placed() -> OrderPlaced {
    let Event::OrderPlaced(placed) = example(EventType::OrderPlaced) else { panic!("the golden file") };
    placed
}

fn place(order: OrderId, keyed: bool, known: bool, digest: u8) -> Input {
    let receipt = Receipt {
        correlation_id: CorrelationId(Uuid::from_u128(order.0.as_u128() ^ u128::from(digest))),
        body_sha256: [digest; 32],
        idempotency_key: keyed.then(|| format!("key-{order}")),
    };
    let placed = example_placed();
    let (customer, client) = (placed.customer.clone(), placed.client.clone());
    let order = OrderPlaced {
        customer: customer.filter(|_| known),
        client: client.or_else(|| Some(Client::default())).filter(|_| known),
        ..placed
    };
    Input::Command(Command::Place(Box::new(Place { order, receipt })))
}

/// What an order hears when all goes well.
const ONWARD: [EventType; 6] = [
    EventType::InventoryReserved,
    EventType::PaymentRequested,
    EventType::PaymentProcessed,
    EventType::ShippingScheduled,
    EventType::ShippingDispatched,
    EventType::ShippingDelivered,
];

/// Events of every type that orders hear, and variants of those whose content steers the rule.
fn heard() -> Vec<Event> {
    let mut heard: Vec<Event> = EventType::ALL
        .iter()
        .filter(|event_type| order_domain::handles(**event_type))
        .map(|event_type| example(*event_type))
        .collect();
    for verdict in [Verdict::Approve, Verdict::Review, Verdict::Reject] {
        let (reasons, model_version) = (vec!["no confirmed order".to_owned()], "scorecard-1".to_owned());
        heard.push(FraudAssessed { score: 50, verdict, reasons, model_version, review_until: None }.into());
    }
    let decided_by = "deadline".to_owned();
    heard.push(FraudReviewed { verdict: Ruling::Reject, decided_by }.into());
    if let Event::PaymentProcessed(mut said) = example(EventType::PaymentProcessed) {
        said.amount_minor += 1;
        heard.push(said.into());
    }
    heard
}

impl Subject for Story {
    type Participant = Orders;
    type Symbol = Symbol;

    const STAGES: &'static [&'static str] = &[
        "pending",
        "inventory_reserved",
        "payment_pending",
        "confirmed",
        "shipped",
        "delivered",
        "failed",
        "cancelled",
    ];

    fn symbols() -> BoxedStrategy<Symbol> {
        let by = [RequestedBy::Customer, RequestedBy::Operator];
        prop_oneof![
            6 => any::<(bool, bool, u8)>()
                .prop_map(|(keyed, known, digest)| Symbol::Place { keyed, known, digest }),
            8 => select(&ONWARD[..]).prop_map(|event_type| Symbol::Said(Box::new(example(event_type)))),
            6 => select(heard()).prop_map(|event| Symbol::Said(Box::new(event))),
            2 => select(by.to_vec()).prop_map(Symbol::Cancel),
        ]
        .boxed()
    }

    fn ways() -> Vec<Vec<Symbol>> {
        use EventType::{InventoryReleased, InventoryReserved, PaymentRefunded};
        let place = || Symbol::Place { keyed: true, known: true, digest: 1 };
        let said = |event_type: &EventType| Symbol::Said(Box::new(example(*event_type)));
        let cancel = Symbol::Cancel(RequestedBy::Customer);
        let unwound = [InventoryReleased, PaymentRefunded];
        let way = |events: &[EventType]| std::iter::once(place()).chain(events.iter().map(said)).collect();
        let cancelled: Vec<Symbol> = way(&[InventoryReserved]);
        vec![way(&ONWARD), [cancelled, vec![cancel], unwound.iter().map(said).collect()].concat()]
    }

    async fn begin(_pool: &PgPool) -> Self {
        Self(Orders::new(Policy::default()))
    }

    fn participant(&self) -> &Orders {
        &self.0
    }

    fn world(&self) {}

    fn happens(&self, symbol: &Symbol, order: OrderId, _state: &State) -> Happens<Input> {
        match symbol {
            Symbol::Place { keyed, known, digest } => Happens::Command(place(order, *keyed, *known, *digest)),
            Symbol::Cancel(by) => {
                Happens::Command(Command::Cancel { reason: "Ordered twice.".to_owned(), by: *by }.into())
            }
            Symbol::Said(event) => Happens::said((**event).clone()),
        }
    }

    fn stage(state: &State) -> &'static str {
        state.progress.as_str()
    }

    /// The first request made the order, and no other has left a trace.
    async fn agrees(&self, pool: &PgPool, model: &Model<Orders>) -> Result<(), String> {
        for (order, kept) in model.orders() {
            let wanted = kept.decided.iter().find_map(|decided| match &decided.input {
                Input::Command(Command::Place(place)) => Some((details(order, place), decided.at)),
                Input::Command(Command::Cancel { .. }) | Input::Event(_) | Input::Timer(_) => None,
            });
            let stored = store::find(pool, order).await.map_err(|error| error.to_string())?;
            let stored = match stored {
                Some(found) => Some((stored_details(pool, order, &found).await?, found.created_at)),
                None => None,
            };
            same(order, "the request", &stored, &wanted)?;
        }
        Ok(())
    }
}

fn details(order: OrderId, place: &Place) -> Details {
    let Place { order: asked, receipt } = place;
    (
        receipt.correlation_id,
        receipt.body_sha256.to_vec(),
        format!("{:?}", asked.payment_method),
        asked.customer.clone(),
        asked.client.clone(),
        receipt.idempotency_key.as_ref().map(|_| order),
    )
}

async fn stored_details(
    pool: &PgPool,
    order: OrderId,
    found: &store::StoredOrder,
) -> Result<Details, String> {
    let words = |error: sqlx::Error| error.to_string();
    let (customer, client): (Option<Json<Customer>>, Option<Json<Client>>) =
        sqlx::query_as("SELECT customer, client FROM order_details WHERE order_id = $1")
            .bind(order.0)
            .fetch_one(pool)
            .await
            .map_err(words)?;
    let key = store::find_key(pool, &format!("key-{order}")).await.map_err(words)?;
    Ok((
        CorrelationId(found.correlation_id),
        found.body_sha256.clone(),
        format!("{:?}", found.payment_method),
        customer.map(|Json(customer)| customer),
        client.map(|Json(client)| client),
        key,
    ))
}

#[test]
fn orders_are_stored_as_the_rule_leaves_them() {
    holds::<Story>();
}
