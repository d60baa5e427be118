//! The rules of the scorecard, as data: a figure, the points it brings, and the sentence about it.

use shared_events::Money;

use crate::{Features, History};

/// Below this total an unusual amount is small change, and no reason: 100.00.
const UNUSUAL_FROM_MINOR: i64 = 10_000;
/// Earlier orders it takes to say what is usual.
const USUAL_ORDERS_MIN: i64 = 3;

/// What the rules look at.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The order.
    pub features: &'a Features,
    /// What was before.
    pub history: &'a History,
}

/// How a figure becomes points. The limits of the steps ascend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steps {
    /// The points of the highest limit that the figure reaches.
    From(&'static [(i64, i64)]),
    /// The points of the lowest limit that the figure stays below.
    Below(&'static [(i64, i64)]),
}

impl Steps {
    /// The points of a figure; 0 when no step applies.
    #[must_use]
    pub fn points(self, figure: i64) -> i64 {
        let step = match self {
            Self::From(steps) => steps.iter().rev().find(|(limit, _)| figure >= *limit),
            Self::Below(steps) => steps.iter().find(|(limit, _)| figure < *limit),
        };
        step.map_or(0, |(_, points)| *points)
    }

    /// The limits and their points.
    #[must_use]
    pub const fn table(self) -> &'static [(i64, i64)] {
        match self {
            Self::From(steps) | Self::Below(steps) => steps,
        }
    }
}

