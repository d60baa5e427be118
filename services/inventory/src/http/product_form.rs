//! What a shop may say about a product, and its limits.

use chassis::http::Amount;
use serde::{Deserialize, Deserializer};
use sha2::{Digest as _, Sha256};
use shared_events::{Currency, ProductId};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    catalogue::ON_HAND_MAX,
    store::products::{Description, NewProduct},
};

/// Characters of a name: what fits on a label and in a list.
const NAME_CHARS_MAX: usize = 200;
/// Characters of a description: a few paragraphs; 500 of them fit into one batch body.
const DESCRIPTION_CHARS_MAX: usize = 2_000;
/// Characters of a category or a stock number.
const WORD_CHARS_MAX: usize = 64;
/// A million of any currency, in minor units: an order of a hundred lines of 10,000 of them still
/// fits into 64 bits.
const PRICE_MINOR_MAX: i64 = 100_000_000;

/// A bad field: its JSON Pointer, and what is wrong.
pub(super) type FieldError = (String, String);

/// A product to be sold.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = NewProduct)]
pub(super) struct NewProductForm {
    /// An id of the shop's choice; the same request with it again changes nothing.
    #[schema(value_type = Option<Uuid>)]
    id: Option<ProductId>,
    #[schema(example = "Canvas Tote", min_length = 1, max_length = 200)]
    name: String,
    #[schema(example = "A sturdy everyday bag.", max_length = 2_000)]
    description: Option<String>,
    /// From 0.00 to 1,000,000.00.
    price: Amount,
    /// On hand on the first day.
    #[schema(example = 100, minimum = 0, maximum = 1_000_000_000)]
    quantity: i64,
    /// ISO 4217; US dollars when absent.
    #[schema(value_type = Option<String>, example = "USD", pattern = "^[A-Z]{3}$")]
    currency: Option<Currency>,
    #[schema(example = "Bags & Luggage", min_length = 1, max_length = 64)]
    category: Option<String>,
    /// Stock-keeping unit.
    #[schema(example = "BAG-9001", min_length = 1, max_length = 64)]
    sku: Option<String>,
}

impl NewProductForm {
    /// What is wrong with it; `at` is the pointer of the form itself, empty for a whole body.
    pub(super) fn problems(&self, at: &str) -> Vec<FieldError> {
        let mut problems = described(
            at,
            Some(&self.name),
            self.description.as_deref(),
            Some(self.price),
            self.category.as_deref(),
            self.sku.as_deref(),
        );
        if !(0..=ON_HAND_MAX).contains(&self.quantity) {
            problems.push((format!("{at}/quantity"), format!("must be from 0 to {ON_HAND_MAX}")));
        }
        problems
    }

    /// The product; a form without an id gets a new one.
    pub(super) fn into_product(self) -> NewProduct {
        let what = Description {
            sku: self.sku,
            name: self.name,
            description: self.description.unwrap_or_default(),
            category: self.category,
            price_minor: self.price.0,
            currency: self.currency.unwrap_or(Currency::USD),
        };
        NewProduct {
            id: self.id.unwrap_or_else(|| ProductId(Uuid::now_v7())),
            created_from: digest(&what, self.quantity),
            what,
            quantity: self.quantity,
        }
    }

    pub(super) fn id(&self) -> Option<ProductId> {
        self.id
    }
}

/// What to change of a product: what is absent stays; null empties a category or stock number.
/// Other fields are refused, because a quantity silently ignored would be believed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = ProductPatch)]
#[serde(deny_unknown_fields)]
pub(super) struct PatchForm {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    #[schema(max_length = 2_000)]
    description: Option<String>,
    price: Option<Amount>,
    #[schema(value_type = Option<String>, example = "USD", pattern = "^[A-Z]{3}$")]
    currency: Option<Currency>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    #[serde(default, deserialize_with = "present")]
    category: Option<Option<String>>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    #[serde(default, deserialize_with = "present")]
    sku: Option<Option<String>>,
}

impl PatchForm {
    pub(super) fn problems(&self) -> Vec<FieldError> {
        described(
            "",
            self.name.as_deref(),
            self.description.as_deref(),
            self.price,
            self.category.as_ref().and_then(Option::as_deref),
            self.sku.as_ref().and_then(Option::as_deref),
        )
    }

    pub(super) fn apply(self, to: Description) -> Description {
        Description {
            sku: self.sku.unwrap_or(to.sku),
            name: self.name.unwrap_or(to.name),
            description: self.description.unwrap_or(to.description),
            category: self.category.unwrap_or(to.category),
            price_minor: self.price.map_or(to.price_minor, |price| price.0),
            currency: self.currency.unwrap_or(to.currency),
        }
    }
}

