//! Whether the shop behaves like one.

use std::collections::{HashMap, HashSet};

use super::*;
use crate::demo::catalogue::catalogue;
use crate::demo::shop::SLOW_SELLER_STOCK;

fn items() -> Vec<CatalogueItem> {
    catalogue().iter().map(CatalogueItem::from).collect()
}

fn baskets(seed: u64, count: usize) -> Vec<Basket> {
    BasketGenerator::new(seed, &items()).take(count).collect()
}

fn share(list: &[Basket], of: impl Fn(&Basket) -> bool) -> f64 {
    list.iter().filter(|basket| of(basket)).count() as f64 / list.len() as f64
}

#[test]
fn the_same_seed_gives_the_same_baskets_and_another_seed_others() {
    assert_eq!(baskets(7, 500), baskets(7, 500));
    assert_ne!(baskets(7, 50), baskets(8, 50));
}

#[test]
fn baskets_are_small_and_hold_no_product_twice() {
    let all = baskets(1, 20_000);
    let small = share(&all, |basket| basket.items.len() <= 4);
    assert!((0.88..0.95).contains(&small), "{small}");
    for basket in &all {
        let products: HashSet<Uuid> = basket.items.iter().map(|item| item.0).collect();
        assert_eq!(products.len(), basket.items.len());
        assert!((1..=LINES.len()).contains(&basket.items.len()));
        assert!(basket.items.iter().all(|item| (1..=6).contains(&item.1)));
    }
}

#[test]
fn every_line_quotes_the_catalogue() {
    let prices: HashMap<Uuid, i64> = items().iter().map(|item| (item.product_id, item.price_minor)).collect();
    for basket in baskets(2, 2_000) {
        for (product, _, price) in basket.items {
            assert_eq!(prices.get(&product), Some(&price));
        }
    }
}

#[test]
fn most_orders_come_from_returning_customers_who_buy_again() {
    let mut bought: HashMap<String, HashSet<Uuid>> = HashMap::new();
    let (mut returning, mut lines, mut repeats) = (0_u32, 0_u32, 0_u32);
    let all = baskets(3, 20_000);
    for basket in &all {
        let before = bought.entry(basket.customer_id.clone()).or_default();
        if !before.is_empty() {
            returning += 1;
            lines += basket.items.len() as u32;
            repeats += basket.items.iter().filter(|item| before.contains(&item.0)).count() as u32;
        }
        before.extend(basket.items.iter().map(|item| item.0));
    }
    let back = f64::from(returning) / all.len() as f64;
    assert!((0.57..0.63).contains(&back), "{back}");
    let again = f64::from(repeats) / f64::from(lines);
    assert!((0.25..0.6).contains(&again), "{again}");
}

#[test]
fn best_sellers_outsell_the_rest_and_scarce_products_are_slow_sellers() {
    let items = items();
    let mut sold: HashMap<Uuid, u32> = HashMap::new();
    for basket in baskets(4, 20_000) {
        for item in basket.items {
            *sold.entry(item.0).or_default() += 1;
        }
    }
    let mut counts: Vec<u32> = sold.values().copied().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let total: u32 = counts.iter().sum();
    let top_tenth: u32 = counts[..60].iter().sum();
    let concentration = f64::from(top_tenth) / f64::from(total);
    assert!((0.25..0.55).contains(&concentration), "{concentration}");
    let scarce: u32 = items
        .iter()
        .filter(|item| item.stock < SLOW_SELLER_STOCK)
        .filter_map(|item| sold.get(&item.product_id))
        .sum();
    let scarce = f64::from(scarce) / f64::from(total);
    assert!(scarce > 0.0 && scarce < 0.05, "{scarce}");
}

#[test]
fn a_customer_buys_within_their_taste() {
    let category: HashMap<Uuid, String> =
        items().into_iter().map(|item| (item.product_id, item.category)).collect();
    let mut by_customer: HashMap<String, HashMap<&str, u32>> = HashMap::new();
    let all = baskets(5, 20_000);
    for basket in &all {
        let counts = by_customer.entry(basket.customer_id.clone()).or_default();
        for item in &basket.items {
            *counts.entry(&category[&item.0]).or_default() += 1;
        }
    }
    // Of customers with twenty lines or more, four of the sixteen departments make up most of what they buy.
    let (mut in_taste, mut lines) = (0, 0);
    for counts in by_customer.values() {
        let mut counts: Vec<u32> = counts.values().copied().collect();
        counts.sort_unstable_by(|a, b| b.cmp(a));
        if counts.iter().sum::<u32>() >= 20 {
            lines += counts.iter().sum::<u32>();
            in_taste += counts.iter().take(4).sum::<u32>();
        }
    }
    assert!(lines > 1_000, "{lines}");
    let share = f64::from(in_taste) / f64::from(lines);
    assert!(share > 0.65, "{share}");
}

#[test]
fn outcomes_come_in_the_shares_of_the_mix() {
    let all = baskets(6, 40_000);
    let mix = OutcomeMix::default();
    let near = |seen: f64, wanted: f64| (seen - wanted).abs() < 0.004;
    let token = |name: &'static str| share(&all, |b| b.payment_method.token == name);
    assert!(near(token("tok_ok"), 0.92), "{}", token("tok_ok"));
    assert!(near(token("tok_declined"), mix.declined));
    assert!(near(token("tok_insufficient_funds"), mix.insufficient_funds));
    assert!(near(token("tok_timeout"), mix.timeout));
    assert!(near(token("tok_timeout_captured"), mix.timeout_captured));
    assert!(near(token("tok_error_twice"), mix.error_twice));
    assert!(near(token("tok_slow"), mix.slow));
    assert!(near(share(&all, |b| b.shipping_address.country == "XX"), mix.carrier_refused));
    assert!(near(share(&all, |b| b.cancel_after.is_some()), mix.cancelled));
}

#[test]
fn when_all_is_well_no_order_carries_a_failure() {
    let mut shop = BasketGenerator::new(9, &items()).with_mix(OutcomeMix::ALL_WELL);
    assert!(shop.by_ref().take(5_000).all(|b| {
        b.payment_method.token == "tok_ok" && b.shipping_address.country != "XX" && b.cancel_after.is_none()
    }));
}

#[test]
fn gaps_add_up_to_the_clock() {
    let all = baskets(10, 2_000);
    let opening = DateTime::UNIX_EPOCH + chrono::Duration::seconds(OPENING_SECONDS);
    let waited: f64 = all.iter().map(|basket| basket.gap_seconds).sum();
    let clock = (all[all.len() - 1].placed_at - opening).num_milliseconds() as f64 / 1_000.0;
    // Rounding to microseconds, once for each candidate.
    assert!((waited - clock).abs() < 1.0, "{waited} against {clock}");
}

#[test]
fn a_shop_with_one_product_sells_it() {
    let only = &items()[..1];
    for basket in BasketGenerator::new(12, only).take(200) {
        assert_eq!(basket.items.len(), 1);
        assert_eq!(basket.items[0].0, only[0].product_id);
    }
}
