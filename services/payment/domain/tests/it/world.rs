//! A gateway as the contract describes it: idempotent by key, deciding every key once, and losing
//! questions and answers on the way. What a test reads of it is the truth about the money.

use payment_domain::{Answer, Asked, Effect, Silence};

use crate::support::order_id;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Card {
    Good,
    Declined,
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Clear,
    QuestionLost,
    AnswerLost,
    ServerError,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Captured,
    Declined,
    Voided,
    Refunded,
}

#[derive(Debug)]
pub(crate) struct Gateway {
    card: Card,
    refuses_refunds: bool,
    key: Option<Key>,
    pub(crate) captures: u32,
    pub(crate) refunds: u32,
}

impl Gateway {
    pub(crate) fn new(card: Card, refuses_refunds: bool) -> Self {
        Self { card, refuses_refunds, key: None, captures: 0, refunds: 0 }
    }

    pub(crate) fn can_still_capture(&self) -> bool {
        self.key.is_none()
    }

    pub(crate) fn call(&mut self, effect: &Effect, line: Line) -> Answer {
        let silent = |silence| Answer::NoAnswer { asked: effect.asked(), silence };
        match line {
            Line::QuestionLost => return silent(Silence::Timeout),
            Line::ServerError => return silent(Silence::Unavailable),
            Line::Clear | Line::AnswerLost => {}
        }
        let answer = self.decide(effect.asked());
        if line == Line::AnswerLost { silent(Silence::Timeout) } else { answer }
    }

    fn decide(&mut self, asked: Asked) -> Answer {
        match (asked, self.key) {
            (Asked::Charge, None) => match self.card {
                Card::Good => {
                    self.captures += 1;
                    self.key = Some(Key::Captured);
                }
                Card::Declined => self.key = Some(Key::Declined),
            },
            (Asked::Void, None) => self.key = Some(Key::Voided),
            (Asked::Status, None) => return Answer::NeverHeardOf,
            (Asked::Refund, Some(Key::Captured)) if !self.refuses_refunds => {
                self.refunds += 1;
                self.key = Some(Key::Refunded);
            }
            (Asked::Refund, _) if self.key != Some(Key::Refunded) => {
                return Answer::RefundRefused { code: "refund_refused".to_owned(), reason: String::new() };
            }
            _ => {}
        }
        match (asked, self.key.expect("every question but status decides the key")) {
            (Asked::Refund, _) => Answer::Refunded { refund_id: "re_1".to_owned() },
            (_, Key::Captured | Key::Refunded) => {
                Answer::Captured { order_id: order_id(), charge_id: Some("ch_1".to_owned()) }
            }
            (_, Key::Declined) => {
                Answer::Declined { code: "card_declined".to_owned(), reason: String::new() }
            }
            (_, Key::Voided) => Answer::Voided,
        }
    }
}
