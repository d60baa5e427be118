//! The calls of two other seed systems, as thin adapters, so that their scripts run unchanged.
//!
//! One sends carts of item ids ([`carts`], [`status`]), the other sells one item an order
//! ([`single_items`]). Both share paths on one port, told apart by a trailing slash: `POST /orders/`
//! is the first one's, `GET /orders` the second one's; the other spelling is taken wherever it
//! cannot be confused. What both have in common:
//!
//! - Words that are no UUIDs become one, always the same ([`words`]); products are also found by
//!   name ([`items`]).
//! - Prices come from the catalogue. A sum that the customer names must agree with it.
//! - An address that is not given says so, and a payment method that is not given is a credit card
//!   without a token ([`place`]).
//! - The order service has the orders; here are only the words they were asked for in ([`store`]).

mod broker;
mod carts;
mod items;
mod place;
mod single_items;
mod status;
mod store;
mod words;

use axum::{
    extract::FromRef,
    routing::{get, post},
};
use chassis::{
    App,
    http::openapi::{OpenApiRouter, routes as documented},
};
use secrecy::SecretString;
use sqlx::PgPool;

use crate::{Gateway, upstream::Upstreams};

/// What the adapters work with.
#[derive(Clone, Debug)]
pub struct Seeds {
    upstreams: Upstreams,
    pool: PgPool,
    management_url: SecretString,
    amqp_url: SecretString,
}

impl Seeds {
    /// With these services, the gateway's database, the broker's management API, and the broker's
    /// address, whose path names the virtual host.
    #[must_use]
    pub const fn new(
        upstreams: Upstreams,
        pool: PgPool,
        management_url: SecretString,
        amqp_url: SecretString,
    ) -> Self {
        Self { upstreams, pool, management_url, amqp_url }
    }
}

impl FromRef<App<Gateway>> for Seeds {
    fn from_ref(app: &App<Gateway>) -> Self {
        let gateway = app.participant();
        Self::new(
            gateway.upstreams().clone(),
            app.pool().clone(),
            gateway.management_url().clone(),
            gateway.amqp_url().clone(),
        )
    }
}

/// The routes of the adapters.
pub fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Seeds: FromRef<S>,
{
    OpenApiRouter::default()
        .routes(documented!(carts::place))
        .routes(documented!(carts::show))
        .routes(documented!(status::metrics))
        .routes(documented!(status::status))
        .routes(documented!(single_items::place))
        .routes(documented!(single_items::stock))
        .routes(documented!(single_items::list))
        .route("/orders", post(carts::place))
        .route("/orders/", get(single_items::list))
        .route("/orders/{order_id}/", get(carts::show))
        .route("/orders/metrics/", get(status::metrics))
        .route("/orders/status", get(status::status))
        .route("/order/", post(single_items::place))
        .route("/inventory/", post(single_items::stock))
}
