//! Inventory, and the shelf it takes from.

use shared_events::{Currency, EventType};

use super::{NOW, PRODUCT, TOTAL_MINOR, timer, timer_names};
use crate::{
    cast::{Actor, Heard, Standing, StockStanding, Turn},
    mutants::Mutant,
};

/// Inventory, with the one product of the order.
pub(crate) struct Inventory {
    policy: inventory_domain::Policy,
    mutant: Option<Mutant>,
}

/// A reservation and the shelf it is taken from.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Shelf {
    pub(crate) reservation: inventory_domain::State,
    pub(crate) stock: inventory_domain::Stock,
    initial: i8,
}

impl Shelf {
    pub(crate) fn with(pieces: i8) -> Self {
        let level = inventory_domain::StockLevel {
            on_hand: pieces.into(),
            reserved: 0,
            price_minor: TOTAL_MINOR,
            currency: Currency::USD,
        };
        let stock = [(PRODUCT, level)].into_iter().collect();
        Self { reservation: inventory_domain::State::Unknown, stock, initial: pieces }
    }

    /// The stock as somebody would see it who does not look at one figure: a planted fault.
    pub(crate) fn seen(
        &self,
        misread: impl Fn(&mut inventory_domain::StockLevel),
    ) -> inventory_domain::Stock {
        let seen = |(product, level): (_, &inventory_domain::StockLevel)| {
            let mut level = *level;
            misread(&mut level);
            (product, level)
        };
        self.stock.iter().map(seen).collect()
    }

    /// How many there were on the shelf when all began.
    pub(crate) const fn initial(&self) -> i8 {
        self.initial
    }

    /// Puts what is held back on the shelf, without a word: a planted fault.
    pub(crate) fn release(&mut self) {
        use inventory_domain::{Movement, State, StockChange};
        let items = self.reservation.items().to_vec();
        self.stock.apply(&StockChange { movement: Movement::Release, items: items.clone() });
        self.reservation = State::Released {
            released_from: shared_events::events::inventory::ReleasedFrom::Held,
            reason: EventType::InventoryHoldExpired,
            items,
        };
    }
}

impl Inventory {
    pub(crate) fn new(mutant: Option<Mutant>) -> Self {
        Self { policy: inventory_domain::Policy::default(), mutant }
    }
}

impl Actor for Inventory {
    type State = Shelf;

    fn decide(&self, shelf: &Shelf, heard: Heard<'_>) -> Option<Turn<Shelf>> {
        use inventory_domain::{Effect, Input};
        let input = match heard {
            Heard::Event(event) => Input::Event(event.clone()),
            Heard::Timer(number) => Input::Timer(timer(number)),
            Heard::Word(_) | Heard::Silence(_) | Heard::Wish(_) => return None,
        };
        let seen = self.mutant.map_or_else(|| shelf.stock.clone(), |mutant| mutant.stock_seen(shelf));
        let decision = inventory_domain::decide(&self.policy, &seen, &shelf.reservation, &input, NOW);
        let mut stock = shelf.stock.clone();
        for Effect::Stock(change) in &decision.effects {
            stock.apply(change);
        }
        let turn = Turn::of(decision, |_| None);
        let mut turn = Turn {
            state: Shelf { reservation: turn.state, stock, initial: shelf.initial },
            said: turn.said,
            resend: turn.resend,
            touched: turn.touched,
            armed: turn.armed,
            calls: turn.calls,
            note: turn.note,
        };
        if let Some(mutant) = self.mutant {
            mutant.inventory(shelf, heard, &mut turn);
        }
        Some(turn)
    }

    fn answers(&self, shelf: &Shelf, asked: EventType) -> Vec<EventType> {
        inventory_domain::answers(&shelf.reservation, asked)
    }

    fn standing(&self, shelf: &Shelf) -> Standing {
        use inventory_domain::State;
        let few = |pieces: i64| i8::try_from(pieces).expect("a handful of pieces");
        let pieces = few(shelf.reservation.items().iter().map(|line| i64::from(line.quantity)).sum());
        let (held, committed) = match shelf.reservation {
            State::Held { .. } => (pieces, 0),
            State::Committed { .. } => (0, pieces),
            State::Unknown | State::Released { .. } | State::Rejected { .. } => (0, 0),
        };
        let sum = |figure: fn(&inventory_domain::StockLevel) -> i64| {
            few(shelf.stock.iter().map(|(_, level)| figure(level)).sum())
        };
        Standing::Inventory(StockStanding {
            held,
            committed,
            initial: shelf.initial,
            on_hand: sum(|level| level.on_hand),
            reserved: sum(|level| level.reserved),
        })
    }

    fn apart_from_waiting(&self, shelf: &Shelf) -> Shelf {
        let mut shelf = shelf.clone();
        if let inventory_domain::State::Held { expires_at, .. } = &mut shelf.reservation {
            *expires_at = NOW;
        }
        shelf
    }

    fn sharing(&self, shelf: &Shelf, other: &Shelf) -> Shelf {
        Shelf { stock: other.stock.clone(), ..shelf.clone() }
    }

    fn timers(&self) -> Vec<&'static str> {
        timer_names::<inventory_domain::InventoryTimer>()
    }
}
