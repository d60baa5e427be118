//! The five participants: each domain's own rule, with constant times and texts.
//!
//! What only grows and what only people read is made constant after each decision, so that states
//! with equal futures are equal: back-off counters, reasons, codes. No rule looks at any of them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use shared_events::{
    CorrelationId, Currency, Draft, Envelope, Event, EventId, EventType, OrderId, ProductId, Timer,
    events::{
        fraud::{Ruling, Verdict},
        order::{Address, Line, OrderPlaced, PaymentMethod, RequestedBy},
    },
};
use uuid::Uuid;

use crate::{
    cast::{Actor, Heard, OrderStanding, Standing, StockStanding, Turn, place},
    mutants::Mutant,
    outside::{Call, Word},
};

/// The order's total, minor units.
const TOTAL_MINOR: i64 = 2_500;

const ORDER: OrderId = OrderId(Uuid::from_u128(1));
const PRODUCT: ProductId = ProductId(Uuid::from_u128(2));

/// Time stands still: no rule of the saga compares times, and deadlines may pass at any moment.
const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// The order that is placed: one piece of one product.
fn placed() -> OrderPlaced {
    let word = |text: &str| text.to_owned();
    OrderPlaced {
        customer_id: word("customer").try_into().expect("a short word is a customer id"),
        items: vec![Line { product_id: PRODUCT, quantity: 1, unit_price_minor: TOTAL_MINOR }],
        total_minor: TOTAL_MINOR,
        currency: Currency::USD,
        shipping_address: Address {
            street: word("1 Main Street"),
            city: word("Springfield"),
            state: word("IL"),
            zip: word("62701"),
            country: None,
        },
        payment_method: PaymentMethod {
            kind: word("credit_card"),
            token: None,
            card_brand: None,
            card_last_four: None,
        },
        customer: None,
        client: None,
    }
}

fn timer_names<T: Timer>() -> Vec<&'static str> {
    T::ALL.iter().map(|timer| timer.name()).collect()
}

fn timer<T: Timer>(number: u8) -> T {
    T::ALL[usize::from(number)]
}

/// The order service.
pub(crate) struct Orders {
    policy: order_domain::Policy,
    mutant: Option<Mutant>,
}

impl Orders {
    pub(crate) fn new(mutant: Option<Mutant>) -> Self {
        let minute = Duration::from_secs(60);
        // The first unanswered question already calls a person: more would only repeat themselves.
        let policy = order_domain::Policy {
            asks_before_alarm: 1,
            compensation_first: minute,
            compensation_give_up: minute,
            ..order_domain::Policy::default()
        };
        Self { policy, mutant }
    }
}

impl Actor for Orders {
    type State = order_domain::State;

    fn decide(&self, state: &Self::State, heard: Heard<'_>) -> Option<Turn<Self::State>> {
        use order_domain::{Command, Input, Place, Receipt};
        let input = match heard {
            Heard::Event(event) => Input::Event(event.clone()),
            Heard::Timer(number) => Input::Timer(timer(number)),
            Heard::Wish(crate::Wish::Place) => {
                let receipt = Receipt {
                    correlation_id: CorrelationId(ORDER.0),
                    body_sha256: [0; 32],
                    idempotency_key: None,
                };
                Input::Command(Command::Place(Box::new(Place { order: placed(), receipt })))
            }
            Heard::Wish(crate::Wish::Cancel) => {
                Input::Command(Command::Cancel { reason: String::new(), by: RequestedBy::Customer })
            }
            Heard::Wish(_) | Heard::Word(_) | Heard::Silence(_) => return None,
        };
        let decision = match &input {
            Input::Command(wish) => order_domain::command(&self.policy, state, wish, NOW).ok()?,
            Input::Event(_) | Input::Timer(_) => order_domain::decide(&self.policy, state, &input, NOW),
        };
        let mut turn = Turn::of(decision, |effect| match *effect {});
        if let Some(mutant) = self.mutant {
            mutant.order(state, heard, &mut turn);
        }
        if let Some(failure) = &mut turn.state.failure {
            failure.code.clear();
            failure.reason.clear();
        }
        Some(turn)
    }

    fn answers(&self, state: &Self::State, asked: EventType) -> Vec<EventType> {
        order_domain::answers(state, asked)
    }

