//! Stock, by arithmetic from orders, reservations and adjustments (invariants 1 and 4).

use std::collections::BTreeMap;

use uuid::Uuid;

use super::Books;

/// The shelf, the reservations and the orders agree. For books in which every saga has ended.
#[must_use]
pub fn stock(books: &Books) -> Vec<String> {
    let mut complaints = Vec::new();
    let (held, committed) = (reserved_as(books, "held"), reserved_as(books, "committed"));
    let mut sold: BTreeMap<Uuid, i64> = BTreeMap::new();
    for (product, units) in books.living().flat_map(|(_, order)| &order.units) {
        *sold.entry(*product).or_default() += units;
    }
    for (id, product) in &books.products {
        let of = |units: &BTreeMap<Uuid, i64>| units.get(id).copied().unwrap_or_default();
        let (held, committed, sold) = (of(&held), of(&committed), of(&sold));
        if product.reserved < 0 || product.on_hand < product.reserved {
            complaints
                .push(format!("product {id}: {} on hand, {} reserved", product.on_hand, product.reserved));
        }
        if product.adjusted != product.on_hand + committed {
            complaints.push(format!(
                "product {id}: {} came in, {} are on hand and {committed} committed",
                product.adjusted, product.on_hand
            ));
        }
        if product.reserved != held {
            complaints.push(format!("product {id}: {} are reserved, {held} are held", product.reserved));
        }
        if product.adjusted - product.on_hand != sold {
            let gone = product.adjusted - product.on_hand;
            complaints.push(format!("product {id}: {gone} have left, living orders have {sold}"));
        }
    }
    complaints.extend(by_order(books));
    complaints
}

fn by_order(books: &Books) -> Vec<String> {
    let mut complaints = Vec::new();
    for (id, order) in &books.orders {
        let reservation = books.reservations.get(id);
        let status = reservation.map_or("none", |reservation| reservation.status.as_str());
        if order.lives() && (status != "committed" || reservation.is_none_or(|r| r.units != order.units)) {
            complaints.push(format!(
                "order {id} is {}, its reservation is {status}: {reservation:?}",
                order.status
            ));
        }
        if order.is_dead() && ["held", "committed"].contains(&status) {
            complaints.push(format!("order {id} is {} and its stock is still {status}", order.status));
        }
    }
    complaints
}

fn reserved_as(books: &Books, status: &str) -> BTreeMap<Uuid, i64> {
    let mut sum = BTreeMap::new();
    for reservation in books.reservations.values().filter(|reservation| reservation.status == status) {
        for (product, units) in &reservation.units {
            *sum.entry(*product).or_default() += units;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{DEAD, LIVING, PRODUCT, assert_complains},
        *,
    };

    #[test]
    fn stock_that_does_not_add_up_is_told() {
        let product = |change: fn(&mut super::super::Stock)| {
            move |b: &mut Books| change(b.products.get_mut(&PRODUCT).unwrap())
        };
        assert_complains(stock, product(|p| p.on_hand = -1), "-1 on hand");
        assert_complains(stock, product(|p| p.on_hand = 9), "9 are on hand and 2 committed");
        assert_complains(stock, product(|p| p.reserved = 1), "1 are reserved, 0 are held");
        assert_complains(
            stock,
            |b| b.orders.get_mut(&LIVING).unwrap().status = "failed".into(),
            "living orders have 0",
        );
    }

    #[test]
    fn a_reservation_that_does_not_fit_its_order_is_told() {
        let status = |id: Uuid, status: &'static str| {
            move |b: &mut Books| b.reservations.get_mut(&id).unwrap().status = status.into()
        };
        assert_complains(stock, status(LIVING, "released"), "its reservation is released");
        assert_complains(stock, status(DEAD, "committed"), "still committed");
        assert_complains(stock, status(DEAD, "held"), "still held");
        assert_complains(stock, |b| drop(b.reservations.remove(&LIVING)), "its reservation is none");
    }
}
