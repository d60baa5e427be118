//! Payment.

use shared_events::EventType;

use super::{NOW, ORDER, timer, timer_names};
use crate::{
    cast::{Actor, Heard, Standing, Turn},
    mutants::Mutant,
    outside::{Call, Word},
};

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
