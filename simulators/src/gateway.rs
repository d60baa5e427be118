//! What the payment gateway decides about charges, voids and refunds.
//!
//! Every rule runs under the desk's lock. A key is decided once: captured, declined or voided, and
//! whatever comes later is told what that was.

use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use crate::books::{Books, Charge, ChargeStatus, Outcome};
use crate::config::Config;
use crate::facts::{DeclineCode, Fact, order_of_key};
use crate::world::{Desk, SlowCharge};

/// How often `tok_error_twice` is answered with a server error before it succeeds.
const ERRORS_BEFORE_SUCCESS: u32 = 2;

/// A wish to charge, as far as the gateway looks at it.
pub(crate) struct ChargeRequest {
    pub(crate) key: String,
    pub(crate) order_id: Uuid,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) token: Option<String>,
}

/// What the client is told about a wish to charge, or is not told.
pub(crate) enum ChargeReply {
    Settled(Outcome),
    /// The key stands for another order, amount or currency.
    Mismatch,
    ServerError,
    Silence,
    /// Ask `after_waiting` then.
    Wait(Instant),
}

/// What the client is told about a wish to refund.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RefundReply {
    Refunded {
        refund_id: String,
        amount_minor: i64,
    },
    Refused,
    /// More than what is left of the captured amount.
    Exceeds,
    /// The refund key stands for another amount.
    Mismatch,
    NothingCaptured,
}

/// A charge key as `status` and `void` show it.
#[derive(Debug, Serialize)]
pub(crate) struct ChargeView {
    pub(crate) key: String,
    pub(crate) status: ChargeStatus,
    /// 0 for a key that was voided.
    pub(crate) amount_minor: i64,
    pub(crate) refunded_minor: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) currency: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) charge_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<DeclineCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<&'static str>,
}

/// How a card behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behavior {
    Capture,
    Decline(DeclineCode),
    NeverAnswer,
    CaptureAndLoseTheAnswer,
    FailTwice,
    CaptureSlowly,
    RefuseRefunds,
}

/// Charges, or says what became of the key before.
pub(crate) fn charge(desk: &mut Desk, config: &Config, request: &ChargeRequest) -> ChargeReply {
    if let Some(charge) = desk.books.charge(&request.key) {
        return repeated(charge, request);
    }
    if let Some(slow) = desk.slow_charges.get(&request.key) {
        let same = slow.order_id == request.order_id
            && slow.amount_minor == request.amount_minor
            && slow.currency == request.currency;
        return if same { ChargeReply::Wait(slow.until) } else { ChargeReply::Mismatch };
    }
    let order_id = Some(request.order_id);
    let key = request.key.clone();
    match behavior(config, request) {
        Behavior::Capture => settle(desk, request, capture(request, false)),
        Behavior::RefuseRefunds => settle(desk, request, capture(request, true)),
        Behavior::Decline(code) => settle(desk, request, decline(request, code)),
        Behavior::NeverAnswer => {
            desk.record(order_id, Fact::ChargeUnanswered { key });
            ChargeReply::Silence
        }
        Behavior::CaptureAndLoseTheAnswer => {
            desk.record(order_id, capture(request, false));
            ChargeReply::Silence
        }
        Behavior::FailTwice if desk.books.errors_answered(&key) < ERRORS_BEFORE_SUCCESS => {
            desk.record(order_id, Fact::ChargeErrored { key });
            ChargeReply::ServerError
        }
        Behavior::FailTwice => settle(desk, request, capture(request, false)),
        Behavior::CaptureSlowly => {
            let until = Instant::now() + config.slow();
            let ChargeRequest { order_id, amount_minor, .. } = *request;
            let currency = request.currency.clone();
            desk.slow_charges.insert(key, SlowCharge { until, order_id, amount_minor, currency });
            ChargeReply::Wait(until)
        }
    }
}

/// The end of a slow charge: captured now, unless it was voided or finished meanwhile.
pub(crate) fn finish(desk: &mut Desk, key: &str) {
    if let Some(slow) = desk.slow_charges.remove(key) {
        let fact = captured(key, slow.amount_minor, &slow.currency, false);
        desk.record(Some(slow.order_id), fact);
    }
}

