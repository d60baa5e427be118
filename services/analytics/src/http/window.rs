//! The window of time a report is about: `from` (inclusive) and `to` (exclusive).

use chassis::http::Problem;
use chrono::{DateTime, Datelike as _, SubsecRound as _, TimeDelta, Utc};

use crate::store::reports::Window;

/// The longest time a report may be about that reads every order in it: a quarter of a year is what a
/// query may take on.
const SPAN_MAX: TimeDelta = TimeDelta::days(92);

/// Like [`window`], for a report that reads every order of the window.
pub(super) fn bounded(
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    span: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Window, Problem> {
    let window = window(from, to, span, now)?;
    if window.to - window.from > SPAN_MAX {
        return Err(Problem::bad_query(format!(
            "from and to are at most {} days apart",
            SPAN_MAX.num_days()
        )));
    }
    Ok(window)
}

/// Which `from` and `to` mean together, when either may be missing: `to` is `now` by default, and
/// `from` lies `span` before it.
pub(super) fn window(
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    span: TimeDelta,
    now: DateTime<Utc>,
) -> Result<Window, Problem> {
    if [from, to].into_iter().flatten().any(|at| !(1970..=9999).contains(&at.year())) {
        return Err(Problem::bad_query("from and to lie between the years 1970 and 9999"));
    }
    // To the microsecond, as the database keeps time.
    let to = to.unwrap_or_else(|| now.trunc_subsecs(6));
    let from = from.unwrap_or(to - span);
    if from >= to {
        return Err(Problem::bad_query("from must lie before to"));
    }
    Ok(Window { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_not_said_is_the_time_until_now() {
        let (now, day) = (at("2026-11-20T12:00:00Z"), TimeDelta::days(1));
        let whole = window(None, None, day, now).unwrap();
        assert_eq!(whole, Window { from: at("2026-11-19T12:00:00Z"), to: now });
        let ended = window(None, Some(at("2026-11-01T00:00:00Z")), day, now).unwrap();
        assert_eq!(ended.from, at("2026-10-31T00:00:00Z"));
        assert_eq!(window(Some(at("2026-11-01T00:00:00Z")), None, day, now).unwrap().to, now);
    }

    #[test]
    fn a_quarter_of_a_year_is_given_and_no_more() {
        let (now, day) = (at("2026-11-20T12:00:00Z"), TimeDelta::days(1));
        assert!(bounded(None, None, day, now).is_ok());
        assert!(bounded(Some(now - SPAN_MAX), None, day, now).is_ok());
        for (from, to) in [
            (Some(now - SPAN_MAX - TimeDelta::microseconds(1)), None),
            (Some(at("1970-01-01T00:00:00Z")), Some(at("9999-12-31T00:00:00Z"))),
        ] {
            assert_eq!(bounded(from, to, day, now).unwrap_err().status().as_u16(), 400, "{from:?} {to:?}");
        }
    }

    #[test]
    fn a_window_that_holds_nothing_or_lies_beyond_all_clocks_is_refused() {
        let (now, day) = (at("2026-11-20T12:00:00Z"), TimeDelta::days(1));
        for (from, to) in [
            (Some(now), Some(now)),
            (Some(now), Some(now - day)),
            (Some(now + day), None),
            (Some(at("1969-12-31T23:59:59Z")), None),
            (None, Some(at("+10000-01-01T00:00:00Z"))),
        ] {
            assert_eq!(window(from, to, day, now).unwrap_err().status().as_u16(), 400, "{from:?} {to:?}");
        }
    }
}
