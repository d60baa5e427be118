//! The demonstration catalogue: six hundred believable products, the same on every machine.

use std::collections::HashSet;

use uuid::Uuid;

use super::dice::Dice;
use super::shelves::{Kind, Shelf, shelves};

/// The namespace of our products' ids; a product's id is the UUIDv5 of its stock-keeping unit in it.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6f0d_2c9e_51b7_4d3a_8c46_1e7a_94b2_d058);

/// How many products there are: enough for several pages, a search and a long tail.
pub const PRODUCTS: usize = 600;

/// Every how many products one is nearly sold out; a number prime to the shelves, so that each has some.
const SCARCE_EVERY: usize = 17;

/// One product as the demonstration shop sells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoProduct {
    /// UUIDv5 of the stock-keeping unit in [`NAMESPACE`].
    pub id: Uuid,
    /// Shelf and running number, such as `BAG-0001`.
    pub sku: String,
    /// Unique in the catalogue.
    pub name: String,
    /// One or two sentences.
    pub description: String,
    /// The shelf it stands on.
    pub category: String,
    /// Minor units of USD.
    pub price_minor: i64,
    /// Units in stock on the first day.
    pub quantity: i64,
}

/// The catalogue, shelf by shelf. The first product is the Canvas Tote that the walks of the README order.
#[must_use]
pub fn catalogue() -> Vec<DemoProduct> {
    let count = shelves().count();
    let mut products = Vec::with_capacity(PRODUCTS);
    for (index, shelf) in shelves().enumerate() {
        // The first shelves take the remainder, so that the sum is exact.
        let share = PRODUCTS / count + usize::from(index < PRODUCTS % count);
        stock_shelf(shelf, share, &mut products);
    }
    for (index, product) in products.iter_mut().enumerate() {
        product.quantity = opening_stock(index, &product.sku);
    }
    products
}

fn canvas_tote() -> (String, String, i64) {
    let description = "A sturdy everyday bag with long handles and an inside pocket. \
                       Folds flat when you do not need it.";
    ("Canvas Tote".to_owned(), description.to_owned(), 2499)
}

fn stock_shelf(shelf: &Shelf, share: usize, products: &mut Vec<DemoProduct>) {
    let mut lines = Vec::with_capacity(share);
    if products.is_empty() {
        lines.push(canvas_tote());
    }
    lines.extend(variants(shelf).into_iter().take(share - lines.len()));
    for (number, (name, description, price_minor)) in lines.into_iter().enumerate() {
        let sku = format!("{}-{:04}", shelf.code, number + 1);
        products.push(DemoProduct {
            id: Uuid::new_v5(&NAMESPACE, sku.as_bytes()),
            sku,
            name,
            description,
            category: shelf.category.to_owned(),
            price_minor,
            quantity: 0,
        });
    }
}

/// Every variant of the shelf's kinds, interleaved so that a prefix of the list shows all of them.
fn variants(shelf: &Shelf) -> Vec<(String, String, i64)> {
    let mut piles: Vec<Vec<(String, String, i64)>> =
        shelf.kinds.iter().map(|kind| variants_of(shelf, kind)).collect();
    let mut mixed = Vec::new();
    let mut seen = HashSet::new();
    while piles.iter().any(|pile| !pile.is_empty()) {
        for pile in &mut piles {
            if let Some(variant) = pile.pop()
                && seen.insert(variant.0.clone())
            {
                mixed.push(variant);
            }
        }
    }
    mixed
}

fn variants_of(shelf: &Shelf, kind: &Kind) -> Vec<(String, String, i64)> {
    let mut pile = Vec::new();
    for style in kind.styles {
        for (step, option) in kind.options.iter().enumerate() {
            let name = format!("{style} {}, {option}", kind.noun);
            let promise = Dice::of(&format!("{style} {}", kind.noun)).pick(shelf.promises);
            let description = format!("{} {promise}", kind.blurb);
            pile.push((name, description, price(kind, style, step)));
        }
    }
    // The piles are popped from their end; a shuffle keeps one style from filling the shelf.
    Dice::of(kind.noun).shuffle(&mut pile);
    pile
}

