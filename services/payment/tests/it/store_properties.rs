//! Random stories of payments, folded and stored; with the ledger of their money.

use std::time::Duration;

use payment_domain::{Answer, Asked, Command, FraudMode, Input, Policy, Silence, State};
use payment_service::{
    Payment,
    gateway::{self, HttpGateway},
    journal::Journal,
    ledger, store,
};
use shared_events::{
    EventType, OrderId,
    events::fraud::{FraudAssessed, FraudReviewed, Ruling, Verdict},
};
use sqlx::PgPool;
use system_tests::store_property::{
    Decided, Happens, Model, Subject, example, holds,
    proptest::{prelude::*, sample::select, strategy::BoxedStrategy},
    same,
};

/// More entries than any story makes of one order.
const ENTRIES_MAX: i64 = 10_000;

/// Payments that wait for fraud's verdict, or do not.
struct Payments<const GATED: bool>(Payment);

#[derive(Clone, Debug)]
enum Symbol {
    Captured,
    Resolve { captured: bool },
    Any(Box<Happens<Input>>),
}

fn any(happens: Happens<Input>) -> Symbol {
    Symbol::Any(Box::new(happens))
}

fn answer(answer: Answer) -> Symbol {
    any(Happens::Outcome(Input::Answer(answer)))
}

/// Everything the gateway can say; ids of captures and refunds as it likes.
fn answers() -> impl Strategy<Value = Symbol> {
    let (code, reason) = ("refused".to_owned(), "No.".to_owned());
    let silences = select(&[Silence::Timeout, Silence::Unavailable][..]);
    let asked = select(&[Asked::Charge, Asked::Status, Asked::Void, Asked::Refund][..]);
    let silent = (asked, silences).prop_map(|(asked, silence)| answer(Answer::NoAnswer { asked, silence }));
    prop_oneof![
        4 => Just(Symbol::Captured),
        1 => Just(answer(Answer::Declined { code: code.clone(), reason: reason.clone() })),
        3 => Just(answer(Answer::NeverHeardOf)),
        1 => Just(answer(Answer::Pending)),
        2 => Just(answer(Answer::Voided)),
        2 => "re_[a-z]{4}".prop_map(|refund_id| answer(Answer::Refunded { refund_id })),
        2 => Just(answer(Answer::RefundRefused { code, reason })),
        6 => silent,
    ]
}

fn verdicts() -> impl Strategy<Value = Symbol> {
    let assessed = select(&[Verdict::Approve, Verdict::Review, Verdict::Reject][..]).prop_map(|verdict| {
        let (reasons, model_version) = (Vec::new(), "scorecard-1".to_owned());
        Happens::said(FraudAssessed { score: 50, verdict, reasons, model_version, review_until: None })
    });
    let reviewed = select(&[Ruling::Approve, Ruling::Reject][..])
        .prop_map(|verdict| Happens::said(FraudReviewed { verdict, decided_by: "Ada".to_owned() }));
    prop_oneof![2 => assessed, 1 => reviewed].prop_map(any)
}

impl<const GATED: bool> Subject for Payments<GATED> {
    type Participant = Payment;
    type Symbol = Symbol;

