//! `GET /products/top`: what sells.

use axum::extract::State;
use chassis::{
    App,
    http::{Amount, Json, Problem, Query, page_limit},
};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{currency, window::bounded};
use crate::{
    Analytics,
    store::reports::{self, ProductRow, Rank},
};

/// Products of a list when the client does not say.
const LIMIT_DEFAULT: u32 = 10;
/// What is looked at when nobody says from when.
const SPAN: TimeDelta = TimeDelta::days(30);

/// What the products are ranked by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum RankedBy {
    #[default]
    Units,
    Revenue,
}

impl From<RankedBy> for Rank {
    fn from(by: RankedBy) -> Self {
        match by {
            RankedBy::Units => Self::Units,
            RankedBy::Revenue => Self::Revenue,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TopQuery {
    /// How many, 1 to 200; 10 by default.
    limit: Option<u32>,
    /// `units` or `revenue`; units by default.
    #[serde(default)]
    #[param(inline)]
    by: RankedBy,
    /// First moment of confirmation, RFC 3339; the last 30 days by default. At most 92 days.
    from: Option<DateTime<Utc>>,
    /// End, exclusive; now by default.
    to: Option<DateTime<Utc>>,
    /// ISO 4217: only orders in this currency; the platform's main currency by default.
    currency: Option<String>,
}

/// What sells.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TopProducts {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    /// Best first.
    items: Vec<TopProduct>,
}

/// What was sold of one product in orders that were confirmed, whatever became of them afterwards.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TopProduct {
    product_id: Uuid,
    units: i64,
    /// At the prices the customers paid.
    revenue: Amount,
    /// In how many orders.
    orders: i64,
}

impl From<ProductRow> for TopProduct {
    fn from(row: ProductRow) -> Self {
        let ProductRow { product_id, units, revenue_minor, orders } = row;
        Self { product_id, units, revenue: Amount(revenue_minor), orders }
    }
}

/// What sells best among the orders confirmed in a window of time.
#[utoipa::path(get, path = "/products/top", tag = "reports", params(TopQuery), responses((status = 200, body = TopProducts)))]
pub(super) async fn top(
    State(app): State<App<Analytics>>,
    Query(query): Query<TopQuery>,
) -> Result<Json<TopProducts>, Problem> {
    let limit = page_limit(query.limit, LIMIT_DEFAULT)?;
    let window = bounded(query.from, query.to, SPAN, Utc::now())?;
    let currency = currency(&app, query.currency.as_deref())?;
    let rows = reports::top_products(app.pool(), window, currency, query.by.into(), limit).await?;
    let items = rows.into_iter().map(TopProduct::from).collect();
    Ok(Json(TopProducts { from: window.from, to: window.to, items }))
}
