//! The gateway's own books, read for the audit: what really happened to the money.

use std::collections::HashMap;

use reqwest::{Client, Url};
use serde::{Deserialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::gateway::{UnusableUrl, below};

/// Rows of one page; what the journal gives at most.
const PAGE_LIMIT: usize = 1_000;

/// Where the gateway's journal is read.
#[derive(Clone, Debug)]
pub struct Journal {
    client: Client,
    base: Url,
}

/// One order's money at the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct MoneyAtGateway {
    /// How many captures were ever made.
    pub captures: u32,
    /// What was captured, minor units.
    pub captured_minor: i64,
    /// What went back, minor units.
    pub refunded_minor: i64,
}

#[derive(Deserialize)]
struct MoneyRow {
    order_id: Option<Uuid>,
    #[serde(flatten)]
    money: MoneyAtGateway,
}

#[derive(Deserialize)]
struct MoneyPage {
    rows: Vec<MoneyRow>,
    next_cursor: Option<String>,
}

impl Journal {
    /// The journal at `base_url`.
    ///
    /// # Errors
    /// When the URL is unusable.
    pub fn new(client: Client, base_url: &str) -> Result<Self, UnusableUrl> {
        Ok(Self { client, base: below(base_url, &["journal"])? })
    }

    /// The money of every order the gateway knows.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn all(&self) -> reqwest::Result<HashMap<Uuid, MoneyAtGateway>> {
        let mut all = HashMap::new();
        let mut after: Option<String> = None;
        loop {
            let mut url = self.url(&["money"]);
            url.query_pairs_mut().append_pair("limit", &PAGE_LIMIT.to_string());
            if let Some(after) = &after {
                url.query_pairs_mut().append_pair("after", after);
            }
            let page: MoneyPage = self.get(url).await?;
            let ended = page.rows.is_empty();
            all.extend(page.rows.into_iter().filter_map(|row| Some((row.order_id?, row.money))));
            match page.next_cursor.filter(|_| !ended) {
                Some(cursor) => after = Some(cursor),
                None => return Ok(all),
            }
        }
    }

    /// The money of one order; zeros when the gateway never heard of it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn of(&self, order: Uuid) -> reqwest::Result<MoneyAtGateway> {
        self.get(self.url(&["orders", &order.to_string()])).await
    }

    fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("checked when it was made").extend(segments);
        url
    }

    async fn get<T: DeserializeOwned>(&self, url: Url) -> reqwest::Result<T> {
        self.client.get(url).send().await?.error_for_status()?.json().await
    }
}
