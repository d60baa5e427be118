//! The seed systems' scripts, as they were written.

use serde_json::json;
use system_tests::{Options, Platform, eventually};
use uuid::Uuid;

use super::{Is, assert_amounts, assert_shape};

#[tokio::test]
async fn a_script_written_for_the_seed_system_runs_unchanged() {
    let platform = Platform::start(Options::default()).await;

    // A product, with a price as a float and a description.
    let product = json!({
        "name": "Gaming Laptop", "description": "High performance laptop", "price": 1299.9, "quantity": 10,
    });
    let created = platform.post("inventory", "/products", &product).await;
    assert_amounts(&created, "price", &["1299.90"]);
    let created = created.expect(201);
    let listed = platform.get("inventory", "/products").await;
    let listed = listed.as_array().unwrap().iter().find(|row| row["id"] == created["id"]).unwrap();
    assert_eq!((&listed["available_quantity"], &listed["reserved_quantity"]), (&json!(10), &json!(0)));

    // An order, with a card number and a float that is what a script's arithmetic leaves of a price.
    let order = json!({
        "customer_id": Uuid::new_v4(),
        "items": [{ "product_id": created["id"], "quantity": 2, "price": 1299.90 }],
        "shipping_address": {
            "street": "123 Main St", "city": "San Francisco", "state": "CA", "zip": "94102", "country": "US",
        },
        "payment_method": { "type": "credit_card", "card_number": "4111111111111111", "token": "tok_ok" },
    });
    let placed = platform.post("order", "/orders", &order).await;
    assert_amounts(&placed, "total_amount", &["2599.80"]);
    let placed = placed.expect(201);
    assert_eq!(placed["status"], "pending");
    let id: Uuid = placed["id"].as_str().unwrap().parse().unwrap();

    // Polls until confirmed, as the scripts do.
    let confirmed = platform.until_status(id, "confirmed").await;
    assert_eq!(confirmed["total_amount"], 2599.8);

    let reservation = platform.get("inventory", &format!("/reservations/{id}")).await;
    assert_eq!(reservation["order_id"], json!(id));
    let transaction = platform.get("payment", &format!("/transactions/{id}")).await;
    assert_eq!((&transaction["status"], &transaction["amount"]), (&json!("captured"), &json!(2599.8)));
    let shipment = eventually("the carrier has booked", async || {
        let answer = platform.ask("shipping", &format!("/shipments/{id}")).await;
        let booked = answer.status.is_success() && answer.json()["status"] == "scheduled";
        if booked { Ok(answer.json()) } else { Err(answer.text) }
    })
    .await;
    assert_shape(&shipment, &[("tracking_number", Is::Text), ("estimated_delivery", Is::Time)]);

    let logs = platform.get("order", &format!("/orders/{id}/saga-logs")).await;
    let steps: Vec<&str> =
        logs.as_array().unwrap().iter().map(|row| row["event_type"].as_str().unwrap()).collect();
    for step in ["order.placed", "inventory.reserved", "payment.processed"] {
        assert!(steps.contains(&step), "{step} in {steps:?}");
    }
    let stock = platform.get("inventory", &format!("/products/{}", created["id"].as_str().unwrap())).await;
    assert_eq!(stock["available_quantity"], 8);
    platform.assert_sound().await;
}
