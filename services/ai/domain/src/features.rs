//! What one order tells about itself, reduced to what the scorecard and later orders look at.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared_events::{
    Currency, CustomerId,
    events::order::{Client, Customer, OrderPlaced, PaymentMethod},
};
use uuid::Uuid;

/// Name space of fingerprints. Never to be changed: a device seen before must be recognized.
const FINGERPRINTS: Uuid = Uuid::from_u128(0x3c1f_77a0_9d0e_4b6b_8a52_5f0c_2e94_d1b7);

/// Tokens of the simulated gateway name an outcome, and everybody pays with them: they identify no
/// instrument.
const SIMULATED_TOKENS: &[&str] = &[
    "tok_ok",
    "tok_declined",
    "tok_insufficient_funds",
    "tok_timeout",
    "tok_timeout_captured",
    "tok_error_twice",
    "tok_slow",
    "tok_refund_refused",
];

/// Words in the domain of an e-mail address that is meant to be thrown away.
const DISPOSABLE: &[&str] = &[
    "10minute",
    "discard",
    "disposable",
    "fakeinbox",
    "getnada",
    "guerrilla",
    "mailinator",
    "maildrop",
    "sharklasers",
    "tempmail",
    "temp-mail",
    "throwaway",
    "trashmail",
    "yopmail",
];

/// The order as the scorecard sees it, and as later orders remember it. It holds no address, name,
/// number or e-mail: what only has to be recognized is kept as a fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Features {
    /// Who orders; unknown only in a question about an order that is not placed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// When, on the order service's clock.
    pub placed_at: DateTime<Utc>,
    /// Sum, in minor units.
    pub total_minor: i64,
    /// Its currency.
    pub currency: Currency,
    /// Where it goes, ISO 3166 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// When the customer's account was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_opened: Option<DateTime<Utc>>,
    /// Whether the e-mail address is at a throw-away provider; `None` when there is no address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposable_mail: Option<bool>,
    /// Fingerprint of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Uuid>,
    /// Fingerprint of the internet address; a private or loopback address identifies nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<Uuid>,
    /// Fingerprint of the gateway's token: one instrument, whoever uses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Uuid>,
    /// Fingerprint of the token, else of the card's last four digits. The latter tell the cards of
    /// one customer apart; strangers share them by chance, so they link nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instrument: Option<Uuid>,
}

impl Features {
    /// Of an order that was placed at `placed_at`.
    #[must_use]
    pub fn of(order: &OrderPlaced, placed_at: DateTime<Utc>) -> Self {
        let mut features = Self::bare(order.total_minor, order.currency, placed_at);
        features.customer = Some(order.customer_id.clone());
        features.country.clone_from(&order.shipping_address.country);
        features.pays_with(&order.payment_method);
        if let Some(customer) = &order.customer {
            features.ordered_by(customer);
        }
        if let Some(client) = &order.client {
            features.ordered_from(client);
        }
        features
    }

    /// An amount at a time, and nothing else known.
    #[must_use]
    pub const fn bare(total_minor: i64, currency: Currency, placed_at: DateTime<Utc>) -> Self {
        Self {
            customer: None,
            placed_at,
            total_minor,
            currency,
            country: None,
            account_opened: None,
            disposable_mail: None,
            device: None,
            ip: None,
            token: None,
            instrument: None,
        }
    }

    /// Adds the instrument.
    pub fn pays_with(&mut self, method: &PaymentMethod) {
        let real = method.token.as_deref().filter(|token| !SIMULATED_TOKENS.contains(token));
        self.token = real.map(|token| fingerprint("token", token));
        let card = method.card_last_four.as_deref().map(|last_four| fingerprint("card", last_four));
        self.instrument = self.token.or(card);
    }

    /// Adds what the shop tells about its customer.
    pub fn ordered_by(&mut self, customer: &Customer) {
        self.account_opened = customer.created_at;
        self.disposable_mail = customer.email.as_deref().and_then(is_disposable);
    }

    /// Adds where the order came from.
    pub fn ordered_from(&mut self, client: &Client) {
        self.device = client.device_id.as_deref().map(|device| fingerprint("device", device));
        let ip = client.ip.as_deref().and_then(public_ip);
        self.ip = ip.map(|ip| fingerprint("ip", &ip.to_string()));
    }
}

/// A one-way name for something that only has to be recognized again: UUIDv5 of kind and text.
#[must_use]
pub fn fingerprint(kind: &str, text: &str) -> Uuid {
    Uuid::new_v5(&FINGERPRINTS, format!("{kind}:{text}").as_bytes())
}

