//! Lives of orders, decided by the domain and written by the participant, one input a transaction.

use std::time::Duration;

use chassis::{Change, Participant};
use payment_domain::{Answer, Asked, Input, PaymentTimer, Policy, Silence, State, Status};
use payment_service::{
    Payment,
    gateway::{self, HttpGateway},
    journal::Journal,
    store,
};
use shared_events::{Envelope, EventType, OrderId};
use sqlx::PgPool;
use uuid::Uuid;

/// The total of the golden `order.placed`.
pub(crate) const TOTAL: i64 = 4998;

pub(crate) fn payment(journal_url: &str) -> Payment {
    let client = gateway::client(Duration::from_secs(2)).unwrap();
    // No effect is performed here, so nothing is ever asked of this gateway.
    let gateway = HttpGateway::new(client.clone(), "http://127.0.0.1:9").unwrap();
    Payment::new(Policy::default(), gateway, Journal::new(client, journal_url).unwrap())
}

pub(crate) fn event(event_type: EventType) -> Input {
    Input::Event(Envelope::decode(event_type.example().as_bytes()).unwrap().event)
}

fn silent(asked: Asked) -> Input {
    Input::Answer(Answer::NoAnswer { asked, silence: Silence::Timeout })
}

/// The shortest way to that status.
pub(crate) fn way_to(status: Status) -> Vec<Input> {
    let captured = Input::Answer(Answer::Captured {
        order_id: OrderId(Uuid::nil()),
        charge_id: Some("ch_1".to_owned()),
    });
    let cancel = || event(EventType::OrderCancelled);
    let never = || [silent(Asked::Charge), Input::Answer(Answer::NeverHeardOf)];
    let refused = Answer::RefundRefused { code: "refund_refused".to_owned(), reason: "No.".to_owned() };
    let declined = Answer::Declined { code: "card_declined".to_owned(), reason: "No.".to_owned() };
    let mut way = vec![event(EventType::OrderPlaced), event(EventType::InventoryReserved)];
    match status {
        Status::Collecting => drop(way.pop()),
        Status::Charging => {}
        Status::Unknown => way.push(silent(Asked::Charge)),
        Status::Voiding => way.extend([never(), never(), never()].concat()),
        Status::Unresolved => way.extend([silent(Asked::Charge), Input::Timer(PaymentTimer::GiveUp)]),
        Status::Captured => way.push(captured),
        Status::Failed => way.push(Input::Answer(declined)),
        Status::Voided => way = vec![cancel()],
        Status::Refunding => way.extend([captured, cancel()]),
        Status::RefundStuck => way.extend([captured, cancel(), Input::Answer(refused)]),
        Status::Refunded => {
            let refunded = Answer::Refunded { refund_id: "re_1".to_owned() };
            way.extend([captured, cancel(), Input::Answer(refunded)]);
        }
    }
    way
}

/// Applies these inputs to the order, each as the chassis would: load, decide, save, commit.
pub(crate) async fn live(pool: &PgPool, order: OrderId, inputs: &[Input]) -> State {
    let payment = payment("http://127.0.0.1:9");
    for input in inputs {
        let mut tx = pool.begin().await.unwrap();
        let before = store::load(&mut tx, &[order]).await.unwrap().remove(&order).unwrap_or_default();
        let at = chrono::Utc::now();
        let decision = payment.decide(&(), &before, input, at).unwrap();
        let change = Change {
            order,
            before,
            after: decision.state,
            inputs: vec![input.clone()],
            effects: decision.effects,
        };
        payment.save(&mut tx, &[change], &(), at).await.unwrap();
        tx.commit().await.unwrap();
    }
    store::find(pool, &[order]).await.unwrap().pop().unwrap().state
}

/// A new order brought to that status.
pub(crate) async fn order_in(pool: &PgPool, status: Status) -> OrderId {
    let order = OrderId(Uuid::now_v7());
    assert_eq!(live(pool, order, &way_to(status)).await.status, status);
    order
}