    fn standing(&self, state: &Self::State) -> Standing {
        Standing::Order(OrderStanding {
            progress: state.progress,
            cancel: state.cancel,
            compensation: state.compensation,
            names_missing: state.stuck_on().is_some_and(|missing| !missing.is_empty()),
        })
    }

    fn timers(&self) -> Vec<&'static str> {
        timer_names::<order_domain::OrderTimer>()
    }
}

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
    initial: i64,
}

impl Shelf {
    pub(crate) fn with(pieces: i64) -> Self {
        let level = inventory_domain::StockLevel {
            on_hand: pieces,
            reserved: 0,
            price_minor: TOTAL_MINOR,
            currency: Currency::USD,
        };
        let stock = [(PRODUCT, level)].into_iter().collect();
        Self { reservation: inventory_domain::State::Unknown, stock, initial: pieces }
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
        let decision = inventory_domain::decide(&self.policy, &shelf.stock, &shelf.reservation, &input, NOW);
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
        let (held, committed) = match shelf.reservation {
            State::Held { .. } => (1, 0),
            State::Committed { .. } => (0, 1),
            State::Unknown | State::Released { .. } | State::Rejected { .. } => (0, 0),
        };
        let balanced = shelf.stock.iter().all(|(_, level)| {
            level.on_hand >= level.reserved
                && level.reserved >= 0
                && level.reserved == held
                && level.on_hand + committed == shelf.initial
        });
        Standing::Inventory(StockStanding { holds: held + committed > 0, unbalanced: !balanced })
    }

    fn timers(&self) -> Vec<&'static str> {
        timer_names::<inventory_domain::InventoryTimer>()
    }
}

/// Payment.
pub(crate) struct Payments {
    policy: payment_domain::Policy,
    mutant: Option<Mutant>,
}

impl Payments {
    pub(crate) fn new(
        fraud_mode: payment_domain::FraudMode,
        fraud_fallback: payment_domain::FraudFallback,
        mutant: Option<Mutant>,
    ) -> Self {
        // Two charges under the one key instead of three: the third repeats the second.
        let policy = payment_domain::Policy {
            fraud_mode,
            fraud_fallback,
            charges_max: 2,
            ..payment_domain::Policy::default()
        };
        Self { policy, mutant }
    }
}

impl Actor for Payments {
    type State = payment_domain::State;

    fn decide(&self, state: &Self::State, heard: Heard<'_>) -> Option<Turn<Self::State>> {
        use payment_domain::{Answer, Effect, Input, Silence};
        let text = String::new;
        let input = match heard {
            Heard::Event(event) => Input::Event(event.clone()),
            Heard::Timer(number) => Input::Timer(timer(number)),
            Heard::Word(word) => Input::Answer(match word {
                Word::Captured => Answer::Captured { order_id: ORDER, charge_id: None },
                Word::Declined => Answer::Declined { code: text(), reason: text() },
                Word::NoSuchCharge => Answer::NeverHeardOf,
                Word::Voided => Answer::Voided,
                Word::Refunded => Answer::Refunded { refund_id: text() },
                Word::RefundRefused => Answer::RefundRefused { code: text(), reason: text() },
                Word::Booked
                | Word::Dispatched
                | Word::Delivered
                | Word::Refused
                | Word::Cancelled
                | Word::NoSuchBooking => return None,
            }),
            Heard::Silence(call) => {
                Input::Answer(Answer::NoAnswer { asked: call.asked()?, silence: Silence::Timeout })
            }
            Heard::Wish(wish) => Input::Command(wanted(wish)?),
        };
        let decision = match &input {
            Input::Command(wish) => payment_domain::command(&self.policy, state, wish, NOW).ok()?,
            Input::Event(_) | Input::Timer(_) | Input::Answer(_) => {
                payment_domain::decide(&self.policy, state, &input, NOW)
            }
        };
        let mut turn = Turn::of(decision, |effect| {
            Some(match effect {
                Effect::Charge { .. } => Call::Charge,
                Effect::Status => Call::AskGateway,
                Effect::Void => Call::Void,
                Effect::Refund { .. } => Call::Refund,
            })
        });
        if let Some(mutant) = self.mutant {
            mutant.payment(state, heard, &mut turn);
        }
        turn.state.unanswered = 0;
        turn.state.silence = None;
        if let Some(failure) = &mut turn.state.failure {
            failure.code.clear();
            failure.reason.clear();
        }
        // Which event ended the order is kept for the notes.
        turn.state.dead = turn.state.dead.map(|_| EventType::OrderFailed);
        Some(turn)
    }

