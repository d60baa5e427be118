//! What a decision means for the ledger: which entries one order's change adds, in sequence.

use payment_domain::{Effect, Fate, Silence, State, Status};
use shared_events::Money;

/// What a ledger entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A charge was sent to the gateway; a repetition under the same key is an entry of its own.
    ChargeRequested,
    /// Money came in.
    Captured,
    /// The gateway will not charge.
    Declined,
    /// The gateway confirmed that a capture has become impossible.
    Voided,
    /// A refund was asked for; a repetition under the same key is an entry of its own.
    RefundRequested,
    /// Money went back.
    Refunded,
    /// The gateway will not refund.
    RefundRefused,
    /// The gateway did not say whether it refunded.
    RefundUnanswered,
}

impl Kind {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ChargeRequested => "charge_requested",
            Self::Captured => "captured",
            Self::Declined => "declined",
            Self::Voided => "voided",
            Self::RefundRequested => "refund_requested",
            Self::Refunded => "refunded",
            Self::RefundRefused => "refund_refused",
            Self::RefundUnanswered => "refund_unanswered",
        }
    }
}

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub kind: Kind,
    /// To how much money.
    pub amount: Money,
}

/// The entries of one change: first what was learned, then what was asked because of it.
#[must_use]
pub fn entries(before: &State, after: &State, effects: &[Effect]) -> Vec<Entry> {
    let Some(total) = after.amount() else { return Vec::new() };
    let of_total = |kind| Entry { kind, amount: total };
    let mut entries = Vec::new();
    if before.fate != after.fate {
        match after.fate {
            Fate::Unused | Fate::Open => {}
            Fate::Captured => entries.push(of_total(Kind::Captured)),
            Fate::Declined => entries.push(of_total(Kind::Declined)),
            Fate::Voided => entries.push(of_total(Kind::Voided)),
        }
    }
    if after.refunded_minor > before.refunded_minor {
        let amount = Money::new(after.refunded_minor - before.refunded_minor, total.currency);
        entries.push(Entry { kind: Kind::Refunded, amount });
    } else if after.status == Status::Refunded && before.status != Status::Refunded {
        // An order that cost nothing is refunded nothing, and that is an entry too.
        entries.push(Entry { kind: Kind::Refunded, amount: Money::zero(total.currency) });
    }
    if after.status == Status::RefundStuck && before.status != Status::RefundStuck {
        let code = after.failure.as_ref().map_or("", |failure| failure.code.as_str());
        let unanswered = [Silence::Timeout, Silence::Unavailable].iter().any(|s| s.code() == code);
        entries.push(of_total(if unanswered { Kind::RefundUnanswered } else { Kind::RefundRefused }));
    }
    for effect in effects {
        match effect {
            Effect::Charge { amount, .. } => {
                entries.push(Entry { kind: Kind::ChargeRequested, amount: *amount });
            }
            Effect::Refund { amount } => {
                entries.push(Entry { kind: Kind::RefundRequested, amount: *amount });
            }
            Effect::Status | Effect::Void => {}
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use payment_domain::{Answer, Asked, Input, PaymentTimer, Policy, decide};
    use shared_events::{Currency, Envelope, EventType, OrderId};

    fn event(event_type: EventType) -> Input {
        Input::Event(Envelope::decode(event_type.example().as_bytes()).unwrap().event)
    }

    fn captured() -> Input {
        Input::Answer(Answer::Captured { order_id: OrderId(uuid::Uuid::nil()), charge_id: None })
    }

    fn refused(code: &str) -> Input {
        Input::Answer(Answer::RefundRefused { code: code.to_owned(), reason: String::new() })
    }

    fn refunded() -> Input {
        Input::Answer(Answer::Refunded { refund_id: "re_1".to_owned() })
    }

    fn silence(asked: Asked) -> Input {
        Input::Answer(Answer::NoAnswer { asked, silence: Silence::Timeout })
    }

    /// The ledger of a whole life, each input a change of its own.
    fn ledger(inputs: &[Input]) -> Vec<&'static str> {
        let mut state = State::default();
        let mut kinds = Vec::new();
        for input in inputs {
            let decision = decide(&Policy::default(), &state, input, DateTime::UNIX_EPOCH);
            for entry in entries(&state, &decision.state, &decision.effects) {
                assert_eq!(entry.amount, Money::new(4998, Currency::USD));
                kinds.push(entry.kind.as_str());
            }
            state = decision.state;
        }
        kinds
    }

    fn charging() -> Vec<Input> {
        vec![event(EventType::OrderPlaced), event(EventType::InventoryReserved)]
    }

    #[test]
    fn a_charge_and_its_refund_leave_four_entries() {
        let life = [charging(), vec![captured(), event(EventType::OrderCancelled), refunded()]].concat();
        assert_eq!(ledger(&life), ["charge_requested", "captured", "refund_requested", "refunded"]);
    }

    #[test]
    fn a_late_capture_is_entered_before_its_refund_is_asked_for() {
        let life = [charging(), vec![event(EventType::OrderFailed), captured()]].concat();
        assert_eq!(ledger(&life), ["charge_requested", "captured", "refund_requested"]);
    }

    #[test]
    fn every_repeated_charge_is_entered_and_a_void_ends_them() {
        let again = || vec![silence(Asked::Charge), Input::Answer(Answer::NeverHeardOf)];
        let life = [charging(), again(), again(), again(), vec![Input::Answer(Answer::Voided)]].concat();
        let charge = "charge_requested";
        assert_eq!(ledger(&life), [charge, charge, charge, "voided"]);
    }

    #[test]
    fn a_decline_moves_no_money_and_is_entered() {
        let declined =
            Input::Answer(Answer::Declined { code: "card_declined".to_owned(), reason: String::new() });
        assert_eq!(ledger(&[charging(), vec![declined]].concat()), ["charge_requested", "declined"]);
    }

    #[test]
    fn a_refund_that_fails_says_whether_it_was_refused_or_never_answered() {
        let refunding = [charging(), vec![captured(), event(EventType::OrderCancelled)]].concat();
        let last = |inputs: &[Input]| *ledger(&[&refunding[..], inputs].concat()).last().unwrap();
        assert_eq!(last(&[refused("refund_refused")]), "refund_refused");
        assert_eq!(last(&[silence(Asked::Refund), Input::Timer(PaymentTimer::GiveUp)]), "refund_unanswered");
    }

    #[test]
    fn an_order_that_was_never_charged_has_no_entries() {
        assert!(ledger(&[event(EventType::OrderCancelled)]).is_empty());
        assert!(ledger(&[event(EventType::OrderPlaced), event(EventType::OrderFailed)]).is_empty());
    }

    #[test]
    fn several_inputs_in_one_change_leave_the_same_entries_as_one_by_one() {
        let charged = charging().iter().fold(State::default(), |state, input| {
            decide(&Policy::default(), &state, input, DateTime::UNIX_EPOCH).state
        });
        let (mut state, mut effects) = (charged.clone(), Vec::new());
        for input in [captured(), event(EventType::OrderCancelled)] {
            let decision = decide(&Policy::default(), &state, &input, DateTime::UNIX_EPOCH);
            effects.extend(decision.effects);
            state = decision.state;
        }
        let kinds: Vec<_> = entries(&charged, &state, &effects).iter().map(|entry| entry.kind).collect();
        assert_eq!(kinds, [Kind::Captured, Kind::RefundRequested]);
    }
}
