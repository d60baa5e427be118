//! Parcels, by the carrier's own journal (invariant 6).

use super::{Books, Parcel};

/// Every living order has a booking that stands, no dead one has, and nothing was handed over for it.
/// For books in which every saga has ended.
#[must_use]
pub fn parcels(books: &Books) -> Vec<String> {
    let mut complaints = parcels_handed_over_too_late(books);
    let nothing = Parcel::default();
    for (id, order) in &books.orders {
        let parcel = books.outside.parcels.get(id).unwrap_or(&nothing);
        let is_standing = parcel.is_booked && !parcel.is_cancelled;
        if order.lives() && !is_standing {
            complaints
                .push(format!("order {id} is {} and the carrier has no booking: {parcel:?}", order.status));
        }
        if order.is_dead() && is_standing {
            complaints.push(format!("order {id} is {} and the carrier is still booked", order.status));
        }
        if order.is_dead() && parcel.is_handed_over {
            complaints.push(format!("order {id} is {} and was handed over to the carrier", order.status));
        }
        if let Some(key) = parcel.keys.iter().find(|key| **key != format!("shipment:{id}")) {
            complaints.push(format!("order {id} was booked under the key {key}"));
        }
    }
    complaints
}

/// No parcel was handed over after its booking was cancelled; true at any moment.
#[must_use]
pub fn parcels_handed_over_too_late(books: &Books) -> Vec<String> {
    let late = books.outside.parcels.iter().filter(|(_, parcel)| parcel.is_handed_over_after_cancel);
    late.map(|(id, _)| format!("order {id} was handed over to the carrier after its cancellation")).collect()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{
        super::samples::{DEAD, LIVING, assert_complains},
        *,
    };

    #[test]
    fn every_parcel_that_is_where_it_should_not_be_is_told() {
        let parcel = |id: Uuid, change: fn(&mut Parcel)| {
            move |b: &mut Books| change(b.outside.parcels.get_mut(&id).unwrap())
        };
        assert_complains(parcels, parcel(LIVING, |p| p.is_booked = false), "has no booking");
        assert_complains(parcels, parcel(LIVING, |p| p.is_cancelled = true), "has no booking");
        assert_complains(parcels, parcel(DEAD, |p| p.is_cancelled = false), "still booked");
        assert_complains(parcels, parcel(DEAD, |p| p.is_handed_over = true), "was handed over");
        assert_complains(
            parcels,
            parcel(DEAD, |p| p.is_handed_over_after_cancel = true),
            "after its cancellation",
        );
        assert_complains(
            parcels,
            parcel(DEAD, |p| assert!(p.keys.insert("other".into()))),
            "under the key other",
        );
    }
}