    fn answers(&self, state: &Self::State, asked: EventType) -> Vec<EventType> {
        if self.mutant == Some(Mutant::PaymentAnswersNoResend) {
            return Vec::new();
        }
        payment_domain::answers(state, asked)
    }

    fn standing(&self, state: &Self::State) -> Standing {
        Standing::Payment(state.status)
    }

    fn timers(&self) -> Vec<&'static str> {
        timer_names::<payment_domain::PaymentTimer>()
    }
}

fn wanted(wish: crate::Wish) -> Option<payment_domain::Command> {
    use payment_domain::Command;
    let resolve = |captured| Command::Resolve { order_id: ORDER, captured, note: String::new() };
    match wish {
        crate::Wish::FoundCaptured => Some(resolve(true)),
        crate::Wish::NotFound => Some(resolve(false)),
        crate::Wish::RetryRefund => Some(Command::RetryRefund),
        crate::Wish::Place
        | crate::Wish::Cancel
        | crate::Wish::Approve
        | crate::Wish::Reject
        | crate::Wish::ReportDispatched
        | crate::Wish::ReportDelivered => None,
    }
}

/// Shipping.
pub(crate) struct Shipments {
    policy: shipping_domain::Policy,
    mutant: Option<Mutant>,
}

impl Shipments {
    pub(crate) fn new(mutant: Option<Mutant>) -> Self {
        Self { policy: shipping_domain::Policy::default(), mutant }
    }
}

impl Actor for Shipments {
    type State = shipping_domain::State;

    fn decide(&self, state: &Self::State, heard: Heard<'_>) -> Option<Turn<Self::State>> {
        use shipping_domain::{Command, Consignment, Effect, Input, Reply};
        let parcel = || Consignment { tracking_number: "T1".to_owned(), estimated_delivery: NOW };
        let input = match heard {
            Heard::Event(event) => Input::Event(event.clone()),
            Heard::Timer(number) => Input::Timer(timer(number)),
            Heard::Word(word) => Input::Reply(match word {
                Word::Booked => Reply::Booked(parcel()),
                Word::Dispatched => Reply::Dispatched(parcel()),
                Word::Delivered => Reply::Delivered(parcel()),
                Word::Refused => Reply::Refused { code: String::new(), reason: String::new() },
                Word::Cancelled => Reply::Cancelled,
                Word::NoSuchBooking => Reply::NeverHeardOf,
                Word::Captured
                | Word::Declined
                | Word::NoSuchCharge
                | Word::Voided
                | Word::Refunded
                | Word::RefundRefused => return None,
            }),
            Heard::Silence(_) => Input::Reply(Reply::NoAnswer { what: "no answer".to_owned() }),
            Heard::Wish(crate::Wish::ReportDispatched) => Input::Command(Command::Dispatch),
            Heard::Wish(crate::Wish::ReportDelivered) => Input::Command(Command::Deliver),
            Heard::Wish(_) => return None,
        };
        let decision = match &input {
            Input::Command(report) => shipping_domain::command(&self.policy, state, *report, NOW).ok()?,
            Input::Event(_) | Input::Timer(_) | Input::Reply(_) => {
                shipping_domain::decide(&self.policy, state, &input, NOW)
            }
        };
        let mut turn = Turn::of(decision, |effect| {
            Some(match effect {
                Effect::Book(_) => Call::Book,
                Effect::Status => Call::AskCarrier,
                Effect::Cancel => Call::CancelBooking,
            })
        });
        if let Some(mutant) = self.mutant {
            mutant.shipping(state, heard, &mut turn);
        }
        turn.state.asks = 0;
        if let Some(failure) = &mut turn.state.failure {
            failure.code.clear();
            failure.reason.clear();
        }
        Some(turn)
    }

    fn answers(&self, state: &Self::State, asked: EventType) -> Vec<EventType> {
        shipping_domain::answers(state, asked)
    }

