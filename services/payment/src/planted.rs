//! Planted bugs of payment (`chassis::faults`): nothing of this is reached without the feature.

use payment_domain::{Answer, Asked, Input, PaymentDecision, PaymentTimer, Status};
use shared_events::TimerChange;

/// `Bug::TimeoutIsFailure`: who says nothing to a charge says no.
pub(crate) fn no_without_answer(answer: Answer) -> Answer {
    if let Answer::NoAnswer { asked: Asked::Charge, silence } = answer {
        let reason = "The payment gateway did not answer.".to_owned();
        return Answer::Declined { code: silence.code().to_owned(), reason };
    }
    answer
}

/// `Bug::RefundSkipped`: a capture is a capture, whatever became of the order meanwhile.
pub(crate) fn keep_late_capture(input: &Input, mut decision: PaymentDecision) -> PaymentDecision {
    let captured = matches!(input, Input::Answer(Answer::Captured { .. }));
    if captured && decision.state.status == Status::Refunding {
        decision.state.status = Status::Captured;
        decision.effects.clear();
        decision.timers =
            vec![TimerChange::Disarm(PaymentTimer::Ask), TimerChange::Disarm(PaymentTimer::GiveUp)];
    }
    decision
}

#[cfg(test)]
mod tests {
    use super::*;
    use payment_domain::{Silence, State};
    use shared_events::{Decision, OrderId, Outcome};

    #[test]
    fn only_silence_about_a_charge_is_taken_for_a_no() {
        let silence = |asked| Answer::NoAnswer { asked, silence: Silence::Timeout };
        assert!(matches!(no_without_answer(silence(Asked::Charge)), Answer::Declined { .. }));
        for sound in [silence(Asked::Status), silence(Asked::Refund), Answer::Voided] {
            assert_eq!(no_without_answer(sound.clone()), sound);
        }
    }

    #[test]
    fn only_the_refund_of_a_late_capture_is_skipped() {
        let captured =
            Input::Answer(Answer::Captured { order_id: OrderId(uuid::Uuid::nil()), charge_id: None });
        let state = State { status: Status::Refunding, ..State::default() };
        let refunds = Decision::to(state, Outcome::Started);
        assert_eq!(keep_late_capture(&captured, refunds.clone()).state.status, Status::Captured);
        let timer = Input::Timer(PaymentTimer::Ask);
        assert_eq!(keep_late_capture(&timer, refunds.clone()), refunds);
    }
}
