//! Money, by the gateway's own journal (invariants 2, 3 and 5).

use uuid::Uuid;

use super::{Books, Charge, Order, Payment};

/// Whoever has goods paid once and all of it; nobody else paid anything in the end; and payment's
/// ledger says the same. For books in which every saga has ended.
#[must_use]
pub fn money(books: &Books) -> Vec<String> {
    let mut complaints = double_captures(books);
    let nothing = Charge::default();
    for (id, order) in &books.orders {
        let charge = books.outside.charges.get(id).unwrap_or(&nothing);
        complaints.extend(wrong(id, order, charge));
        complaints.extend(second_key(id, charge));
        complaints.extend(disagrees(id, books.payments.get(id), charge));
    }
    let strangers = books.outside.charges.iter().filter(|(id, _)| !books.orders.contains_key(id));
    complaints.extend(strangers.filter(|(_, charge)| charge.captures > 0).map(|(id, charge)| {
        format!("{} were captured for order {id}, which does not exist", charge.captured_minor)
    }));
    complaints.extend(
        books.outside.nameless.iter().map(|fact| format!("the outside world knows of no order: {fact}")),
    );
    complaints
}

/// No order was ever captured twice; true at any moment.
#[must_use]
pub fn double_captures(books: &Books) -> Vec<String> {
    let twice = books.outside.charges.iter().filter(|(_, charge)| charge.captures > 1);
    twice.map(|(id, charge)| format!("order {id} was captured {} times", charge.captures)).collect()
}

fn wrong(id: &Uuid, order: &Order, charge: &Charge) -> Option<String> {
    let (captured, refunded, total) = (charge.captured_minor, charge.refunded_minor, order.total_minor);
    let what = format!("order {id} ({}/{}) of {total}", order.status, order.compensation);
    if captured > total || refunded > captured {
        return Some(format!("{what}: {captured} captured and {refunded} refunded"));
    }
    if order.lives() && (captured, refunded) != (total, 0) {
        return Some(format!("{what} lives with {captured} captured and {refunded} refunded"));
    }
    if order.is_made_good() && captured != refunded {
        return Some(format!("{what} is made good with {captured} captured and {refunded} refunded"));
    }
    None
}

fn second_key(id: &Uuid, charge: &Charge) -> Option<String> {
    let other = charge.keys.iter().find(|key| **key != format!("payment:{id}"));
    other.map(|key| format!("order {id} was charged under the key {key}"))
}

fn disagrees(id: &Uuid, payment: Option<&Payment>, charge: &Charge) -> Option<String> {
    let nothing = Payment::default();
    let payment = payment.unwrap_or(&nothing);
    let gateway = (charge.captured_minor, charge.refunded_minor);
    let state = (payment.captured_minor, payment.refunded_minor);
    let ledger = (payment.ledger_captured_minor, payment.ledger_refunded_minor);
    (state != gateway || ledger != gateway).then(|| {
        format!(
            "order {id} ({}): captured and refunded are {gateway:?} at the gateway, {state:?} in payment's state, \
             {ledger:?} in its ledger",
            payment.status
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{DEAD, LIVING, assert_complains},
        *,
    };

    fn charge(id: Uuid, change: fn(&mut Charge)) -> impl Fn(&mut Books) {
        move |books| change(books.outside.charges.get_mut(&id).unwrap())
    }

    #[test]
    fn every_way_to_lose_money_is_told() {
        assert_complains(money, charge(LIVING, |c| c.captures = 2), "captured 2 times");
        assert_complains(money, charge(LIVING, |c| c.captured_minor = 0), "lives with 0 captured");
        assert_complains(money, charge(LIVING, |c| c.captured_minor += 1), "2500 captured");
        assert_complains(money, charge(DEAD, |c| c.refunded_minor = 0), "made good with 2499 captured and 0");
        assert_complains(money, charge(DEAD, |c| c.refunded_minor += 1), "2500 refunded");
        assert_complains(
            money,
            charge(LIVING, |c| assert!(c.keys.insert("other".into()))),
            "under the key other",
        );
    }

    #[test]
    fn a_ledger_that_disagrees_and_money_without_an_order_are_told() {
        let ledger = |b: &mut Books| b.payments.get_mut(&DEAD).unwrap().ledger_refunded_minor = 0;
        assert_complains(money, ledger, "in its ledger");
        assert_complains(money, |b| drop(b.payments.remove(&LIVING)), "in payment's state");
        assert_complains(money, |b| drop(b.orders.remove(&LIVING)), "does not exist");
        assert_complains(money, |b| b.outside.nameless.push("a fact".into()), "knows of no order");
    }
}
