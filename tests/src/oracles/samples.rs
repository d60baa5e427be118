//! Small books for the oracles' own tests: one living order, one that failed and was made good.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Books, Charge, Order, Outside, Parcel, Payment, Reservation, Stock};

pub(super) const LIVING: Uuid = Uuid::from_u128(1);
pub(super) const DEAD: Uuid = Uuid::from_u128(2);
pub(super) const PRODUCT: Uuid = Uuid::from_u128(100);

fn order(status: &str, compensation: &str) -> Order {
    Order {
        status: status.to_owned(),
        compensation: compensation.to_owned(),
        total_minor: 2_499,
        is_tracked: status == "confirmed",
        cancel: "none".to_owned(),
        units: BTreeMap::from([(PRODUCT, 2)]),
        stuck_on: None,
    }
}

/// Books without a fault.
pub(super) fn books() -> Books {
    let charge = |refunded_minor, order| Charge {
        keys: [format!("payment:{order}")].into(),
        captures: 1,
        captured_minor: 2_499,
        refunded_minor,
        ..Charge::default()
    };
    let parcel = |is_cancelled, order| Parcel {
        keys: [format!("shipment:{order}")].into(),
        is_booked: true,
        is_cancelled,
        ..Parcel::default()
    };
    let payment = |status: &str, refunded_minor| Payment {
        status: status.to_owned(),
        captured_minor: 2_499,
        refunded_minor,
        ledger_captured_minor: 2_499,
        ledger_refunded_minor: refunded_minor,
    };
    let reservation =
        |status: &str| Reservation { status: status.to_owned(), units: BTreeMap::from([(PRODUCT, 2)]) };
    Books {
        orders: BTreeMap::from([
            (LIVING, order("confirmed", "none")),
            (DEAD, order("cancelled", "complete")),
        ]),
        reservations: BTreeMap::from([(LIVING, reservation("committed")), (DEAD, reservation("released"))]),
        products: BTreeMap::from([(PRODUCT, Stock { on_hand: 8, reserved: 0, adjusted: 10 })]),
        payments: BTreeMap::from([(LIVING, payment("captured", 0)), (DEAD, payment("refunded", 2_499))]),
        outside: Outside {
            charges: BTreeMap::from([(LIVING, charge(0, LIVING)), (DEAD, charge(2_499, DEAD))]),
            parcels: BTreeMap::from([(LIVING, parcel(false, LIVING)), (DEAD, parcel(true, DEAD))]),
            nameless: Vec::new(),
        },
    }
}

/// Asserts that a change of the sound books is complained about once, in words that contain these.
#[track_caller]
pub(super) fn assert_complains(
    oracle: impl Fn(&Books) -> Vec<String>,
    spoil: impl Fn(&mut Books),
    words: &str,
) {
    let sound = books();
    assert_eq!(oracle(&sound), Vec::<String>::new(), "sound books");
    let mut spoiled = sound;
    spoil(&mut spoiled);
    let complaints = oracle(&spoiled);
    assert!(complaints.iter().any(|complaint| complaint.contains(words)), "{words:?} in {complaints:#?}");
}
