//! Shipping.

use shared_events::EventType;

use super::{NOW, timer, timer_names};
use crate::{
    cast::{Actor, Heard, Standing, Turn},
    mutants::Mutant,
    outside::{Call, Word},
};

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
