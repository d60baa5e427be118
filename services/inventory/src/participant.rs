//! The saga's side: inputs are decided by `inventory-domain`, and stock moves with the decision.

use std::{collections::HashMap, sync::LazyLock};

use chassis::{
    Change, DecisionOf, Participant, StateTable, config,
    faults::{Bug, planted},
};
use chrono::{DateTime, Utc};
use inventory_domain::{Effect, Input, InventoryTimer, Policy, State, Stock, StockChange};
use shared_events::{Envelope, Event, EventType, OrderId, ProductId, Rejection, Service, Timer as _};
use sqlx::PgConnection;

use crate::{planted, store};

static RESERVATIONS: LazyLock<StateTable> = LazyLock::new(|| StateTable::new("reservations"));

/// Inventory as a participant of the saga.
#[derive(Clone, Debug)]
pub struct Inventory {
    policy: Policy,
}

impl Inventory {
    /// With these deadlines.
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        Self { policy }
    }
}

/// Inventory as its environment wants it.
///
/// # Errors
/// Names the variable that makes no sense.
pub fn participant(env: &mut config::Reader) -> Result<Inventory, config::ConfigError> {
    Ok(Inventory::new(Policy::default().scaled(env.time_scale()?)))
}

impl Participant for Inventory {
    const SERVICE: Service = Service::Inventory;
    type State = State;
    type Input = Input;
    type Effect = Effect;
    type Timer = InventoryTimer;
    type World = Stock;

    fn handles(event_type: EventType) -> bool {
        inventory_domain::handles(event_type)
    }

    fn event_input(envelope: &Envelope) -> Input {
        envelope.event.clone().into()
    }

    fn timer_input(timer: InventoryTimer) -> Input {
        Input::Timer(timer)
    }

    fn input_name(input: &Input) -> String {
        match input {
            Input::Event(event) => event.event_type().to_string(),
            Input::Timer(timer) => format!("timer:{}", timer.name()),
        }
    }

    fn decide(
        &self,
        stock: &Stock,
        state: &State,
        input: &Input,
        at: DateTime<Utc>,
    ) -> Result<DecisionOf<Self>, Rejection> {
        Ok(inventory_domain::decide(&self.policy, stock, state, input, at))
    }

    fn answers(state: &State, asked: EventType) -> Vec<EventType> {
        inventory_domain::answers(state, asked)
    }

    async fn load(tx: &mut PgConnection, orders: &[OrderId]) -> sqlx::Result<HashMap<OrderId, State>> {
        RESERVATIONS.load(tx, orders).await
    }

    /// Locks every product the batch can touch: those of its requests' lines, and those its orders
    /// hold already. All of them here, in id order and in one statement: two batches that took
    /// theirs in the order of their orders would wait for each other for ever.
    async fn load_world(&self, tx: &mut PgConnection, inputs: &[(OrderId, &Input)]) -> sqlx::Result<Stock> {
        let (mut products, mut orders) = (Vec::new(), Vec::new());
        for (order, input) in inputs {
            match touches(input) {
                Touches::Nothing => {}
                Touches::Lines(lines) => products.extend(lines),
                Touches::Held => orders.push(*order),
            }
        }
        if products.is_empty() && orders.is_empty() {
            return Ok(Stock::default());
        }
        products.sort_unstable();
        products.dedup();
        if planted(Bug::ReadThenWriteStock) {
            return planted::read(tx, &products, &orders).await;
        }
        store::stock::lock(tx, &products, &orders).await
    }

    fn absorb(&self, stock: &mut Stock, _order: OrderId, decision: &DecisionOf<Self>) {
        for Effect::Stock(change) in &decision.effects {
            stock.apply(change);
        }
    }

    fn is_outside(_effect: &Effect) -> bool {
        // All of them are changes of stock, written by `save`.
        false
    }

    async fn save(
        &self,
        tx: &mut PgConnection,
        changes: &[Change<Self>],
        stock: &Stock,
        at: DateTime<Utc>,
    ) -> sqlx::Result<()> {
        let states: Vec<_> = changes
            .iter()
            .filter(|change| change.before != change.after)
            .filter(|change| !(planted(Bug::NoTombstone) && planted::is_tombstone(&change.after)))
            .map(|change| (change.order, &change.after))
            .collect();
        RESERVATIONS.save(tx, &states, at).await?;
        let deltas = summed(changes.iter().flat_map(|change| &change.effects));
        if planted(Bug::ReadThenWriteStock) {
            return planted::write(tx, &deltas, stock, at).await;
        }
        store::stock::shift(tx, &deltas, at).await
    }
}

