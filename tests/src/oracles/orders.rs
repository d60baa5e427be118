//! What customers were promised exists, nothing else does, and every saga ends.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Books, Order};

/// What the customers' own journal says of an order.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    /// What it was to cost.
    pub total_minor: i64,
    /// Whether the service said that it has it.
    pub is_accepted: bool,
}

/// What was accepted exists, with the total that was ordered; what nobody placed does not.
#[must_use]
pub fn accepted(claims: &BTreeMap<Uuid, Claim>, books: &Books) -> Vec<String> {
    let mut complaints = Vec::new();
    for (id, claim) in claims {
        match books.orders.get(id) {
            None if claim.is_accepted => {
                complaints.push(format!("order {id} was accepted and does not exist"))
            }
            Some(order) if order.total_minor != claim.total_minor => complaints.push(format!(
                "order {id} costs {} in the books, {} were ordered",
                order.total_minor, claim.total_minor
            )),
            None | Some(_) => {}
        }
    }
    let unasked = books.orders.keys().filter(|id| !claims.contains_key(id));
    complaints.extend(unasked.map(|id| format!("order {id} exists and nobody placed it")));
    complaints
}

/// Every saga has come to its end: settled, or stuck for a reason that the outside world confirms, with
/// the missing event named.
#[must_use]
pub fn ended(books: &Books) -> Vec<String> {
    let judge = |id: &Uuid, order: &Order| {
        let where_it_is = format!("order {id} is {}/{}", order.status, order.compensation);
        if order.compensation == "stuck" {
            let refused = books.outside.charges.get(id).is_some_and(|charge| charge.is_refund_refused);
            return match order.stuck_on.as_deref().unwrap_or_default() {
                "" => Some(format!("{where_it_is} and does not name the missing event")),
                missing if !refused => {
                    Some(format!("{where_it_is}, missing {missing}, though no refund was refused"))
                }
                _ => None,
            };
        }
        (!has_settled(order)).then(|| {
            let tracked = if order.is_tracked { "booked" } else { "not booked" };
            format!("{where_it_is}, {tracked}, cancel {}: it has not ended", order.cancel)
        })
    };
    books.orders.iter().filter_map(|(id, order)| judge(id, order)).collect()
}

/// Orders that may still go somewhere: neither settled nor stuck.
#[must_use]
pub fn unended(books: &Books) -> Vec<Uuid> {
    let moving = |order: &Order| !has_settled(order) && order.compensation != "stuck";
    books.orders.iter().filter(|(_, order)| moving(order)).map(|(id, _)| *id).collect()
}

/// Dead and made good; or alive, with a carrier, and nobody waiting for an answer. An order that is only
/// confirmed may yet find no carrier.
fn has_settled(order: &Order) -> bool {
    order.is_made_good() || (order.lives() && order.is_tracked && order.cancel != "requested")
}

#[cfg(test)]
mod tests {
    use super::{
        super::samples::{DEAD, LIVING, assert_complains, books},
        *,
    };

    fn claims() -> BTreeMap<Uuid, Claim> {
        let claim = Claim { total_minor: 2_499, is_accepted: true };
        BTreeMap::from([(LIVING, claim), (DEAD, claim)])
    }

    #[test]
    fn an_accepted_order_that_is_gone_another_total_and_an_order_of_nobody_are_told() {
        let oracle = |books: &Books| accepted(&claims(), books);
        assert_complains(oracle, |b| drop(b.orders.remove(&DEAD)), "does not exist");
        assert_complains(oracle, |b| b.orders.get_mut(&DEAD).unwrap().total_minor = 1, "costs 1");
        assert_complains(
            oracle,
            |b| drop(b.orders.insert(Uuid::max(), b.orders[&DEAD].clone())),
            "nobody placed",
        );
    }

    #[test]
    fn what_was_never_accepted_may_be_missing() {
        let mut claims = claims();
        claims.insert(Uuid::max(), Claim { total_minor: 1, is_accepted: false });
        assert_eq!(accepted(&claims, &books()), Vec::<String>::new());
    }

    #[test]
    fn sagas_that_have_not_ended_are_told() {
        let set =
            |id: Uuid, change: fn(&mut Order)| move |b: &mut Books| change(b.orders.get_mut(&id).unwrap());
        assert_complains(ended, set(DEAD, |o| o.compensation = "pending".into()), "has not ended");
        assert_complains(ended, set(LIVING, |o| o.status = "payment_pending".into()), "has not ended");
        assert_complains(ended, set(LIVING, |o| o.is_tracked = false), "not booked");
        assert_complains(ended, set(LIVING, |o| o.cancel = "requested".into()), "cancel requested");
    }

    #[test]
    fn a_stuck_saga_must_name_what_is_missing_and_have_a_refused_refund() {
        let stuck = |missing: Option<&'static str>, refused: bool| {
            move |b: &mut Books| {
                let order = b.orders.get_mut(&DEAD).unwrap();
                order.compensation = "stuck".into();
                order.stuck_on = missing.map(str::to_owned);
                b.outside.charges.get_mut(&DEAD).unwrap().is_refund_refused = refused;
            }
        };
        assert_complains(ended, stuck(None, true), "does not name");
        assert_complains(ended, stuck(Some("payment.refunded"), false), "though no refund was refused");
        let mut well = books();
        stuck(Some("payment.refunded"), true)(&mut well);
        assert_eq!(ended(&well), Vec::<String>::new());
    }
}
