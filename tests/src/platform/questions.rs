//! The questions tests ask of a platform, and what they do to it.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::Platform;
use crate::{Answer, Product, eventually, order_body};

impl Platform {
    /// A connection to a service's database, as superuser.
    pub async fn database(&self, service: &str) -> PgConnection {
        let url = self.stack.get("POSTGRES_ADMIN_URL");
        let url = format!("{}/{}_{service}", url.rsplit_once('/').unwrap().0, self.name);
        PgConnection::connect(&url).await.unwrap()
    }

    /// Runs a statement in a service's database.
    pub async fn sql(&self, service: &str, statement: &str) {
        self.database(service).await.execute(AssertSqlSafe(statement)).await.unwrap();
    }

    /// A number from a service's database.
    pub async fn count(&self, service: &str, query: &str) -> i64 {
        let mut connection = self.database(service).await;
        sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut connection).await.unwrap()
    }

    /// GET that must succeed, as JSON.
    pub async fn get(&self, process: &str, path: &str) -> Value {
        self.http.get(&self.url(process, path)).await.unwrap().expect(200)
    }

    /// GET, whatever the answer.
    pub async fn ask(&self, process: &str, path: &str) -> Answer {
        self.http.get(&self.url(process, path)).await.unwrap()
    }

    /// POST, whatever the answer.
    pub async fn post(&self, process: &str, path: &str, body: &Value) -> Answer {
        self.http.post(&self.url(process, path), body).await.unwrap()
    }

    /// What a process counts of itself. Only analytics has it elsewhere: its `/metrics` is older.
    pub async fn prometheus(&self, process: &str) -> String {
        let path = if process.starts_with("analytics") { "/prometheus" } else { "/metrics" };
        self.ask(process, path).await.text
    }

    /// A new product with that many on hand, at 24.99.
    pub async fn product(&self, quantity: i64) -> Product {
        let name = format!("Test product {}", Uuid::new_v4());
        let body =
            json!({ "name": name, "description": "made for a test", "price": 24.99, "quantity": quantity });
        let created = self.post("inventory", "/products", &body).await.expect(201);
        Product { id: created["id"].as_str().unwrap().parse().unwrap(), price_minor: 2499 }
    }

    /// Places an order of one line and gives its id.
    pub async fn place(&self, product: Product, quantity: u32, token: &str) -> Uuid {
        self.place_body(&order_body(product, quantity, token)).await
    }

    /// Places an order and gives its id.
    pub async fn place_body(&self, body: &Value) -> Uuid {
        let placed = self.post("order", "/orders", body).await.expect(201);
        placed["id"].as_str().unwrap().parse().unwrap()
    }

    /// The order as its service shows it.
    pub async fn order(&self, order: Uuid) -> Value {
        self.get("order", &format!("/orders/{order}")).await
    }

    /// Waits for a status, and gives the order.
    pub async fn until_status(&self, order: Uuid, status: &str) -> Value {
        eventually(&format!("order {order} is {status}"), async || {
            let shown = self.order(order).await;
            if shown["status"] == status { Ok(shown) } else { Err(shown.to_string()) }
        })
        .await
    }

    /// Waits until a dead order has every compensation accounted for, and gives the order.
    pub async fn until_made_good(&self, order: Uuid, status: &str) -> Value {
        eventually(&format!("order {order} is {status} and made good"), async || {
            let shown = self.order(order).await;
            let good = shown["status"] == status && compensation(&shown) == "complete";
            if good { Ok(shown) } else { Err(shown.to_string()) }
        })
        .await
    }

    /// What the gateway and the carrier themselves say about an order.
    pub async fn journal(&self, order: Uuid) -> Value {
        self.get("simulators", &format!("/journal/orders/{order}")).await
    }

    /// What one service logged for an order.
    pub async fn saga_log(&self, service: &str, order: Uuid) -> Vec<Value> {
        self.get(service, &format!("/saga-logs/{order}")).await.as_array().unwrap().clone()
    }

    /// The ids of the events of that type that a service ever emitted for an order.
    pub async fn emitted(&self, service: &str, order: Uuid, event_type: &str) -> Vec<Uuid> {
        let mut connection = self.database(service).await;
        sqlx::query_scalar(
            "SELECT event_id FROM outbox WHERE aggregate_id = $1 AND event_type = $2 ORDER BY seq",
        )
        .bind(order)
        .bind(event_type)
        .fetch_all(&mut connection)
        .await
        .unwrap()
    }

    /// The body of the newest event of that type for an order.
    pub async fn event_body(&self, service: &str, order: Uuid, event_type: &str) -> String {
        let mut connection = self.database(service).await;
        let query =
            "SELECT body FROM outbox WHERE aggregate_id = $1 AND event_type = $2 ORDER BY seq DESC LIMIT 1";
        eventually(&format!("{service} says {event_type}"), async || {
            let found: Option<String> = sqlx::query_scalar(query)
                .bind(order)
                .bind(event_type)
                .fetch_optional(&mut connection)
                .await
                .unwrap();
            found.ok_or("not yet")
        })
        .await
    }

    /// On hand and reserved of a product.
    pub async fn stock(&self, product: Product) -> (i64, i64) {
        let shown = self.get("inventory", &format!("/products/{}", product.id)).await;
        let number = |key: &str| shown[key].as_i64().unwrap();
        (number("available_quantity") + number("reserved_quantity"), number("reserved_quantity"))
    }
}

/// `compensation` is a word, or an object with a `status`, depending on what there is to say.
fn compensation(order: &Value) -> &str {
    order["compensation"]["status"].as_str().or_else(|| order["compensation"].as_str()).unwrap_or("none")
}
