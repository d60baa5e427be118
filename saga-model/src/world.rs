//! One state of the model: where everybody stands, what was said, and what is on its way.

use shared_events::EventType;

use crate::{
    cast::{OrderStanding, Seat, Standing, StockStanding},
    outside::{Call, Outside, Word},
    set::{Listed, Numbers, Set},
};

/// A participant's part of the state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Chair {
    /// Its domain state, by number.
    pub(crate) state: u16,
    /// Its armed timers, by place, as bits.
    pub(crate) timers: u8,
    /// Events on their way to it that it has not handled. What was said to it and is not in here
    /// (nor lost) is in its saga log.
    pub(crate) due: Numbers,
    /// Handled events that were sent again and have not been answered again.
    pub(crate) asked_again: Numbers,
}

/// What is still allowed to happen; each configuration bounds it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Budget {
    /// Crashes of a participant.
    pub crashes: u8,
    /// Deliveries that vanish.
    pub losses: u8,
    /// Wishes to cancel.
    pub cancels: u8,
    /// Things an operator does.
    pub operations: u8,
    /// Times that inventory asks about its hold.
    pub questions: u8,
    /// Deliveries that a saga log has forgotten, so that they are decided a second time.
    pub forgotten: u8,
}

/// One state of the model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct World {
    pub(crate) chairs: [Chair; 5],
    /// All events that were said, by number.
    pub(crate) said: Numbers,
    /// Their types.
    pub types: Set<EventType>,
    /// Whether something was said twice that may be said once: the order's last word, or an account
    /// that was closed already.
    pub said_twice: bool,
    /// The gateway and the carrier.
    pub outside: Outside,
    /// Calls whose answer is waited for.
    pub calls: Set<Call>,
    /// Calls whose answer nobody waits for; they may still arrive.
    pub strays: Set<Call>,
    /// Answers on their way back.
    pub words: Set<Word>,
    /// The delivery that vanished: who did not get which event.
    pub(crate) lost: Option<(Seat, u8)>,
    /// What may still happen.
    pub budget: Budget,
    /// How far the order is.
    pub order: OrderStanding,
    /// What inventory holds.
    pub stock: StockStanding,
    /// Where payment stands.
    pub payment: payment_domain::Status,
    /// Where shipping stands.
    pub shipping: shipping_domain::Status,
    /// How far a review is, if there is one.
    pub review: Option<ai_domain::ReviewStatus>,
}

impl World {
    pub(crate) fn chair(&self, seat: Seat) -> &Chair {
        &self.chairs[seat.place()]
    }

    pub(crate) fn chair_mut(&mut self, seat: Seat) -> &mut Chair {
        &mut self.chairs[seat.place()]
    }

    pub(crate) fn stand(&mut self, standing: Standing) {
        match standing {
            Standing::Order(order) => self.order = order,
            Standing::Inventory(stock) => self.stock = stock,
            Standing::Payment(payment) => self.payment = payment,
            Standing::Shipping(shipping) => self.shipping = shipping,
            Standing::Ai(review) => self.review = review,
        }
    }

    /// Whether the order has ended badly.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        use order_domain::Progress;
        matches!(self.order.progress, Progress::Failed | Progress::Cancelled)
    }

    /// Whether it was confirmed and has not ended badly.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        use order_domain::Progress;
        matches!(self.order.progress, Progress::Confirmed | Progress::Shipped | Progress::Delivered)
    }

    /// Whether it ended badly and everybody has accounted for what they held.
    #[must_use]
    pub fn is_made_good(&self) -> bool {
        self.is_dead() && self.order.compensation == order_domain::Compensation::Complete
    }

    /// Whether any message, call or answer is under way that was not there before. What is only
    /// said again does not count.
    #[must_use]
    pub fn is_anything_under_way(&self) -> bool {
        let messages = self.chairs.iter().any(|chair| !chair.due.is_empty());
        messages || !self.calls.is_empty() || !self.strays.is_empty() || !self.words.is_empty()
    }
}

/// What closes an account, and may therefore be said once (rule 3).
pub(crate) const CLOSERS: [&[EventType]; 4] = [
    &[EventType::InventoryReserveFailed, EventType::InventoryReleased],
    &[EventType::PaymentFailed, EventType::PaymentVoided, EventType::PaymentRefunded],
    &[EventType::OrderCancelled, EventType::OrderFailed],
    &[EventType::OrderCompleted],
];