/// `None` for what is no e-mail address.
fn is_disposable(email: &str) -> Option<bool> {
    let (local, domain) = email.rsplit_once('@')?;
    if local.is_empty() || !domain.contains('.') {
        return None;
    }
    let domain = domain.to_ascii_lowercase();
    Some(DISPOSABLE.iter().any(|word| domain.contains(word)))
}

/// The address, if it says where somebody is. One address has many spellings (`2001:DB8:0::7`), and an
/// IPv4 address may come as IPv6 (`::ffff:10.1.2.3`): it is judged, and recognized, in the one
/// canonical form.
fn public_ip(text: &str) -> Option<IpAddr> {
    let ip = text.trim().parse::<IpAddr>().ok()?.to_canonical();
    let elsewhere = match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => {
            ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified()
        }
    };
    (!elsewhere).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> DateTime<Utc> {
        "2026-11-20T10:00:00Z".parse().expect("a date")
    }

    fn paid(token: Option<&str>, last_four: Option<&str>) -> Features {
        let mut features = Features::bare(100, Currency::USD, at());
        features.pays_with(&PaymentMethod {
            kind: "credit_card".to_owned(),
            token: token.map(str::to_owned),
            card_brand: last_four.map(|_| "visa".to_owned()),
            card_last_four: last_four.map(str::to_owned),
        });
        features
    }

    #[test]
    fn a_token_links_customers_a_last_four_only_tells_cards_apart_and_a_test_token_does_neither() {
        let token = paid(Some("pm_1"), Some("4242"));
        assert_eq!((token.token, token.instrument), (Some(fingerprint("token", "pm_1")), token.token));
        let card = paid(Some("tok_declined"), Some("4242"));
        assert_eq!((card.token, card.instrument), (None, Some(fingerprint("card", "4242"))));
        assert_eq!(paid(Some("tok_ok"), None).instrument, None);
        assert_eq!(paid(None, None).instrument, None);
    }

    fn ordered_at(ip: &str) -> Option<Uuid> {
        let mut features = Features::bare(100, Currency::USD, at());
        features.ordered_from(&Client { ip: Some(ip.to_owned()), ..Client::default() });
        features.ip
    }

    #[test]
    fn private_addresses_and_nonsense_identify_nobody() {
        for (ip, public) in [
            ("203.0.113.7", true),
            (" 2001:db8::7 ", true),
            ("::ffff:203.0.113.7", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("192.168.0.9", false),
            ("::ffff:10.1.2.3", false),
            ("::ffff:127.0.0.1", false),
            ("::1", false),
            ("fd00::1", false),
            ("home", false),
            ("", false),
        ] {
            assert_eq!(ordered_at(ip).is_some(), public, "{ip}");
        }
    }

    #[test]
    fn an_address_is_recognized_however_it_is_spelled() {
        let canonical = Some(fingerprint("ip", "203.0.113.7"));
        for ip in ["203.0.113.7", " 203.0.113.7\n", "::ffff:203.0.113.7", "::FFFF:cb00:7107"] {
            assert_eq!(ordered_at(ip), canonical, "{ip}");
        }
        let canonical = Some(fingerprint("ip", "2001:db8::7"));
        for ip in ["2001:db8::7", "2001:DB8::7", "2001:0db8:0:0:0:0:0:7", "2001:db8:0::0.0.0.7"] {
            assert_eq!(ordered_at(ip), canonical, "{ip}");
        }
    }

    #[test]
    fn a_throw_away_address_is_known_by_its_domain() {
        for (email, disposable) in [
            ("ada@example.com", Some(false)),
            ("x@Mailinator.com", Some(true)),
            ("x@inbox.tempmail.net", Some(true)),
            ("mailinator@example.com", Some(false)),
            ("no address", None),
            ("@example.com", None),
            ("x@localhost", None),
        ] {
            assert_eq!(is_disposable(email), disposable, "{email}");
        }
    }

    #[test]
    fn what_is_remembered_names_nobody() {
        let example = shared_events::EventType::OrderPlaced.example();
        let envelope = shared_events::Envelope::decode(example.as_bytes()).expect("a golden file");
        let shared_events::Event::OrderPlaced(order) = &envelope.event else { panic!("another event") };
        let written = format!("{:?}", Features::of(order, envelope.timestamp));
        for secret in ["ada@", "Ada", "device-9", "203.0.113", "4242", "Harbor", "+1503"] {
            assert!(!written.contains(secret), "{secret} in {written}");
        }
    }
}
