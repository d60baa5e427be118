//! Orders placed to show how the saga behaves: one that succeeds (`sagactl test-order`), and six that do not
//! (`sagactl test-failure`), each checked against the services' own records and the gateway's journal.

mod checks;
mod order;
mod table;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use shared_events::{Currency, Envelope, EventType};
use uuid::Uuid;

use crate::client::{NewProduct, Placing, Platform};
use crate::console::{Palette, counted};
use crate::endpoints::BrokerArgs;
use crate::follow::{Listening, Story, follow};
use crate::products::decimal;
use crate::timeline::{Headline, headline};

pub use checks::Check;
pub use table::{SCENARIOS, Scenario};

/// Where scenarios are played, and how they look.
pub struct Stage {
    platform: Platform,
    listening: Listening,
    palette: Palette,
}

/// An order as a scenario wants it.
struct Wanted<'a> {
    product_id: Uuid,
    product_name: &'a str,
    unit_price_minor: i64,
    quantity: u32,
    token: &'a str,
    country: &'a str,
}

impl Wanted<'_> {
    fn total_minor(&self) -> i64 {
        self.unit_price_minor * i64::from(self.quantity)
    }

    /// The body of `POST /orders`. The id is the caller's, so that no event of the order can be missed.
    fn body(&self, order_id: Uuid) -> Value {
        json!({
            "order_id": order_id,
            // A new customer each time: a row of declined payments of one customer would rightly look like fraud.
            "customer_id": format!("sagactl-{}", order_id.simple()),
            "currency": "USD",
            "items": [{
                "product_id": self.product_id,
                "quantity": self.quantity,
                "price": decimal(self.unit_price_minor),
            }],
            "shipping_address": {
                "street": "1 Pier Road", "city": "Portland", "state": "ME", "zip": "04101", "country": self.country,
            },
            "payment_method": { "type": "credit_card", "token": self.token },
            "customer": { "name": "Sam Miller", "email": "sam@example.com" },
        })
    }

    fn headline(&self, order_id: Uuid) -> Headline {
        let mut remarks = vec![self.token.to_owned()];
        if self.country != "US" {
            remarks.push(format!("to {}", self.country));
        }
        Headline {
            order_id,
            lines: vec![(self.quantity, self.product_name.to_owned())],
            total_minor: self.total_minor(),
            currency: Currency::USD,
            remarks,
        }
    }
}

impl Stage {
    /// Connects to the platform and starts listening, before any order is placed.
    pub async fn open(platform: Platform, broker: &BrokerArgs, palette: Palette) -> Result<Self> {
        let listening = Listening::to(broker, &[]).await?;
        Ok(Self { platform, listening, palette })
    }

    /// `sagactl test-order`: one order that succeeds, drawn as it happens. True when all checks hold.
    pub async fn test_order(&mut self) -> Result<bool> {
        order::play(self).await
    }

    /// `sagactl test-failure`: the scenarios one after the other. True when all checks of all of them hold.
    pub async fn test_failure(&mut self, only: Option<&str>) -> Result<bool> {
        let chosen: Vec<&Scenario> =
            SCENARIOS.iter().filter(|scenario| only.is_none_or(|name| scenario.name == name)).collect();
        if chosen.is_empty() {
            let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            bail!("no scenario has that name; there are {}", names.join(", "));
        }
        let mut held = 0;
        for scenario in &chosen {
            if table::play(self, scenario).await? {
                held += 1;
            }
            println!();
        }
        let well = held == chosen.len();
        println!(
            "{} {held} of {} went as the choreography says",
            self.palette.mark(well),
            counted(chosen.len() as u64, "scenario")
        );
        Ok(well)
    }

    /// A product nobody else orders, so that its figures are exact while other traffic runs.
    async fn new_product(&self, name: &str, price_minor: i64, quantity: i64) -> Result<Uuid> {
        let product = NewProduct {
            id: None,
            name: name.to_owned(),
            description: "Made for one run of sagactl, so that its stock can be counted.".to_owned(),
            price: decimal(price_minor),
            currency: Some("USD".to_owned()),
            quantity,
            category: None,
            sku: None,
        };
        let created = self.platform.create_product(&product).await;
        created.map(|product| product.id).context("creating a product for the scenario")
    }

    /// Places the order and follows it to its end.
    async fn play(
        &mut self,
        wanted: &Wanted<'_>,
        limit: Duration,
        is_end: impl Fn(&Story) -> bool,
        on_event: impl AsyncFnMut(&Envelope) -> Result<()>,
        order_id: Uuid,
    ) -> Result<Story> {
        println!("{}", headline(self.palette, &wanted.headline(order_id)));
        match self.platform.place(&wanted.body(order_id), &order_id.to_string()).await? {
            Placing::Accepted(_) => {}
            Placing::Refused(status, problem) => {
                bail!("the order service refused the order with {status}: {problem}")
            }
            Placing::Unknown(why) => {
                bail!("the order service did not take the order: {why}; is it up (make status)?")
            }
        }
        follow(&mut self.listening, order_id, limit, self.palette, is_end, on_event).await
    }

    /// Prints failed checks in full and says whether all held.
    fn print_checks(&self, checks: &[Check]) -> bool {
        for check in checks {
            println!("{}", check.line(self.palette));
        }
        checks.iter().all(|check| check.held)
    }
}

/// Asks for the cancellation once, when the event that the scenario waits for is heard.
async fn cancel_upon(
    platform: &Platform,
    trigger: Option<EventType>,
    asked: &mut bool,
    envelope: &Envelope,
) -> Result<()> {
    if trigger == Some(envelope.event_type()) && !*asked {
        *asked = true;
        if !platform.cancel(envelope.aggregate_id, "the customer changed their mind").await? {
            bail!("the order service refused the cancellation");
        }
    }
    Ok(())
}
