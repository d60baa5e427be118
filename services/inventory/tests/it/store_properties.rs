//! Random stories of reservations that compete for the same stock, folded and stored.

use inventory_domain::{Input, Policy, State, Stock, StockLevel};
use inventory_service::{
    Inventory,
    store::{audit, products},
};
use shared_events::{
    Currency, Event, EventType, OrderId, ProductId,
    events::{
        fraud::{FraudAssessed, Verdict},
        order::{InventoryReserveRequested, Line},
    },
};
use sqlx::PgPool;
use system_tests::store_property::{
    Happens, Model, Subject, example, holds,
    proptest::{collection::vec, prelude::*, sample::select, strategy::BoxedStrategy},
    same,
};
use uuid::Uuid;

use crate::stocked;

/// Of one product there is hardly enough for an order, of one for some, of one for all.
const OPENING: [i64; 3] = [3, 9, 400];
const PRICE_MINOR: i64 = 2499;

struct Shelves {
    inventory: Inventory,
    products: Vec<ProductId>,
}

#[derive(Clone, Debug)]
enum Symbol {
    /// Lines of the three products, the fourth does not exist; and whether the price is right.
    Request(Vec<(usize, u32, bool)>),
    Said(Box<Event>),
}

fn said(event_type: EventType) -> Symbol {
    Symbol::Said(Box::new(example(event_type)))
}

fn assessed(verdict: Verdict) -> Symbol {
    let (reasons, model_version) = (Vec::new(), "scorecard-1".to_owned());
    let assessed = FraudAssessed { score: 50, verdict, reasons, model_version, review_until: None };
    Symbol::Said(Box::new(assessed.into()))
}

impl Subject for Shelves {
    type Participant = Inventory;
    type Symbol = Symbol;

    const STAGES: &'static [&'static str] = &["held", "committed", "released", "rejected"];

    fn symbols() -> BoxedStrategy<Symbol> {
        let product = prop_oneof![9 => 0..3_usize, 1 => Just(3_usize)];
        let priced = prop_oneof![9 => Just(true), 1 => Just(false)];
        let line = (product, 0..4_u32, priced);
        let ends = [EventType::PaymentFailed, EventType::OrderCancelled, EventType::OrderFailed];
        let verdicts = [Verdict::Approve, Verdict::Review, Verdict::Reject];
        prop_oneof![
            6 => vec(line, 0..4).prop_map(Symbol::Request),
            4 => Just(said(EventType::OrderConfirmed)),
            4 => select(ends.to_vec()).prop_map(said),
            2 => select(verdicts.to_vec()).prop_map(assessed),
        ]
        .boxed()
    }

    fn ways() -> Vec<Vec<Symbol>> {
        let request = || Symbol::Request(vec![(1, 2, true), (2, 3, true)]);
        let review = assessed(Verdict::Review);
        vec![
            vec![request(), said(EventType::OrderConfirmed), said(EventType::OrderCancelled)],
            vec![request(), review, said(EventType::OrderFailed)],
            vec![Symbol::Request(vec![(0, 2, true)]), said(EventType::OrderConfirmed)],
        ]
    }

    async fn begin(pool: &PgPool) -> Self {
        let products = stocked(pool, &OPENING).await;
        Self { inventory: Inventory::new(Policy::default()), products }
    }

    fn participant(&self) -> &Inventory {
        &self.inventory
    }

    fn world(&self) -> Stock {
        let level =
            |on_hand| StockLevel { on_hand, reserved: 0, price_minor: PRICE_MINOR, currency: Currency::USD };
        self.products.iter().copied().zip(OPENING.map(level)).collect()
    }

    fn happens(&self, symbol: &Symbol, _order: OrderId, _state: &State) -> Happens<Input> {
        match symbol {
            Symbol::Said(event) => Happens::said((**event).clone()),
            Symbol::Request(lines) => {
                let items = lines.iter().map(|(product, quantity, priced)| Line {
                    product_id: self.products.get(*product).copied().unwrap_or(ProductId(Uuid::nil())),
                    quantity: *quantity,
                    unit_price_minor: if *priced { PRICE_MINOR } else { PRICE_MINOR - 1 },
                });
                Happens::said(InventoryReserveRequested { items: items.collect(), currency: Currency::USD })
            }
        }
    }

    fn stage(state: &State) -> &'static str {
        state.status()
    }

    /// The shelves hold what the decisions have left on them, and the books of all stories balance.
    async fn agrees(&self, pool: &PgPool, model: &Model<Inventory>) -> Result<(), String> {
        let rows = products::get(pool, &self.products).await.map_err(|error| error.to_string())?;
        let stored: Stock = rows
            .into_iter()
            .map(|row| {
                let (price_minor, currency) = (row.what.price_minor, row.what.currency);
                let level =
                    StockLevel { on_hand: row.on_hand, reserved: row.reserved, price_minor, currency };
                (row.id, level)
            })
            .collect();
        same("all orders", "stock", &stored, model.world())?;
        let audit = audit::run(pool).await.map_err(|error| error.to_string())?;
        if audit.balanced { Ok(()) } else { Err(format!("the books do not balance: {audit:?}")) }
    }
}

#[test]
fn reservations_and_stock_are_stored_as_the_rule_leaves_them() {
    holds::<Shelves>();
}