/// What a client that waited for a slow charge is told.
pub(crate) fn after_waiting(desk: &mut Desk, request: &ChargeRequest) -> ChargeReply {
    finish(desk, &request.key);
    match desk.books.charge(&request.key) {
        Some(charge) => repeated(charge, request),
        // Only a restart could have made the books forget it, and then nobody would be asking.
        None => ChargeReply::ServerError,
    }
}

/// Makes a later capture under this key impossible, or says why it is too late for that.
pub(crate) fn void(desk: &mut Desk, key: &str) -> ChargeView {
    if desk.books.charge(key).is_none() {
        // A slow charge loses against a void that comes while it runs: both are decided under the
        // same lock, so it finds this fact when its time has come.
        let slow = desk.slow_charges.remove(key);
        let order_id = slow.map(|slow| slow.order_id).or(order_of_key(key));
        desk.record(order_id, Fact::ChargeVoided { key: key.to_owned() });
    }
    view(&desk.books, key).expect("a key is in the books once it has been voided")
}

/// Sends captured money back, at most once per refund key and never more than was captured.
pub(crate) fn refund(desk: &mut Desk, key: &str, refund_key: &str, amount_minor: i64) -> RefundReply {
    let Some(charge) = desk.books.charge(key) else { return RefundReply::NothingCaptured };
    let order_id = charge.order_id;
    let (captured_minor, refused) = match &charge.outcome {
        Outcome::Captured { amount_minor, refunds_refused, .. } => {
            (*amount_minor, *refunds_refused && !desk.books.refunds_allowed(charge))
        }
        Outcome::Declined { .. } | Outcome::Voided => return RefundReply::NothingCaptured,
    };
    if let Some(known) = charge.refunds.iter().find(|refund| refund.key == refund_key) {
        return if known.amount_minor == amount_minor {
            RefundReply::Refunded { refund_id: known.id.clone(), amount_minor }
        } else {
            RefundReply::Mismatch
        };
    }
    if amount_minor > captured_minor - charge.refunded_minor() {
        return RefundReply::Exceeds;
    }
    let (key, refund_key) = (key.to_owned(), refund_key.to_owned());
    if refused {
        desk.record(order_id, Fact::RefundRefused { key, refund_key, amount_minor });
        return RefundReply::Refused;
    }
    let refund_id = format!("re_{}", Uuid::new_v4().simple());
    let fact = Fact::RefundMade { key, refund_key, refund_id: refund_id.clone(), amount_minor };
    desk.record(order_id, fact);
    RefundReply::Refunded { refund_id, amount_minor }
}

/// What is known of a key; `None` = never heard of.
pub(crate) fn view(books: &Books, key: &str) -> Option<ChargeView> {
    let charge = books.charge(key)?;
    let mut view = ChargeView {
        key: key.to_owned(),
        status: charge.status(),
        amount_minor: 0,
        refunded_minor: charge.refunded_minor(),
        currency: None,
        charge_id: None,
        code: None,
        message: None,
    };
    match &charge.outcome {
        Outcome::Captured { charge_id, amount_minor, currency, .. } => {
            view.amount_minor = *amount_minor;
            view.currency = Some(currency.clone());
            view.charge_id = Some(charge_id.clone());
        }
        Outcome::Declined { amount_minor, currency, code } => {
            view.amount_minor = *amount_minor;
            view.currency = Some(currency.clone());
            view.code = Some(*code);
            view.message = Some(code.message());
        }
        Outcome::Voided => {}
    }
    Some(view)
}

/// A second request under a decided key gets the first one's answer, if it asks for the same.
fn repeated(charge: &Charge, request: &ChargeRequest) -> ChargeReply {
    let same = match &charge.outcome {
        Outcome::Captured { amount_minor, currency, .. }
        | Outcome::Declined { amount_minor, currency, .. } => {
            charge.order_id == Some(request.order_id)
                && *amount_minor == request.amount_minor
                && *currency == request.currency
        }
        // A tombstone knows no terms: whatever is asked, the answer is no.
        Outcome::Voided => true,
    };
    if same { ChargeReply::Settled(charge.outcome.clone()) } else { ChargeReply::Mismatch }
}

