//! Who takes part, what can happen to them, and what follows: the same few words for all five.

use shared_events::{Decision, Event, EventType, Service, Timer, TimerChange};

use crate::{
    outside::{Call, Word},
    set::Listed,
};

/// A participant's place in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seat {
    /// The order service.
    Order,
    /// Inventory.
    Inventory,
    /// Payment.
    Payment,
    /// Shipping.
    Shipping,
    /// The fraud assessment.
    Ai,
}

impl Listed for Seat {
    const ALL: &'static [Self] = &[Self::Order, Self::Inventory, Self::Payment, Self::Shipping, Self::Ai];

    fn place(self) -> usize {
        self as usize
    }
}

impl Seat {
    /// The service that sits here.
    #[must_use]
    pub const fn service(self) -> Service {
        match self {
            Self::Order => Service::Order,
            Self::Inventory => Service::Inventory,
            Self::Payment => Service::Payment,
            Self::Shipping => Service::Shipping,
            Self::Ai => Service::Ai,
        }
    }
}

/// What a person may want, and what the carrier reports by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wish {
    /// An order.
    Place,
    /// Out of it.
    Cancel,
    /// A reviewer lets it pass.
    Approve,
    /// A reviewer does not.
    Reject,
    /// An operator found the unresolved charge in the gateway's books.
    FoundCaptured,
    /// An operator did not find it there.
    NotFound,
    /// An operator retries a refund.
    RetryRefund,
    /// The carrier reports that it has the parcel.
    ReportDispatched,
    /// The carrier reports that the customer has it.
    ReportDelivered,
}

/// One thing that happens to a participant, without its content: what the model remembers by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// An event, by its number.
    Event(u8),
    /// A timer, by its place in the participant's list.
    Timer(u8),
    /// An answer from outside.
    Word(Word),
    /// No answer from outside.
    Silence(Call),
    /// A person.
    Wish(Wish),
}

/// The same, with its content: what a rule decides on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard<'a> {
    Event(&'a Event),
    Timer(u8),
    Word(Word),
    Silence(Call),
    Wish(Wish),
}

impl Heard<'_> {
    /// The type, when it is an event.
    pub(crate) fn event_type(&self) -> Option<EventType> {
        match self {
            Self::Event(event) => Some(event.event_type()),
            Self::Timer(_) | Self::Word(_) | Self::Silence(_) | Self::Wish(_) => None,
        }
    }
}

/// What a decision leads to, in the model's words.
#[derive(Clone, Debug)]
pub(crate) struct Turn<S> {
    pub(crate) state: S,
    pub(crate) said: Vec<Event>,
    pub(crate) resend: Vec<EventType>,
    /// Timers whose arming the decision sets, by place, as bits; and to what.
    pub(crate) touched: u8,
    pub(crate) armed: u8,
    pub(crate) calls: Vec<Call>,
    pub(crate) note: String,
}

impl<S> Turn<S> {
    /// From a domain's decision; `call` names the effects that reach the outside world.
    pub(crate) fn of<E, T: Timer>(decision: Decision<S, E, T>, call: impl Fn(&E) -> Option<Call>) -> Self {
        let (mut touched, mut armed) = (0, 0);
        // As in the chassis, the last word on a timer counts.
        for change in &decision.timers {
            let (timer, on) = match change {
                TimerChange::Arm(timer, _) => (timer, true),
                TimerChange::Disarm(timer) => (timer, false),
            };
            let bit = 1 << place(*timer);
            touched |= bit;
            if on { armed |= bit } else { armed &= !bit }
        }
        Self {
            state: decision.state,
            said: decision.emit,
            resend: decision.resend,
            touched,
            armed,
            calls: decision.effects.iter().filter_map(call).collect(),
            note: decision.note,
        }
    }
}

/// A timer's place in its list.
pub(crate) fn place<T: Timer>(timer: T) -> u8 {
    let place = T::ALL.iter().position(|other| *other == timer).expect("every timer is listed");
    u8::try_from(place).expect("a handful of timers")
}

/// A participant's rule, as the checker runs it: the domain's own `decide`.
pub(crate) trait Actor: Send + Sync + 'static {
    /// All it knows of the order.
    type State: Clone + Eq + std::hash::Hash + Send + Sync + 'static;

    /// The rule; `None` when a person's wish is refused.
    fn decide(&self, state: &Self::State, heard: Heard<'_>) -> Option<Turn<Self::State>>;

    /// Its answers to a resend.
    fn answers(&self, state: &Self::State, asked: EventType) -> Vec<EventType>;

    /// What the properties look at.
    fn standing(&self, state: &Self::State) -> Standing;

    /// The state without how long it waits and how often it has asked. Only the saga log keeps a second
    /// delivery from that: an answer begins the wait anew, and a review that overtook its reservation
    /// found no hold to extend.
    fn apart_from_waiting(&self, state: &Self::State) -> Self::State {
        state.clone()
    }

    /// The state, with all that orders share as `other` has it.
    fn sharing(&self, state: &Self::State, other: &Self::State) -> Self::State {
        let _ = other;
        state.clone()
    }

    /// The names of its timers, by place.
    fn timers(&self) -> Vec<&'static str>;
}

/// What the properties look at in one participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Standing {
    Order(OrderStanding),
    Inventory(StockStanding),
    Payment(payment_domain::Status),
    Shipping(shipping_domain::Status),
    Ai(Option<ai_domain::ReviewStatus>),
}

/// How far the order is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OrderStanding {
    /// Its progress.
    pub progress: order_domain::Progress,
    /// Its wish to be cancelled.
    pub cancel: order_domain::Cancel,
    /// The making good of a dead order.
    pub compensation: order_domain::Compensation,
    /// Whether it names what it waits for, when it is stuck.
    pub names_missing: bool,
}

/// What inventory holds for the order, and what is on the shelf that all orders share. Pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct StockStanding {
    /// Held for the order.
    pub held: i8,
    /// Committed to the order.
    pub committed: i8,
    /// On the shelf when all began.
    pub initial: i8,
    /// On the shelf, held ones included.
    pub on_hand: i8,
    /// Of these, kept back for all orders.
    pub reserved: i8,
}

impl StockStanding {
    /// Whether the order has its piece.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.held + self.committed > 0
    }
}