/// One rule.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// A stable word; a flag on the API.
    pub code: &'static str,
    /// What its figure counts.
    pub about: &'static str,
    /// The points.
    pub steps: Steps,
    /// The figure; `None` when what it needs is not known.
    pub figure: fn(&Facts<'_>) -> Option<i64>,
    /// The reason, with the figure in it.
    pub sentence: fn(&Facts<'_>, i64) -> String,
}

/// All rules.
pub const RULES: &[Rule] = &[
    Rule {
        code: "failed_payments",
        about: "orders of this customer in 24 hours whose payment was declined",
        steps: Steps::From(&[(2, 8), (3, 16), (4, 26), (5, 34), (6, 40)]),
        figure: |facts| Some(facts.history.failed_in_a_day),
        sentence: |_, figure| format!("{figure} payments of this customer were declined within 24 hours."),
    },
    Rule {
        code: "many_instruments",
        about: "different payment instruments of this customer in 24 hours, this order's included",
        steps: Steps::From(&[(3, 10), (4, 18), (5, 25)]),
        figure: |facts| Some(facts.history.instruments_in_a_day),
        sentence: |_, figure| {
            format!("This customer used {figure} different payment instruments within 24 hours.")
        },
    },
    Rule {
        code: "shared_instrument",
        about: "other customers who paid with the same token in 7 days",
        steps: Steps::From(&[(1, 12), (2, 20), (3, 30)]),
        figure: |facts| facts.features.token.map(|_| facts.history.others_with_token),
        sentence: |_, figure| {
            format!("{} paid with the same instrument within 7 days.", counted(figure, "other customer"))
        },
    },
    Rule {
        code: "shared_device",
        about: "other customers who ordered from the same device in 7 days",
        steps: Steps::From(&[(1, 4), (2, 10), (3, 18), (5, 25)]),
        figure: |facts| facts.features.device.map(|_| facts.history.others_on_device),
        sentence: |_, figure| {
            format!("{} ordered from the same device within 7 days.", counted(figure, "other customer"))
        },
    },
    Rule {
        code: "large_amount",
        about: "total of the order, in minor units of its currency",
        steps: Steps::From(&[(50_000, 4), (100_000, 8), (250_000, 14), (500_000, 18)]),
        figure: |facts| Some(facts.features.total_minor),
        sentence: |facts, figure| format!("The total of {} is large.", money(facts, figure)),
    },
    Rule {
        code: "disposable_email",
        about: "1 when the e-mail address is at a throw-away provider",
        steps: Steps::From(&[(1, 15)]),
        figure: |facts| facts.features.disposable_mail.map(i64::from),
        sentence: |_, _| "The e-mail address is at 1 of the known throw-away providers.".to_owned(),
    },
    Rule {
        code: "shared_ip",
        about: "other customers who ordered from the same internet address in 7 days",
        steps: Steps::From(&[(3, 4), (6, 8), (10, 12)]),
        figure: |facts| facts.features.ip.map(|_| facts.history.others_at_ip),
        sentence: |_, figure| {
            format!(
                "{} ordered from the same internet address within 7 days.",
                counted(figure, "other customer")
            )
        },
    },
    Rule {
        code: "unusual_amount",
        about: "total in tenths of the customer's largest order in 30 days, from 3 earlier orders and 100.00 on",
        steps: Steps::From(&[(20, 6), (30, 12)]),
        figure: |facts| {
            let (total, history) = (facts.features.total_minor, facts.history);
            let known = history.comparable >= USUAL_ORDERS_MIN && history.largest_minor > 0;
            (known && total >= UNUSUAL_FROM_MINOR).then(|| total.saturating_mul(10) / history.largest_minor)
        },
        sentence: |facts, figure| {
            let (largest, mean) = (facts.history.largest_minor, facts.history.mean_minor);
            format!(
                "The total is {}.{} times this customer's largest of {} orders in 30 days, which was {} (mean {}).",
                figure / 10,
                figure % 10,
                facts.history.comparable,
                money(facts, largest),
                money(facts, mean)
            )
        },
    },
    Rule {
        code: "new_account",
        about: "full days since the account was opened",
        steps: Steps::Below(&[(1, 10), (7, 6), (30, 3)]),
        // An account that is opened only after its first order was opened with it.
        figure: |facts| {
            facts.features.account_opened.map(|opened| (facts.features.placed_at - opened).num_days().max(0))
        },
        sentence: |_, figure| match figure {
            0 => "The account is less than 1 day old.".to_owned(),
            days => format!("The account is {} old.", counted(days, "day")),
        },
    },
    Rule {
        code: "orders_in_an_hour",
        about: "orders of this customer in one hour, this one included",
        steps: Steps::From(&[(5, 4), (10, 8), (20, 10)]),
        figure: |facts| Some(facts.history.orders_in_an_hour + 1),
        sentence: |_, figure| format!("{figure} orders of this customer within one hour."),
    },
    Rule {
        code: "orders_in_a_day",
        about: "orders of this customer in 24 hours, this one included",
        steps: Steps::From(&[(10, 3), (30, 6)]),
        figure: |facts| Some(facts.history.orders_in_a_day + 1),
        sentence: |_, figure| format!("{figure} orders of this customer within 24 hours."),
    },
    Rule {
        code: "new_country",
        about: "1 when earlier orders of this customer went to other countries only",
        steps: Steps::From(&[(1, 6)]),
        figure: |facts| Some(i64::from(facts.history.new_country)),
        sentence: |facts, _| {
            let country = facts.features.country.as_deref().unwrap_or("?");
            format!(
                "None of this customer's {} earlier orders in 30 days went to {country}.",
                facts.history.orders
            )
        },
    },
    Rule {
        code: "missing_facts",
        about: "how many of account age, e-mail, device and internet address are not known",
        steps: Steps::From(&[(1, 1), (2, 3), (3, 4), (4, 6)]),
        figure: |facts| Some(i64::try_from(missing(facts.features).len()).unwrap_or(i64::MAX)),
        sentence: |facts, figure| {
            format!("{figure} of 4 facts are missing: {}.", missing(facts.features).join(", "))
        },
    },
    Rule {
        code: "no_confirmed_order",
        about: "confirmed orders of this customer in 30 days",
        steps: Steps::Below(&[(1, 4)]),
        figure: |facts| Some(facts.history.confirmed),
        sentence: |_, _| "0 orders of this customer were confirmed in the last 30 days.".to_owned(),
    },
    Rule {
        code: "good_orders",
        about: "confirmed orders of this customer in 30 days, delivered ones counted twice; they speak for the order",
        steps: Steps::From(&[(1, -3), (2, -6), (3, -9), (4, -12), (6, -16), (8, -20)]),
        figure: |facts| Some(facts.history.confirmed + facts.history.delivered),
        sentence: |facts, _| {
            let (confirmed, delivered) = (facts.history.confirmed, facts.history.delivered);
            format!(
                "{} of this customer {} confirmed in the last 30 days, {delivered} of them delivered.",
                counted(confirmed, "order"),
                if confirmed == 1 { "was" } else { "were" }
            )
        },
    },
];

fn missing(features: &Features) -> Vec<&'static str> {
    [
        ("account age", features.account_opened.is_none()),
        ("e-mail", features.disposable_mail.is_none()),
        ("device", features.device.is_none()),
        ("internet address", features.ip.is_none()),
    ]
    .into_iter()
    .filter_map(|(what, missing)| missing.then_some(what))
    .collect()
}

fn money(facts: &Facts<'_>, minor: i64) -> String {
    let currency = facts.features.currency;
    format!("{} {currency}", Money::new(minor, currency))
}

fn counted(count: i64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