    fn standing(&self, state: &Self::State) -> Standing {
        Standing::Shipping(state.status)
    }

    fn timers(&self) -> Vec<&'static str> {
        timer_names::<shipping_domain::ShipmentTimer>()
    }
}

/// The fraud assessment, which says the verdict it is told to say.
pub(crate) struct Fraud {
    policy: ai_domain::Policy,
}

impl Fraud {
    pub(crate) fn new(verdict: Verdict) -> Self {
        let (review, reject) = match verdict {
            Verdict::Approve => (u8::MAX, u8::MAX),
            Verdict::Review => (0, u8::MAX),
            Verdict::Reject => (0, 0),
        };
        let thresholds = ai_domain::Thresholds { review, reject };
        let scorecard = ai_domain::Scorecard { thresholds, ..ai_domain::Scorecard::default() };
        Self { policy: ai_domain::Policy { scorecard, ..ai_domain::Policy::default() } }
    }
}

impl Actor for Fraud {
    type State = ai_domain::State;

    fn decide(&self, state: &Self::State, heard: Heard<'_>) -> Option<Turn<Self::State>> {
        use ai_domain::{Input, ReviewCommand};
        let ruled = |verdict| ReviewCommand { verdict, reviewer: "reviewer".to_owned(), note: None };
        let decision = match heard {
            Heard::Event(event) => self.decide_domain(state, &Input::Event(enveloped(event.clone()))),
            Heard::Timer(number) => self.decide_domain(state, &Input::Timer(timer(number))),
            Heard::Wish(crate::Wish::Approve) => ai_domain::rule(state, &ruled(Ruling::Approve), NOW).ok()?,
            Heard::Wish(crate::Wish::Reject) => ai_domain::rule(state, &ruled(Ruling::Reject), NOW).ok()?,
            Heard::Wish(_) | Heard::Word(_) | Heard::Silence(_) => return None,
        };
        let mut turn = Turn::of(decision, |()| None);
        // Who decided is kept for people.
        if let Some(decision) = turn.state.review.as_mut().and_then(|review| review.decision.as_mut()) {
            decision.decided_by.clear();
        }
        Some(turn)
    }

    fn answers(&self, state: &Self::State, asked: EventType) -> Vec<EventType> {
        ai_domain::answers(state, asked)
    }

    fn standing(&self, state: &Self::State) -> Standing {
        Standing::Ai(state.review.as_ref().map(|review| review.status))
    }

    fn timers(&self) -> Vec<&'static str> {
        timer_names::<ai_domain::ReviewTimer>()
    }
}

impl Fraud {
    fn decide_domain(&self, state: &ai_domain::State, input: &ai_domain::Input) -> ai_domain::FraudDecision {
        ai_domain::decide(&self.policy, &ai_domain::Memory::default(), state, input, NOW)
    }
}

fn enveloped(event: Event) -> Envelope {
    let draft = Draft {
        event_id: EventId(Uuid::nil()),
        aggregate_id: ORDER.0,
        correlation_id: CorrelationId(ORDER.0),
        causation_id: None,
        timestamp: NOW,
    };
    Envelope::new(draft, event)
}

/// An event without the words that only people read.
pub(crate) fn plain(mut event: Event) -> Event {
    if let Event::OrderFailed(said) = &mut event {
        said.code.clear();
        said.reason.clear();
    } else if let Event::PaymentFailed(said) = &mut event {
        // The code stays: the fraud assessment looks at it.
        said.reason.clear();
    } else if let Event::PaymentVoided(said) = &mut event {
        said.reason.clear();
    } else if let Event::PaymentUnresolved(said) = &mut event {
        said.reason.clear();
    } else if let Event::PaymentRefundFailed(said) = &mut event {
        said.code.clear();
        said.reason.clear();
    } else if let Event::InventoryReleased(said) = &mut event {
        said.reason.clear();
    } else if let Event::ShippingFailed(said) = &mut event {
        said.code.clear();
        said.reason.clear();
    } else if let Event::FraudReviewed(said) = &mut event {
        said.decided_by.clear();
    }
    event
}

/// The bit of a timer, for the planted faults.
pub(crate) fn bit<T: Timer>(timer: T) -> u8 {
    1 << place(timer)
}
