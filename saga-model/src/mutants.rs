//! Planted faults: what somebody could write into a rule by mistake. Each must be caught, or the
//! properties are worth nothing.
//!
//! A fault is planted around a domain's `decide`: it changes what the decision leads to.

use inventory_domain::State as Reservation;
use order_domain::Progress;
use payment_domain::{PaymentTimer, Status};
use shared_events::{
    Event, EventType,
    events::{
        fraud::Verdict,
        payment::PaymentFailed,
        shipping::{ShippingCancelled, ShippingFailed},
    },
};

use crate::{
    actors::{Shelf, bit},
    cast::{Heard, Turn, Wish},
    outside::{Call, Word},
};

macro_rules! mutants {
    ($($(#[doc = $what:literal])+ $mutant:ident in $scenario:literal breaks $property:literal),+ $(,)?) => {
        /// A planted fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Mutant {
            $($(#[doc = $what])+ $mutant),+
        }

        impl Mutant {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$mutant),+];

            /// What was done to the rule.
            #[must_use]
            pub const fn what(self) -> &'static str {
                match self { $(Self::$mutant => concat!($($what),+)),+ }
            }

            /// The scenario it is looked for in.
            #[must_use]
            pub const fn scenario(self) -> &'static str {
                match self { $(Self::$mutant => $scenario),+ }
            }

            /// The beginning of the name of the property that must catch it.
            #[must_use]
            pub const fn breaks(self) -> &'static str {
                match self { $(Self::$mutant => $property),+ }
            }
        }
    };
}

mutants! {
    /// Inventory leaves no tombstone when it releases what it never held.
    NoTombstone in "cancel" breaks "4:",
    /// Inventory releases and says nothing.
    ReleaseUnsaid in "outcomes" breaks "8a:",
    /// Inventory commits what was released before the confirmation came.
    CommitAfterRelease in "cancel" breaks "1:",
    /// Inventory gives up the hold when its time is up, instead of asking.
    HoldGivenUp in "deadlines" breaks "3c:",
    /// Inventory forgets that it released, and releases again.
    ReleasedTwice in "outcomes" breaks "rule 3:",
    /// Inventory does not look at what other orders hold.
    OthersHoldUnseen in "last unit" breaks "rule 10:",
    /// Inventory does not look at what other orders have already taken off the shelf.
    OthersTookUnseen in "last unit" breaks "rule 10:",
    /// Payment keeps a capture that came after the order's death.
    LateCaptureKept in "cancel" breaks "8a:",
    /// Payment says that a late capture went back, and does not ask the gateway for it.
    RefundOnPaper in "cancel" breaks "3b:",
    /// Payment charges under a second key when the first gave no answer.
    SecondKey in "outcomes" breaks "2:",
    /// Payment takes no answer for a no.
    SilenceIsFailure in "outcomes" breaks "3b:",
    /// Payment fails a charge the gateway never heard of, without voiding its key.
    NoVoid in "outcomes" breaks "3b:",
    /// Payment believes an operator who says that nothing was captured.
    NotFoundBelieved in "people" breaks "3b:",
    /// Payment asks for ever about a charge the gateway never heard of.
    AsksForEver in "outcomes" breaks "8d:",
    /// Payment charges without a timer that looks for a lost answer.
    NoTimerForCharge in "crash" breaks "8a:",
    /// Payment charges without waiting for the verdict.
    GateIgnored in "gate, reject" breaks "rule 9:",
    /// Payment lets a review overwrite its own decision.
    ReviewOverwritesDecision in "gate, review" breaks "8a:",
    /// Payment answers no resend.
    PaymentAnswersNoResend in "loss" breaks "8a:",
    /// Order confirms when the money comes after its death.
    ConfirmAfterDeath in "cancel" breaks "rule 5:",
    /// Order takes one answer for both.
    CompletesHalfway in "outcomes" breaks "4:",
    /// Order never hears payment's answer once it is stuck.
    StuckForGood in "people" breaks "8a:",
    /// Shipping forgets that it cancelled what it never booked.
    NoTombstoneAtShipping in "cancel" breaks "6:",
    /// Shipping gives up a booking without the carrier's word.
    BookingGivenUp in "giving up" breaks "6:",
    /// Shipping says that a booking is cancelled before the carrier has said so.
    CancelledUnasked in "cancel" breaks "6:",
    /// Shipping books at every confirmation it hears.
    BooksAtEveryConfirmation in "outcomes" breaks "9:",
    /// Shipping takes a cancellation for done while its booking is in flight, and answers nothing.
    CancelSwallowed in "cancel" breaks "8c:",
    /// Shipping's booking has no timer that looks for a lost answer.
    NoTimerForBooking in "crash" breaks "8a:",
}