/// A style has one price point in its kind's range; a larger size costs more, another color does not.
fn price(kind: &Kind, style: &str, step: usize) -> i64 {
    let (low, high) = kind.price_minor;
    let style_share = Dice::of(&format!("{} {style}", kind.noun)).between(0, 40);
    let size_share = if kind.sized { step as i64 * 60 / (kind.options.len() as i64 - 1) } else { 30 };
    let minor = low + (high - low) * (style_share + size_share) / 100;
    // A shop's price ends just below a round sum.
    let ending = if minor >= 2_000 { 100 } else { 50 };
    (minor + ending / 2) / ending * ending - 1
}

fn opening_stock(index: usize, sku: &str) -> i64 {
    let mut dice = Dice::of(sku);
    if index == 0 {
        10_000
    } else if index % SCARCE_EVERY == SCARCE_EVERY - 1 {
        dice.between(3, 12)
    } else {
        dice.between(40, 180) * 50
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn there_are_six_hundred_products_in_a_dozen_categories_or_more() {
        let products = catalogue();
        assert_eq!(products.len(), PRODUCTS);
        let mut shelves: BTreeMap<&str, usize> = BTreeMap::new();
        for product in &products {
            *shelves.entry(&product.category).or_default() += 1;
        }
        assert!(shelves.len() >= 12, "{shelves:?}");
        assert!(shelves.values().all(|n| (30..=45).contains(n)), "{shelves:?}");
    }

    #[test]
    fn the_first_product_is_the_canvas_tote() {
        let first = &catalogue()[0];
        assert_eq!((first.name.as_str(), first.price_minor, first.quantity), ("Canvas Tote", 2_499, 10_000));
    }

    #[test]
    fn names_ids_and_stock_keeping_units_are_unique() {
        let products = catalogue();
        let names: HashSet<&str> = products.iter().map(|p| p.name.as_str()).collect();
        let ids: HashSet<Uuid> = products.iter().map(|p| p.id).collect();
        let skus: HashSet<&str> = products.iter().map(|p| p.sku.as_str()).collect();
        assert_eq!((names.len(), ids.len(), skus.len()), (PRODUCTS, PRODUCTS, PRODUCTS));
    }

    #[test]
    fn the_catalogue_never_changes() {
        // Orders quote ids and prices of earlier runs: a change here is a migration, so it must be a decision.
        assert_eq!(catalogue(), catalogue());
        let all: String = catalogue()
            .iter()
            .map(|p| format!("{} {} {} {}\n", p.id, p.name, p.price_minor, p.quantity))
            .collect();
        assert_eq!(Dice::of(&all).bits(), FINGERPRINT);
    }

    /// Taken from the first published catalogue.
    const FINGERPRINT: u64 = 9_412_912_256_674_840_230;

    #[test]
    fn every_product_is_presentable() {
        for product in catalogue() {
            assert!((250..=25_000).contains(&product.price_minor), "{product:?}");
            assert!(product.name.len() <= 60, "{product:?}");
            let sentences = product.description.matches(". ").count() + 1;
            assert!((1..=3).contains(&sentences), "{product:?}");
            assert!(product.description.ends_with('.'), "{product:?}");
        }
    }

    #[test]
    fn most_stock_is_ample_and_a_few_dozen_products_are_scarce() {
        let products = catalogue();
        let scarce = products.iter().filter(|p| p.quantity <= 12).count();
        assert!((24..=48).contains(&scarce), "{scarce}");
        assert!(products.iter().all(|p| p.quantity > 0));
        let ample = products.iter().filter(|p| p.quantity >= 2_000).count();
        assert_eq!(ample + scarce, PRODUCTS);
    }

    #[test]
    fn colors_of_one_article_cost_the_same_and_larger_sizes_cost_more() {
        let all = catalogue();
        let price_of = |name: &str| all.iter().find(|p| p.name == name).map(|p| p.price_minor);
        let socks: HashSet<i64> =
            all.iter().filter(|p| p.name.starts_with("Merino Crew Socks, ")).map(|p| p.price_minor).collect();
        assert_eq!(socks.len(), 1);
        assert!(price_of("Insulated Water Bottle, 0.5 l") < price_of("Insulated Water Bottle, 1 l"));
    }
}
