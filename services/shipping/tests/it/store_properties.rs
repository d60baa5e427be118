//! Random stories of shipments, folded and stored.

use chrono::{DateTime, TimeDelta, Utc};
use shared_events::{EventType, OrderId};
use shipping_domain::{Command, Consignment, Input, Policy, Reply, State};
use shipping_service::{Shipping, gateway::HttpCarrier};
use sqlx::PgPool;
use system_tests::store_property::{
    Happens, Subject, example, holds,
    proptest::{prelude::*, sample::select, strategy::BoxedStrategy},
};

struct Shipments(Shipping);

fn booked(days: i64, nanoseconds: u32) -> Consignment {
    // The carrier's times come as they are written, to the nanosecond if need be.
    let noon = DateTime::<Utc>::from_timestamp(1_795_000_000, nanoseconds).expect("a date");
    Consignment { tracking_number: format!("TRK-{days}"), estimated_delivery: noon + TimeDelta::days(days) }
}

fn refused() -> Reply {
    Reply::Refused { code: "address_unserviceable".to_owned(), reason: "No.".to_owned() }
}

fn replies() -> impl Strategy<Value = Reply> {
    let consignment = || (1..9_i64, 0..1_000_000_000_u32).prop_map(|(days, ns)| booked(days, ns));
    prop_oneof![
        4 => consignment().prop_map(Reply::Booked),
        2 => consignment().prop_map(Reply::Dispatched),
        2 => consignment().prop_map(Reply::Delivered),
        1 => Just(refused()),
        2 => Just(Reply::Cancelled),
        2 => Just(Reply::NeverHeardOf),
        2 => Just(Reply::NoAnswer { what: "timed out".to_owned() }),
    ]
}

impl Subject for Shipments {
    type Participant = Shipping;
    type Symbol = Happens<Input>;

    const STAGES: &'static [&'static str] =
        &["booking", "scheduled", "dispatched", "delivered", "cancelling", "cancelled", "failed"];

    fn symbols() -> BoxedStrategy<Happens<Input>> {
        let ends = [EventType::OrderCancelRequested, EventType::OrderCancelled, EventType::OrderFailed];
        prop_oneof![
            4 => Just(EventType::OrderConfirmed).prop_map(|heard| Happens::said(example(heard))),
            2 => select(ends.to_vec()).prop_map(|heard| Happens::said(example(heard))),
            6 => replies().prop_map(|reply| Happens::Outcome(Input::Reply(reply))),
            2 => select(&[Command::Dispatch, Command::Deliver][..])
                .prop_map(|command| Happens::Command(Input::Command(command))),
        ]
        .boxed()
    }

    fn ways() -> Vec<Vec<Happens<Input>>> {
        let said = |event_type| Happens::said(example(event_type));
        let reply = |reply| Happens::Outcome(Input::Reply(reply));
        let command = |command| Happens::Command(Input::Command(command));
        let confirmed = || said(EventType::OrderConfirmed);
        let is_booked = || reply(Reply::Booked(booked(3, 0)));
        vec![
            vec![confirmed(), is_booked(), command(Command::Dispatch), command(Command::Deliver)],
            vec![confirmed(), is_booked(), said(EventType::OrderCancelRequested), reply(Reply::Cancelled)],
            vec![confirmed(), said(EventType::OrderFailed), reply(Reply::NeverHeardOf)],
            vec![confirmed(), reply(refused())],
        ]
    }

    async fn begin(_pool: &PgPool) -> Self {
        // No effect is performed here, so nothing is ever asked of this carrier.
        let carrier = HttpCarrier::new("http://127.0.0.1:9", std::time::Duration::from_secs(1));
        Self(Shipping::new(Policy::default(), carrier.expect("a carrier's address")))
    }

    fn participant(&self) -> &Shipping {
        &self.0
    }

    fn world(&self) {}

    fn happens(&self, symbol: &Happens<Input>, _order: OrderId, _state: &State) -> Happens<Input> {
        symbol.clone()
    }

    fn stage(state: &State) -> &'static str {
        state.status.as_str()
    }
}

#[test]
fn shipments_are_stored_as_the_rule_leaves_them() {
    holds::<Shipments>();
}