// A fault is planted in one place; everywhere else the rule stays as it is, whatever faults there are.
#[allow(clippy::wildcard_enum_match_arm)]
impl Mutant {
    pub(crate) fn order(
        self,
        before: &order_domain::State,
        heard: Heard<'_>,
        turn: &mut Turn<order_domain::State>,
    ) {
        use order_domain::Compensation;
        let dead = matches!(before.progress, Progress::Failed | Progress::Cancelled);
        match (self, heard.event_type()) {
            (Self::ConfirmAfterDeath, Some(EventType::PaymentProcessed)) if dead => {
                turn.state.progress = Progress::Confirmed;
            }
            (Self::CompletesHalfway, Some(_)) if turn.state.compensation == Compensation::Pending => {
                let answers = &turn.state.answers;
                if answers.inventory.is_some() || answers.payment.is_some() {
                    turn.state.compensation = Compensation::Complete;
                }
            }
            (Self::StuckForGood, Some(EventType::PaymentRefunded))
                if before.compensation == Compensation::Stuck =>
            {
                turn.state = before.clone();
                turn.said.clear();
            }
            _ => {}
        }
    }

    pub(crate) fn inventory(self, before: &Shelf, heard: Heard<'_>, turn: &mut Turn<Shelf>) {
        let event_type = heard.event_type();
        let dies = matches!(
            event_type,
            Some(EventType::PaymentFailed | EventType::OrderFailed | EventType::OrderCancelled)
        );
        match self {
            Self::NoTombstone if dies && before.reservation == Reservation::Unknown => {
                turn.state.reservation = Reservation::Unknown;
            }
            Self::ReleaseUnsaid if dies => turn.said.clear(),
            Self::CommitAfterRelease if event_type == Some(EventType::OrderConfirmed) => {
                if let Reservation::Released { items, .. } = &before.reservation {
                    turn.state.reservation = Reservation::Committed { items: items.clone() };
                }
            }
            Self::HoldGivenUp if matches!(heard, Heard::Timer(_)) => {
                turn.state = before.clone();
                turn.state.release();
                turn.said.clear();
            }
            Self::ReleasedTwice if dies => {
                if let Reservation::Released { .. } = before.reservation {
                    turn.said.extend(released_again());
                }
            }
            _ => {}
        }
    }

    /// What inventory takes the stock to be.
    pub(crate) fn stock_seen(self, shelf: &Shelf) -> inventory_domain::Stock {
        match self {
            Self::OthersHoldUnseen => shelf.seen(|level| level.reserved = 0),
            Self::OthersTookUnseen => shelf.seen(|level| level.on_hand = shelf.initial().into()),
            _ => shelf.stock.clone(),
        }
    }

    pub(crate) fn payment(
        self,
        before: &payment_domain::State,
        heard: Heard<'_>,
        turn: &mut Turn<payment_domain::State>,
    ) {
        match self {
            Self::LateCaptureKept if captures(heard) && before.dead.is_some() => {
                turn.state.status = Status::Captured;
                turn.calls.clear();
                turn.armed = 0;
            }
            Self::RefundOnPaper if turn.calls.contains(&Call::Refund) => {
                turn.calls.clear();
                turn.armed = 0;
                turn.state.status = Status::Refunded;
                turn.said.push(Event::from(shared_events::events::payment::PaymentRefunded {
                    refund_id: String::new(),
                    amount_minor: turn.state.captured_minor,
                    currency: shared_events::Currency::USD,
                }));
            }
            Self::SecondKey if matches!(heard, Heard::Silence(Call::Charge)) => {
                turn.calls.push(Call::ChargeUnderSecondKey);
            }
            Self::SilenceIsFailure if matches!(heard, Heard::Silence(Call::Charge)) => fail(turn),
            Self::NotFoundBelieved if matches!(heard, Heard::Wish(Wish::NotFound)) => fail(turn),
            Self::NoVoid if turn.calls.contains(&Call::Void) && before.dead.is_none() => fail(turn),
            Self::AsksForEver if matches!(heard, Heard::Word(Word::NoSuchCharge)) => {
                turn.state = before.clone();
                turn.calls.clear();
            }
            Self::NoTimerForCharge if turn.calls.contains(&Call::Charge) => {
                turn.armed &= !bit(PaymentTimer::Ask);
            }
            Self::GateIgnored if before.status == Status::Collecting => charge_at_once(before, turn),
            Self::ReviewOverwritesDecision => overwrite(before, heard, turn),
            _ => {}
        }
    }