/// Tells `null` from absence: absent fields never get here.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn described(
    at: &str,
    name: Option<&str>,
    description: Option<&str>,
    price: Option<Amount>,
    category: Option<&str>,
    sku: Option<&str>,
) -> Vec<FieldError> {
    let mut problems = Vec::new();
    for (field, text, max) in
        [("name", name, NAME_CHARS_MAX), ("category", category, WORD_CHARS_MAX), ("sku", sku, WORD_CHARS_MAX)]
    {
        if text.is_some_and(|text| !is_line(text, max)) {
            let rule = format!("must have 1 to {max} characters on one line, not all of them blank");
            problems.push((format!("{at}/{field}"), rule));
        }
    }
    if description.is_some_and(|text| text.chars().count() > DESCRIPTION_CHARS_MAX || text.contains('\0')) {
        let rule = format!("must have at most {DESCRIPTION_CHARS_MAX} characters");
        problems.push((format!("{at}/description"), rule));
    }
    if price.is_some_and(|price| !(0..=PRICE_MINOR_MAX).contains(&price.0)) {
        let rule = format!("must be from 0.00 to {}.00", PRICE_MINOR_MAX / 100);
        problems.push((format!("{at}/price"), rule));
    }
    problems
}

/// One line of text that says something. (Postgres stores no NUL, which is a control character.)
pub(super) fn is_line(text: &str, chars_max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= chars_max && !text.chars().any(char::is_control)
}

/// Recognizes the same request again, whatever became of the product since.
fn digest(what: &Description, quantity: i64) -> Vec<u8> {
    let fields = serde_json::json!([
        what.sku,
        what.name,
        what.description,
        what.category,
        what.price_minor,
        what.currency.as_str(),
        quantity
    ]);
    Sha256::digest(fields.to_string()).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(change: impl Fn(&mut serde_json::Value)) -> NewProductForm {
        let mut body = serde_json::json!({"name": "Canvas Tote", "quantity": 150, "price": 0});
        change(&mut body);
        serde_json::from_str(&body.to_string()).unwrap()
    }

    #[test]
    fn the_seeds_body_is_enough() {
        let body = r#"{"name": "Laptop", "description": "Fast", "price": 999.99, "quantity": 10}"#;
        let form: NewProductForm = serde_json::from_str(body).unwrap();
        assert!(form.problems("").is_empty());
        let product = form.into_product();
        assert_eq!((product.what.price_minor, product.quantity), (99_999, 10));
        assert_eq!(product.what.currency, Currency::USD);
    }

    #[test]
    fn each_bad_field_is_named() {
        let long = "x".repeat(2_001);
        let cases: [(&str, serde_json::Value); 14] = [
            ("name", "".into()),
            ("name", "  ".into()),
            ("name", "two\nlines".into()),
            ("name", long.as_str().into()),
            ("description", long.as_str().into()),
            ("description", "\0".into()),
            ("category", "".into()),
            ("sku", long.as_str().into()),
            ("price", (-1).into()),
            ("price", 1_000_001.into()),
            ("quantity", (-1).into()),
            ("quantity", 1_000_000_001.into()),
            ("quantity", i64::MIN.into()),
            ("quantity", i64::MAX.into()),
        ];
        for (field, value) in cases {
            let problems = form(|body| body[field] = value.clone()).problems("/products/3");
            assert_eq!(problems.len(), 1, "{field} = {value}");
            assert_eq!(problems[0].0, format!("/products/3/{field}"));
        }
        let limits = form(|body| {
            body["name"] = "x".repeat(200).into();
            body["price"] = 1_000_000.into();
            body["quantity"] = 1_000_000_000.into();
        });
        assert!(limits.problems("").is_empty());
    }

    #[test]
    fn the_same_request_is_recognized_and_another_is_not() {
        let made = |change: fn(&mut serde_json::Value)| form(change).into_product().created_from;
        assert_eq!(made(|_| {}), made(|body| body["currency"] = "USD".into()));
        assert_ne!(made(|_| {}), made(|body| body["quantity"] = 151.into()));
        assert_ne!(made(|_| {}), made(|body| body["sku"] = "A-1".into()));
        assert_ne!(made(|body| body["sku"] = "A".into()), made(|body| body["category"] = "A".into()));
    }

    #[test]
    fn a_patch_changes_what_it_names_and_null_empties() {
        let before = form(|body| {
            body["sku"] = "A-1".into();
            body["category"] = "bags".into();
        })
        .into_product()
        .what;
        let patched = |body: &str| serde_json::from_str::<PatchForm>(body).unwrap().apply(before.clone());
        assert_eq!(patched("{}"), before);
        assert_eq!(patched(r#"{"price": 19.5}"#), Description { price_minor: 1950, ..before.clone() });
        assert_eq!(
            patched(r#"{"sku": null, "category": "totes"}"#),
            Description { sku: None, category: Some("totes".to_owned()), ..before.clone() }
        );
    }

    #[test]
    fn a_patch_of_something_else_is_refused() {
        for body in [r#"{"quantity": 5}"#, r#"{"reserved": 0}"#] {
            assert!(serde_json::from_str::<PatchForm>(body).is_err(), "{body}");
        }
        assert_eq!(serde_json::from_str::<PatchForm>(r#"{"name": ""}"#).unwrap().problems().len(), 1);
    }
}