    const STAGES: &'static [&'static str] = if GATED {
        &["collecting", "charging", "unknown", "voided"]
    } else {
        &[
            "collecting",
            "charging",
            "unknown",
            "voiding",
            "captured",
            "unresolved",
            "failed",
            "voided",
            "refunding",
            "refund_stuck",
            "refunded",
        ]
    };

    fn symbols() -> BoxedStrategy<Symbol> {
        let heard = |event_type: EventType| any(Happens::said(example(event_type)));
        let facts = [EventType::OrderPlaced, EventType::InventoryReserved];
        let ends = [EventType::OrderCancelled, EventType::OrderFailed, EventType::InventoryReserveFailed];
        prop_oneof![
            8 => select(facts.to_vec()).prop_map(heard),
            2 => select(ends.to_vec()).prop_map(heard),
            9 => answers(),
            if GATED { 4 } else { 1 } => verdicts(),
            1 => prop::bool::ANY.prop_map(|captured| Symbol::Resolve { captured }),
            1 => Just(any(Happens::Command(Input::Command(Command::RetryRefund)))),
        ]
        .boxed()
    }

    fn ways() -> Vec<Vec<Symbol>> {
        let said = |event_type: EventType| any(Happens::said(example(event_type)));
        let charging = || vec![said(EventType::OrderPlaced), said(EventType::InventoryReserved)];
        let refused = Answer::RefundRefused { code: "refund_refused".to_owned(), reason: "No.".to_owned() };
        let declined = Answer::Declined { code: "card_declined".to_owned(), reason: "No.".to_owned() };
        let silence = Silence::Timeout;
        let lost = || {
            let silent = answer(Answer::NoAnswer { asked: Asked::Charge, silence });
            vec![silent, answer(Answer::NeverHeardOf)]
        };
        let refunded = answer(Answer::Refunded { refund_id: "re_1".to_owned() });
        let cancelled = || said(EventType::OrderCancelled);
        vec![
            [charging(), vec![Symbol::Captured, cancelled(), refunded]].concat(),
            [charging(), vec![Symbol::Captured, cancelled(), answer(refused)]].concat(),
            [charging(), lost(), lost(), lost(), vec![answer(Answer::Voided)]].concat(),
            [charging(), vec![said(EventType::OrderFailed), answer(Answer::NeverHeardOf)]].concat(),
            [charging(), vec![answer(declined)]].concat(),
        ]
    }

    async fn begin(_pool: &PgPool) -> Self {
        // No effect is performed here, so nothing is ever asked of this gateway.
        let client = gateway::client(Duration::from_secs(1)).unwrap();
        let gateway = HttpGateway::new(client.clone(), "http://127.0.0.1:9").unwrap();
        let journal = Journal::new(client, "http://127.0.0.1:9").unwrap();
        let fraud_mode = if GATED { FraudMode::Gate } else { FraudMode::Observe };
        Self(Payment::new(Policy { fraud_mode, ..Policy::default() }, gateway, journal))
    }

    fn participant(&self) -> &Payment {
        &self.0
    }

    fn world(&self) {}

    fn happens(&self, symbol: &Symbol, order_id: OrderId, _state: &State) -> Happens<Input> {
        match symbol {
            Symbol::Captured => {
                let charge_id = Some(format!("ch_{order_id}"));
                Happens::Outcome(Input::Answer(Answer::Captured { order_id, charge_id }))
            }
            Symbol::Resolve { captured } => {
                let (captured, note) = (*captured, "seen in the gateway's books".to_owned());
                Happens::Command(Input::Command(Command::Resolve { order_id, captured, note }))
            }
            Symbol::Any(happens) => (**happens).clone(),
        }
    }

    fn stage(state: &State) -> &'static str {
        state.status.as_str()
    }

    /// The ledger has what each decision enters, however they were batched.
    async fn agrees(&self, pool: &PgPool, model: &Model<Payment>) -> Result<(), String> {
        for (order, kept) in model.orders() {
            let rows = store::ledger(pool, &[order], ENTRIES_MAX).await.map_err(|error| error.to_string())?;
            let stored: Vec<_> =
                rows.into_iter().map(|row| (row.at, row.kind, row.amount_minor, row.currency)).collect();
            let entries = |decided: &Decided<Payment>| {
                let at = decided.at;
                ledger::entries(&decided.before, &decided.after, &decided.effects).into_iter().map(
                    move |entry| {
                        let (amount, currency) = (entry.amount.minor, entry.amount.currency.to_string());
                        (at, entry.kind.as_str().to_owned(), amount, currency)
                    },
                )
            };
            let wanted: Vec<_> = kept.decided.iter().flat_map(entries).collect();
            same(order, "ledger", &stored, &wanted)?;
        }
        Ok(())
    }
}

#[test]
fn payments_and_their_ledger_are_stored_as_the_rule_leaves_them() {
    holds::<Payments<false>>();
}

#[test]
fn payments_that_wait_for_a_verdict_are_stored_as_the_rule_leaves_them() {
    holds::<Payments<true>>();
}