    pub(crate) fn shipping(
        self,
        before: &shipping_domain::State,
        heard: Heard<'_>,
        turn: &mut Turn<shipping_domain::State>,
    ) {
        use shipping_domain::{ShipmentTimer, State, Status};
        match self {
            Self::NoTombstoneAtShipping
                if before.status == Status::Unknown && turn.state.status == Status::Cancelled =>
            {
                turn.state = State::default();
            }
            Self::BookingGivenUp if matches!(heard, Heard::Timer(_)) => {
                let gives_up = before.status == Status::Booking && turn.calls.contains(&Call::CancelBooking);
                if gives_up {
                    turn.state.status = Status::Failed;
                    turn.calls.clear();
                    turn.armed = 0;
                    turn.said
                        .push(Event::from(ShippingFailed { code: String::new(), reason: String::new() }));
                }
            }
            Self::CancelledUnasked
                if before.status == Status::Scheduled && turn.state.status == Status::Cancelling =>
            {
                turn.said.push(Event::from(ShippingCancelled { was_booked: true }));
            }
            Self::CancelSwallowed
                if before.status == Status::Booking
                    && heard.event_type() == Some(EventType::OrderCancelRequested) =>
            {
                turn.state.status = Status::Cancelled;
                turn.touched = u8::MAX;
                turn.armed = 0;
            }
            Self::BooksAtEveryConfirmation
                if before.status == Status::Scheduled
                    && heard.event_type() == Some(EventType::OrderConfirmed) =>
            {
                turn.calls.push(Call::Book);
            }
            Self::NoTimerForBooking if turn.calls.contains(&Call::Book) => {
                turn.armed &= !bit(ShipmentTimer::Ask);
            }
            _ => {}
        }
    }
}

fn captures(heard: Heard<'_>) -> bool {
    matches!(heard, Heard::Word(Word::Captured))
}

fn released_again() -> Option<Event> {
    use shared_events::events::inventory::{InventoryReleased, ReleasedFrom};
    Some(Event::from(InventoryReleased {
        released_from: ReleasedFrom::Nothing,
        items: Vec::new(),
        reason: String::new(),
    }))
}

/// `payment.failed` at once, whatever the gateway may still do.
fn fail(turn: &mut Turn<payment_domain::State>) {
    turn.state.status = Status::Failed;
    turn.calls.clear();
    turn.armed = 0;
    turn.touched = u8::MAX;
    turn.said.push(Event::from(PaymentFailed { code: "gateway_timeout".to_owned(), reason: String::new() }));
}

/// Charges as soon as the order is known and held.
fn charge_at_once(before: &payment_domain::State, turn: &mut Turn<payment_domain::State>) {
    let state = &mut turn.state;
    let complete = state.status == Status::Collecting && state.intent.is_some() && state.reserved;
    if complete && before.dead.is_none() {
        state.status = Status::Charging;
        state.charges_sent = 1;
        turn.calls.push(Call::Charge);
        turn.touched |= bit(PaymentTimer::Ask);
        turn.armed |= bit(PaymentTimer::Ask);
    }
}

/// The verdict `review` counts, also after the reviewer has decided.
fn overwrite(before: &payment_domain::State, heard: Heard<'_>, turn: &mut Turn<payment_domain::State>) {
    use payment_domain::Opinion;
    let Heard::Event(Event::FraudAssessed(assessed)) = heard else { return };
    if assessed.verdict == Verdict::Review && before.status == Status::Collecting {
        turn.state.fraud = Opinion::Review;
    }
}