fn settle(desk: &mut Desk, request: &ChargeRequest, fact: Fact) -> ChargeReply {
    desk.record(Some(request.order_id), fact);
    let charge = desk.books.charge(&request.key).expect("a recorded charge is in the books");
    ChargeReply::Settled(charge.outcome.clone())
}

fn capture(request: &ChargeRequest, refunds_refused: bool) -> Fact {
    captured(&request.key, request.amount_minor, &request.currency, refunds_refused)
}

fn captured(key: &str, amount_minor: i64, currency: &str, refunds_refused: bool) -> Fact {
    let charge_id = format!("ch_{}", Uuid::new_v4().simple());
    let (key, currency) = (key.to_owned(), currency.to_owned());
    Fact::ChargeCaptured { key, charge_id, amount_minor, currency, refunds_refused }
}

fn decline(request: &ChargeRequest, code: DeclineCode) -> Fact {
    Fact::ChargeDeclined {
        key: request.key.clone(),
        amount_minor: request.amount_minor,
        currency: request.currency.clone(),
        code,
    }
}

fn behavior(config: &Config, request: &ChargeRequest) -> Behavior {
    match request.token.as_deref() {
        None => drawn(config.payment_seed, request.order_id, config.payment_failure_rate),
        Some("tok_ok") => Behavior::Capture,
        Some("tok_declined") => Behavior::Decline(DeclineCode::CardDeclined),
        Some("tok_insufficient_funds") => Behavior::Decline(DeclineCode::InsufficientFunds),
        Some("tok_timeout") => Behavior::NeverAnswer,
        Some("tok_timeout_captured") => Behavior::CaptureAndLoseTheAnswer,
        Some("tok_error_twice") => Behavior::FailTwice,
        Some("tok_slow") => Behavior::CaptureSlowly,
        Some("tok_refund_refused") => Behavior::RefuseRefunds,
        Some(_) => Behavior::Decline(DeclineCode::UnknownToken),
    }
}

/// The outcome without a token: a draw that depends on nothing but the seed and the order, so that
/// a retry, a restart and another machine draw the same.
fn drawn(seed: u64, order_id: Uuid, failure_rate: f64) -> Behavior {
    let hash = Sha256::new().chain_update(seed.to_be_bytes()).chain_update(order_id).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    // 53 bits are what a float holds exactly: the draw stays below 1, so a rate of 1 declines all.
    let draw = (u64::from_be_bytes(first) >> 11) as f64 / (1_u64 << 53) as f64;
    if draw >= failure_rate {
        Behavior::Capture
    } else if hash[8] % 2 == 0 {
        Behavior::Decline(DeclineCode::CardDeclined)
    } else {
        Behavior::Decline(DeclineCode::InsufficientFunds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declined_share(seed: u64, rate: f64) -> f64 {
        let orders = (0..20_000_u128).map(Uuid::from_u128);
        let declined = orders.filter(|id| drawn(seed, *id, rate) != Behavior::Capture).count();
        declined as f64 / 20_000.0
    }

    #[test]
    fn the_draw_keeps_to_the_failure_rate() {
        assert_eq!(declined_share(1, 0.0), 0.0);
        assert_eq!(declined_share(1, 1.0), 1.0);
        assert!((declined_share(1, 0.2) - 0.2).abs() < 0.02);
        assert!((declined_share(7, 0.5) - 0.5).abs() < 0.02);
    }

    #[test]
    fn the_draw_depends_on_the_seed_and_on_nothing_that_changes() {
        let differs = |id: &Uuid| drawn(1, *id, 0.5) != drawn(2, *id, 0.5);
        let orders: Vec<_> = (0..100_u128).map(Uuid::from_u128).collect();
        assert!(orders.iter().any(differs));
        assert!(orders.iter().all(|id| drawn(1, *id, 0.5) == drawn(1, *id, 0.5)));
    }
}
