//! The shop as its visitors see it: departments, best sellers, and what catches somebody's eye.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::catalogue::DemoProduct;
use super::customers::Customer;
use super::dice::{Dice, Zipf};

/// How a few best sellers outsell the rest; retail data lies between 0.7 and 1.1.
const POPULARITY_EXPONENT: f64 = 0.8;
/// How often a customer stays within their taste.
const TASTE_SHARE: f64 = 0.7;
/// Stock below which a product counts as a slow seller, so that a shop does not run dry of its best sellers first.
pub(super) const SLOW_SELLER_STOCK: i64 = 100;

/// What the generator must know of a product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueItem {
    /// The id to order.
    pub product_id: Uuid,
    /// The department; an empty one is a department too.
    pub category: String,
    /// Minor units of the shop's currency.
    pub price_minor: i64,
    /// Units in stock.
    pub stock: i64,
}

impl From<&DemoProduct> for CatalogueItem {
    fn from(product: &DemoProduct) -> Self {
        Self {
            product_id: product.id,
            category: product.category.clone(),
            price_minor: product.price_minor,
            stock: product.quantity,
        }
    }
}

/// The catalogue as customers see it: by department, best sellers first.
#[derive(Clone, Debug)]
pub(super) struct Shop {
    pub(super) items: Vec<CatalogueItem>,
    /// Position of each item among all prices, 0 the cheapest, 1 the dearest.
    price_levels: Vec<f64>,
    everything: Department,
    pub(super) departments: Vec<Department>,
}

#[derive(Clone, Debug)]
pub(super) struct Department {
    by_popularity: Vec<usize>,
    popularity: Zipf,
}

impl Department {
    fn new(by_popularity: Vec<usize>) -> Self {
        let popularity = Zipf::new(by_popularity.len(), POPULARITY_EXPONENT);
        Self { by_popularity, popularity }
    }

    fn draw(&self, dice: &mut Dice) -> usize {
        self.by_popularity[self.popularity.rank(dice)]
    }
}

impl Shop {
    pub(super) fn new(catalogue: &[CatalogueItem], dice: &mut Dice) -> Self {
        let mut ranked: Vec<usize> = (0..catalogue.len()).collect();
        dice.shuffle(&mut ranked);
        ranked.sort_by_key(|index| catalogue[*index].stock < SLOW_SELLER_STOCK);
        let mut departments: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for index in &ranked {
            departments.entry(&catalogue[*index].category).or_default().push(*index);
        }
        let mut by_price: Vec<usize> = (0..catalogue.len()).collect();
        by_price.sort_by_key(|index| catalogue[*index].price_minor);
        let mut price_levels = vec![0.0; catalogue.len()];
        for (place, index) in by_price.into_iter().enumerate() {
            price_levels[index] = place as f64 / catalogue.len() as f64;
        }
        Self {
            items: catalogue.to_vec(),
            price_levels,
            departments: departments.into_values().map(Department::new).collect(),
            everything: Department::new(ranked),
        }
    }

    /// Something the customer may like: of two things that caught the eye, the one nearer to what they usually pay.
    pub(super) fn browse(&self, customer: &Customer, dice: &mut Dice) -> usize {
        let department = if dice.chance(TASTE_SHARE) {
            let weights: Vec<f64> = customer.tastes.iter().map(|taste| taste.1).collect();
            &self.departments[customer.tastes[dice.weighted(&weights)].0]
        } else {
            &self.everything
        };
        let (one, other) = (department.draw(dice), department.draw(dice));
        let distance = |item: usize| (self.price_levels[item] - customer.price_level).abs();
        if distance(one) <= distance(other) { one } else { other }
    }
}
