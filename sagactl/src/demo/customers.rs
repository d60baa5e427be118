//! Customers: who they are, what they like, and what they bought before.

use chrono::{DateTime, Duration, Utc};

use super::dice::Dice;
use super::names::{FIRST_NAMES, LAST_NAMES, MAIL_DOMAINS, PLACES, STREETS, USER_AGENTS};

/// How many past purchases a customer remembers; older ones no longer come to mind for a repeat.
const MEMORY: usize = 20;

/// How many departments a customer has a taste for, at most.
const TASTES_MAX: i64 = 4;

/// Where the parcel goes, in the words of `POST /orders`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Street and number.
    pub street: String,
    /// Town.
    pub city: String,
    /// State, province or region.
    pub state: String,
    /// Postal code.
    pub zip: String,
    /// ISO 3166-1 alpha-2; `XX` makes the simulated carrier refuse.
    pub country: String,
}

/// What the shop knows of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// Full name.
    pub name: String,
    /// At a domain reserved for examples.
    pub email: String,
    /// In a range reserved for fiction.
    pub phone: String,
    /// When the account was opened.
    pub created_at: DateTime<Utc>,
}

/// What the order was placed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The same as long as the customer keeps the device.
    pub device_id: String,
    /// In the range reserved for benchmarks (RFC 2544).
    pub ip: String,
    /// Browser.
    pub user_agent: String,
}

/// One customer with habits.
#[derive(Clone, Debug)]
pub struct Customer {
    /// Such as `cust-000042`.
    pub id: String,
    /// Name, mail, telephone.
    pub contact: Contact,
    /// Where they live.
    pub address: Address,
    /// How they like to pay: the `type` of the payment method.
    pub payment_type: &'static str,
    /// Preferred departments (index into the shop's) with their weights.
    pub tastes: Vec<(usize, f64)>,
    /// 0 buys the cheapest of a department, 1 the dearest.
    pub price_level: f64,
    /// How often they come back, relative to others.
    pub loyalty: f64,
    devices: Vec<Client>,
    bought: Vec<usize>,
}

impl Customer {
    /// The customer of this number, whose account is opened at `now` or was some time before.
    pub fn new(number: usize, departments: usize, now: DateTime<Utc>, dice: &mut Dice) -> Self {
        let (first, last) = (*dice.pick(FIRST_NAMES), *dice.pick(LAST_NAMES));
        let weights: Vec<f64> = PLACES.iter().map(|place| place.weight).collect();
        let place = &PLACES[dice.weighted(&weights)];
        let email =
            format!("{}.{}{number}@{}", first.to_lowercase(), last.to_lowercase(), dice.pick(MAIL_DOMAINS));
        // A third open their account with this very order; the others had one, up to three years old.
        let age_minutes =
            if dice.chance(1.0 / 3.0) { dice.between(1, 30) } else { dice.between(60, 3 * 365 * 24 * 60) };
        Self {
            id: format!("cust-{number:06}"),
            contact: Contact {
                name: format!("{first} {last}"),
                email,
                phone: format!("{}{:02}", place.phone, dice.below(100)),
                created_at: now - Duration::minutes(age_minutes),
            },
            address: Address {
                street: format!("{} {}", dice.between(1, 240), dice.pick(STREETS)),
                city: place.city.to_owned(),
                state: place.state.to_owned(),
                zip: place.zip.to_owned(),
                country: place.country.to_owned(),
            },
            payment_type: ["credit_card", "debit_card"][dice.weighted(&[0.7, 0.3])],
            tastes: tastes(departments, dice),
            price_level: dice.unit(),
            // A few customers make most of the repeat business.
            loyalty: dice.exponential(1.0),
            devices: devices(number, dice),
            bought: Vec::new(),
        }
    }

    /// The device of today: mostly the first one.
    pub fn client(&self, dice: &mut Dice) -> Client {
        let index = if dice.chance(0.8) { 0 } else { dice.below(self.devices.len()) };
        self.devices[index].clone()
    }

    /// Something they bought before, if anything.
    pub fn favorite(&self, dice: &mut Dice) -> Option<usize> {
        (!self.bought.is_empty()).then(|| *dice.pick(&self.bought))
    }

    /// Remembers a purchase; what is bought twice is remembered twice, and so bought more often.
    pub fn remember(&mut self, item: usize) {
        if self.bought.len() == MEMORY {
            self.bought.remove(0);
        }
        self.bought.push(item);
    }
}

fn tastes(departments: usize, dice: &mut Dice) -> Vec<(usize, f64)> {
    let mut all: Vec<usize> = (0..departments).collect();
    dice.shuffle(&mut all);
    let count = (dice.between(2, TASTES_MAX) as usize).min(departments);
    all.into_iter()
        .take(count)
        .enumerate()
        .map(|(rank, department)| (department, 1.0 / (rank + 1) as f64))
        .collect()
}

fn devices(number: usize, dice: &mut Dice) -> Vec<Client> {
    let home = format!("198.18.{}.{}", dice.below(256), dice.between(1, 254));
    (0..dice.between(1, 3))
        .map(|index| Client {
            device_id: format!("dev-{number:06}-{index}"),
            // The first device stays at home, the others are carried about.
            ip: if index == 0 {
                home.clone()
            } else {
                format!("198.19.{}.{}", dice.below(256), dice.between(1, 254))
            },
            user_agent: (*dice.pick(USER_AGENTS)).to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_forgets_the_oldest_purchase() {
        let mut dice = Dice::new(5);
        let mut customer = Customer::new(1, 8, DateTime::UNIX_EPOCH, &mut dice);
        assert_eq!(customer.favorite(&mut dice), None);
        for item in 0..=MEMORY {
            customer.remember(item);
        }
        let seen: Vec<usize> = (0..500).filter_map(|_| customer.favorite(&mut dice)).collect();
        assert!(!seen.contains(&0) && seen.contains(&MEMORY));
    }

    #[test]
    fn nobody_can_be_reached() {
        let mut dice = Dice::new(6);
        for number in 0..300 {
            let customer = Customer::new(number, 8, DateTime::UNIX_EPOCH, &mut dice);
            assert!(customer.contact.email.contains("@example."));
            let ip = customer.client(&mut dice).ip;
            assert!(ip.starts_with("198.18.") || ip.starts_with("198.19."), "{ip}");
            assert_ne!(customer.address.country, "XX");
            assert!((1..=TASTES_MAX as usize).contains(&customer.tastes.len()));
        }
    }
}
