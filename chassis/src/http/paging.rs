//! Lists in pages: how many rows, where the next page begins, and how a client says so.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::Problem;

/// Largest page a list gives.
pub const PAGE_LIMIT_MAX: u32 = 200;

/// One page of a list.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Pass it as `cursor` to get the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// How many rows a page has: what was asked for, or the list's own default.
///
/// # Errors
/// 400 when it is not from 1 to [`PAGE_LIMIT_MAX`].
pub fn page_limit(asked: Option<u32>, default: u32) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(default);
    if (1..=PAGE_LIMIT_MAX).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::bad_query(format!("limit is from 1 to {PAGE_LIMIT_MAX}")))
    }
}

/// Of `limit + 1` rows that were read, those of the page, and the cursor of its last one when the one
/// too many tells that there is another page.
pub fn cut_page<R>(mut rows: Vec<R>, limit: u32, cursor: impl Fn(&R) -> String) -> (Vec<R>, Option<String>) {
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_cursor = if more { rows.last().map(cursor) } else { None };
    (rows, next_cursor)
}

/// Where a page of a list by time ends: time and id of its last row. Clients pass it back and need not
/// read it.
#[must_use]
pub fn time_cursor(at: DateTime<Utc>, id: Uuid) -> String {
    format!("{}-{}", at.timestamp_micros(), id.simple())
}

/// Reads what [`time_cursor`] wrote.
///
/// # Errors
/// 400 when it was not handed out.
pub fn read_time_cursor(cursor: &str) -> Result<(DateTime<Utc>, Uuid), Problem> {
    let read = || {
        let (micros, id) = cursor.split_once('-')?;
        let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
        // Whatever a service hands out lies in its own lifetime; Postgres ends at the year 294276.
        let plausible = (0..=4_102_444_800).contains(&at.timestamp());
        Some((at, Uuid::try_parse(id).ok()?)).filter(|_| plausible)
    };
    read().ok_or_else(|| Problem::bad_query("cursor is the next_cursor of the page before"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_that_was_not_handed_out_is_refused() {
        for bad in ["", "x", "1-", "-1-00000000000000000000000000000001", "99999999999999999999-x", "1-zz"] {
            assert_eq!(read_time_cursor(bad).unwrap_err().status().as_u16(), 400, "{bad}");
        }
        let (at, id) = read_time_cursor("1700000000000001-00000000000000000000000000000007").unwrap();
        assert_eq!((at.timestamp_micros(), id.as_u128()), (1_700_000_000_000_001, 7));
        assert_eq!(read_time_cursor(&time_cursor(at, id)).unwrap(), (at, id));
    }

    #[test]
    fn a_limit_out_of_range_is_refused_and_none_is_the_default() {
        assert_eq!(page_limit(None, 50).unwrap(), 50);
        for (asked, is_fine) in [(0, false), (1, true), (PAGE_LIMIT_MAX, true), (PAGE_LIMIT_MAX + 1, false)] {
            assert_eq!(page_limit(Some(asked), 50).is_ok(), is_fine, "{asked}");
        }
    }

    #[test]
    fn a_cursor_is_given_only_when_a_row_lies_behind_the_page() {
        let cut = |rows: &[u8]| cut_page(rows.to_vec(), 2, u8::to_string);
        assert_eq!(cut(&[]), (vec![], None));
        assert_eq!(cut(&[1, 2]), (vec![1, 2], None));
        assert_eq!(cut(&[1, 2, 3]), (vec![1, 2], Some("2".to_owned())));
    }
}