enum Touches {
    Nothing,
    /// The products of a request that may be held now.
    Lines(Vec<ProductId>),
    /// Whatever the order holds.
    Held,
}

fn touches(input: &Input) -> Touches {
    match input {
        Input::Timer(InventoryTimer::Hold) => Touches::Nothing,
        Input::Event(Event::InventoryReserveRequested(request)) => {
            Touches::Lines(request.items.iter().map(|line| line.product_id).collect())
        }
        // A verdict moves no stock, and the domain ignores the types that are not inventory's.
        Input::Event(event) => {
            let moves = matches!(
                event.event_type(),
                EventType::PaymentFailed
                    | EventType::OrderConfirmed
                    | EventType::OrderCancelled
                    | EventType::OrderFailed
            );
            if moves { Touches::Held } else { Touches::Nothing }
        }
    }
}

/// One delta a product, whatever the number of orders; products that come out even are left out.
fn summed<'a>(effects: impl Iterator<Item = &'a Effect>) -> store::stock::Deltas {
    let mut sums = store::stock::Deltas::new();
    for (product, delta) in effects.flat_map(|Effect::Stock(change): &Effect| StockChange::deltas(change)) {
        let sum = sums.entry(product).or_default();
        sum.on_hand += delta.on_hand;
        sum.reserved += delta.reserved;
    }
    sums.retain(|_, delta| delta.on_hand != 0 || delta.reserved != 0);
    sums
}

#[cfg(test)]
mod tests {
    use inventory_domain::Movement;
    use shared_events::{Envelope, events::inventory::HeldLine};

    use super::*;

    fn moved(movement: Movement, quantity: u32) -> Effect {
        let product_id = ProductId(uuid::Uuid::nil());
        Effect::Stock(StockChange { movement, items: vec![HeldLine { product_id, quantity }] })
    }

    #[test]
    fn a_batch_writes_one_delta_a_product_and_nothing_for_what_comes_out_even() {
        let batch = [moved(Movement::Hold, 5), moved(Movement::Release, 2), moved(Movement::Commit, 1)];
        let sums = summed(batch.iter());
        assert_eq!(sums.len(), 1);
        let delta = sums.values().next().unwrap();
        assert_eq!((delta.on_hand, delta.reserved), (-1, 2));
        assert!(summed([moved(Movement::Hold, 3), moved(Movement::Release, 3)].iter()).is_empty());
    }

    #[test]
    fn every_event_that_can_move_stock_has_its_products_locked_first() {
        for event_type in EventType::ALL {
            let event = Envelope::decode(event_type.example().as_bytes()).unwrap().event;
            let locks = !matches!(touches(&Input::Event(event)), Touches::Nothing);
            let moves = Inventory::handles(*event_type) && *event_type != EventType::FraudAssessed;
            assert_eq!(locks, moves, "{event_type}");
        }
    }

    #[test]
    fn a_stored_reservation_of_every_status_stays_readable() {
        let product = "6f1c7c0e-5a4b-5d0e-9c55-0b8f6a6f2f11";
        let items = format!(r#"[{{"product_id":"{product}","quantity":2}}]"#);
        let stored = [
            r#"{"status":"unknown"}"#.to_owned(),
            format!(r#"{{"status":"held","items":{items},"expires_at":"2026-11-20T10:15:00Z"}}"#),
            format!(r#"{{"status":"held","items":{items},"expires_at":"2026-11-20T10:15:00Z","asked":3}}"#),
            format!(r#"{{"status":"committed","items":{items}}}"#),
            r#"{"status":"released","released_from":"nothing","reason":"order.failed"}"#.to_owned(),
            format!(
                r#"{{"status":"released","released_from":"held","reason":"payment.failed","items":{items}}}"#
            ),
            r#"{"status":"rejected","code":"price_mismatch"}"#.to_owned(),
        ];
        for document in stored {
            let state: State = serde_json::from_str(&document).unwrap();
            assert!(document.contains(&format!(r#""status":"{}""#, state.status())), "{document}");
            let written = serde_json::to_value(&state).unwrap();
            assert_eq!(serde_json::from_value::<State>(written).unwrap(), state);
        }
    }
}
