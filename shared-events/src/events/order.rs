//! What the order service says.

use serde::{Deserialize, Serialize};

use crate::{Currency, CustomerId, Money, ProductId};

/// One line of an order as the customer saw it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Line {
    /// What.
    pub product_id: ProductId,
    /// How many, at least 1.
    pub quantity: u32,
    /// The price of one, in minor units of the order's currency, as the customer saw it. It only
    /// has to agree with the catalogue; inventory checks that.
    pub unit_price_minor: i64,
}

/// Where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Address {
    /// Street and number.
    pub street: String,
    /// City.
    pub city: String,
    /// State or region.
    pub state: String,
    /// Postal code.
    pub zip: String,
    /// ISO 3166 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// How it is to be paid. Card numbers never get here: the order API cuts them to brand and last
/// four digits before anything is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct PaymentMethod {
    /// `credit_card`, `paypal`, `bank_transfer`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// The gateway's own name for the instrument.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// Brand of the card, when a card number was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_brand: Option<String>,
    /// Last four digits, when a card number was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card_last_four: Option<String>,
}

/// What the shop tells about its customer; every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Customer {
    /// Full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// When the account was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// The device the order came from; every field may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Client {
    /// The shop's fingerprint of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Its browser.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// `order.placed`: an order exists. Version 1 had no `currency` (it was US dollars).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct OrderPlaced {
    /// Who.
    pub customer_id: CustomerId,
    /// What, 1 to 100 lines, each product once.
    pub items: Vec<Line>,
    /// Sum of the lines in minor units.
    pub total_minor: i64,
    /// Currency of all amounts.
    pub currency: Currency,
    /// Where to.
    pub shipping_address: Address,
    /// How it is paid.
    pub payment_method: PaymentMethod,
    /// About the customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
    /// About the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<Client>,
}

impl OrderPlaced {
    /// The order's total.
    #[must_use]
    pub fn total(&self) -> Money {
        Money::new(self.total_minor, self.currency)
    }
}

/// `inventory.reserve.requested`: please hold these lines, all or none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct InventoryReserveRequested {
    /// The lines with the prices the customer saw.
    pub items: Vec<Line>,
    /// Currency of the prices.
    pub currency: Currency,
}

/// `order.confirmed`: paid and held; carries what shipping needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct OrderConfirmed {
    /// Who.
    pub customer_id: CustomerId,
    /// What.
    pub items: Vec<Line>,
    /// What was captured, in minor units.
    pub total_minor: i64,
    /// Currency of all amounts.
    pub currency: Currency,
    /// Where to.
    pub shipping_address: Address,
}

/// Who asked for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum RequestedBy {
    /// The customer, through the shop.
    Customer,
    /// A person who runs the platform.
    Operator,
}

/// `order.cancel.requested`: someone wants out after confirmation; shipping answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct OrderCancelRequested {
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// Who.
    pub requested_by: RequestedBy,
}

/// `order.cancelled`: it will not happen, because someone asked for that.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct OrderCancelled {
    /// Why, in the words of whoever asked.
    pub reason: String,
    /// Who.
    pub requested_by: RequestedBy,
}

/// `order.failed`: it will not happen, because a step failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct OrderFailed {
    /// `inventory`, `payment`, `shipping` or `timeout`.
    pub failed_step: String,
    /// A stable word: `insufficient_stock`, `card_declined`, …
    pub code: String,
    /// A sentence for a person.
    pub reason: String,
}

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OrderOutcome {
    /// The customer has it.
    Delivered,
    /// A step failed and everything was made good.
    Failed,
    /// Someone asked for it and everything was made good.
    Cancelled,
}

/// `order.completed`: delivered; or failed or cancelled with every compensation accounted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct OrderCompleted {
    /// How.
    pub outcome: OrderOutcome,
}
