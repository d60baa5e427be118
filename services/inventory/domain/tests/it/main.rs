//! The rule of inventory: every input in every state, and what holds whatever happens.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

mod properties;
mod table;

use chrono::{DateTime, Utc};
use inventory_domain::{
    Effect, Input, InventoryDecision, InventoryTimer, Policy, State, Stock, StockChange, StockLevel, decide,
};
use shared_events::{
    Currency, Envelope, Event, EventType, ProductId,
    events::{
        fraud::Verdict,
        inventory::HeldLine,
        order::{InventoryReserveRequested, Line},
    },
};

/// The product with that small number.
pub(crate) fn product(number: u64) -> ProductId {
    format!("00000000-0000-4000-8000-{number:012x}").parse().unwrap()
}

/// The moment of every decision in these tests.
pub(crate) fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap()
}

/// A product of 24.99 USD.
pub(crate) fn level(on_hand: i64, reserved: i64) -> StockLevel {
    StockLevel { on_hand, reserved, price_minor: 2499, currency: Currency::USD }
}

/// Product 1 with 150 and product 2 with 10 on hand, nothing reserved.
pub(crate) fn shop() -> Stock {
    [(product(1), level(150, 0)), (product(2), level(10, 0))].into_iter().collect()
}

/// A line at the catalogue's price.
pub(crate) fn line(number: u64, quantity: u32) -> Line {
    Line { product_id: product(number), quantity, unit_price_minor: 2499 }
}

/// A request for those lines.
pub(crate) fn request(items: Vec<Line>) -> Input {
    Input::Event(InventoryReserveRequested { items, currency: Currency::USD }.into())
}

/// The golden example of a type, as a decision gets it.
pub(crate) fn example(event_type: EventType) -> Input {
    Input::Event(Envelope::decode(event_type.example().as_bytes()).unwrap().event)
}

/// A verdict.
pub(crate) fn verdict(verdict: Verdict) -> Input {
    let Input::Event(Event::FraudAssessed(mut assessed)) = example(EventType::FraudAssessed) else {
        panic!("the example of fraud.assessed is not one")
    };
    assessed.verdict = verdict;
    Input::Event(assessed.into())
}

/// The hold's deadline.
pub(crate) const HOLD: Input = Input::Timer(InventoryTimer::Hold);

/// One decision with the default policy, at noon.
pub(crate) fn decided(stock: &Stock, state: &State, input: &Input) -> InventoryDecision {
    decide(&Policy::default(), stock, state, input, noon())
}

/// The stock movements a decision asks for.
pub(crate) fn movements(decision: &InventoryDecision) -> Vec<&StockChange> {
    decision.effects.iter().map(|Effect::Stock(change)| change).collect()
}

/// Lines as they are held.
pub(crate) fn held(lines: &[(u64, u32)]) -> Vec<HeldLine> {
    lines
        .iter()
        .map(|(number, quantity)| HeldLine { product_id: product(*number), quantity: *quantity })
        .collect()
}
