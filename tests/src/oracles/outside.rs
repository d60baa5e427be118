//! The journal of the payment gateway and the carrier, read from the file they write it to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use uuid::Uuid;

use crate::Platform;

/// One order's money, as the gateway moved it.
#[derive(Clone, Debug, Default)]
pub struct Charge {
    /// Keys under which anything was decided. There is one, or something charges twice.
    pub keys: BTreeSet<String>,
    /// Captures.
    pub captures: u64,
    /// Their sum.
    pub captured_minor: i64,
    /// What went back.
    pub refunded_minor: i64,
    /// Whether the bank refused to give it back.
    pub is_refund_refused: bool,
    /// Times a charge was swallowed or answered with an error.
    pub troubles: u64,
}

/// One order's parcel, as the carrier knows it.
#[derive(Clone, Debug, Default)]
pub struct Parcel {
    /// Keys under which anything was decided.
    pub keys: BTreeSet<String>,
    /// Accepted for collection.
    pub is_booked: bool,
    /// Never to be collected.
    pub is_cancelled: bool,
    /// In the carrier's hands.
    pub is_handed_over: bool,
    /// … although it had been cancelled.
    pub is_handed_over_after_cancel: bool,
}

/// What the outside world knows.
#[derive(Clone, Debug, Default)]
pub struct Outside {
    /// By order.
    pub charges: BTreeMap<Uuid, Charge>,
    /// By order.
    pub parcels: BTreeMap<Uuid, Parcel>,
    /// Facts that name no order.
    pub nameless: Vec<String>,
}

impl Outside {
    /// Reads a platform's journal as far as it is written.
    #[must_use]
    pub fn read(platform: &Platform) -> Self {
        let file = platform.logs().join("simulators.journal");
        Self::of(&std::fs::read_to_string(file).unwrap_or_default())
    }

    /// Reads a journal. A last line without its end is still being written.
    #[must_use]
    pub fn of(journal: &str) -> Self {
        let mut outside = Self::default();
        let whole = journal.rfind('\n').map_or("", |end| &journal[..end]);
        for line in whole.lines() {
            outside.take(line);
        }
        outside
    }

    fn take(&mut self, line: &str) {
        let entry: Value = serde_json::from_str(line).unwrap();
        let fact = entry["fact"].as_str().unwrap();
        let Some(order) = entry["order_id"].as_str().and_then(|id| id.parse().ok()) else {
            if fact != "refunds_allowed" {
                self.nameless.push(line.to_owned());
            }
            return;
        };
        let amount = entry["amount_minor"].as_i64().unwrap_or_default();
        let key = entry["key"].as_str().unwrap_or_default().to_owned();
        if fact.starts_with("charge_") || fact.starts_with("refund_") {
            let charge = self.charges.entry(order).or_default();
            charge.keys.insert(key);
            match fact {
                "charge_captured" => {
                    charge.captures += 1;
                    charge.captured_minor += amount;
                }
                "charge_unanswered" | "charge_errored" => charge.troubles += 1,
                "refund_made" => charge.refunded_minor += amount,
                "refund_refused" => charge.is_refund_refused = true,
                _ => {}
            }
        } else if fact != "refunds_allowed" {
            let parcel = self.parcels.entry(order).or_default();
            parcel.keys.insert(key);
            match fact {
                "booking_made" => parcel.is_booked = true,
                "booking_cancelled" => parcel.is_cancelled = true,
                "handed_over" => {
                    parcel.is_handed_over = true;
                    parcel.is_handed_over_after_cancel |= parcel.is_cancelled;
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_summed_by_order_as_far_as_it_is_written() {
        let order = Uuid::from_u128(7);
        let journal = format!(
            r#"{{"at":"2026-01-01T00:00:00Z","order_id":"{order}","fact":"charge_errored","key":"k"}}
{{"at":"2026-01-01T00:00:00Z","order_id":"{order}","fact":"charge_captured","key":"k","charge_id":"c","amount_minor":250,"currency":"USD"}}
{{"at":"2026-01-01T00:00:00Z","order_id":"{order}","fact":"refund_made","key":"k","refund_key":"r","refund_id":"i","amount_minor":50}}
{{"at":"2026-01-01T00:00:00Z","order_id":"{order}","fact":"booking_cancelled","key":"s"}}
{{"at":"2026-01-01T00:00:00Z","order_id":"{order}","fact":"handed_over","key":"s"}}
{{"at":"2026-01-01T00:00:00Z","order_id":null,"fact":"charge_voided","key":"strange"}}
{{"at":"2026-01-01T00:00:00Z","order_id":"{order}","fact":"charge_capt"#
        );
        let outside = Outside::of(&journal);
        let charge = &outside.charges[&order];
        assert_eq!((charge.captures, charge.captured_minor, charge.refunded_minor), (1, 250, 50));
        assert_eq!((charge.troubles, charge.keys.len()), (1, 1));
        assert!(outside.parcels[&order].is_handed_over_after_cancel);
        assert_eq!(outside.nameless.len(), 1);
    }
}
