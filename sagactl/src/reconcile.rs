//! `sagactl reconcile`: which events were sent and not handled, as the gateway's reconciler found last.

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::client::Platform;
use crate::console::{Align, Palette, counted, grouped, table};

/// The gateway's report, as far as it is shown.
#[derive(Debug, Deserialize)]
struct Report {
    compared_at: Option<DateTime<Utc>>,
    took_millis: u64,
    window_hours: u32,
    grace_seconds: f64,
    compared_since_start: u64,
    is_caught_up: bool,
    late: u64,
    missing_total: u64,
    missing: Vec<Missing>,
    not_asked: Vec<NotAsked>,
    obstacles: Vec<Obstacle>,
}

#[derive(Debug, Deserialize)]
struct Missing {
    event_id: Uuid,
    event_type: String,
    order_id: Uuid,
    producer: String,
    consumer: String,
    age_seconds: i64,
    resends: u32,
    perhaps_a_dead_letter: bool,
}

#[derive(Debug, Deserialize)]
struct NotAsked {
    name: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
struct Obstacle {
    consumer: String,
    problems: Vec<String>,
}

/// Prints the report, as a table or as the gateway gave it; true when a comparison was made and nothing is missing.
pub async fn show(platform: &Platform, as_json: bool, palette: Palette) -> Result<bool> {
    let answer: Value = platform.reconciliation().await?;
    if as_json {
        println!("{}", serde_json::to_string_pretty(&answer).context("printing the report")?);
    }
    let report: Report = serde_json::from_value(answer).context("the gateway's report has another shape")?;
    if !as_json {
        print!("{}", text(&report, Utc::now(), palette));
    }
    Ok(report.compared_at.is_some() && report.missing_total == 0)
}

fn text(report: &Report, now: DateTime<Utc>, palette: Palette) -> String {
    let mut text = String::new();
    let mut line = |mark: String, words: String| text.push_str(&format!("{mark} {words}\n"));
    let Some(compared_at) = report.compared_at else {
        line(palette.mark(false), "the gateway has not compared anything yet; ask again in a minute".into());
        return text;
    };
    line(
        palette.dim("·"),
        format!(
            "{} of events and consumers compared since the gateway started; last {} ago, in {} ms. It began {} h back \
             and leaves the last {} s alone",
            counted(report.compared_since_start, "pair"),
            ago((now - compared_at).num_seconds()),
            report.took_millis,
            report.window_hours,
            report.grace_seconds,
        ),
    );
    if !report.is_caught_up {
        line(palette.warn("!"), "it has not come to the end of what was sent".into());
    }
    if report.late > 0 {
        line(palette.dim("·"), format!("{} may still arrive", counted(report.late, "event")));
    }
    for NotAsked { name, reason } in &report.not_asked {
        line(palette.warn("!"), format!("{name} could not be asked: {reason}"));
    }
    for Obstacle { consumer, problems } in &report.obstacles {
        let problems = problems.join("; ");
        line(palette.bad("✘"), format!("{consumer} gets nothing again before this is mended: {problems}"));
    }
    if report.missing_total == 0 {
        line(palette.mark(true), "nothing that was sent is missing anywhere".into());
        return text;
    }
    line(palette.mark(false), format!("{} not handled", counted(report.missing_total, "event")));
    let left = ["event", "type", "order", "said by", "not handled by"];
    let mut head: Vec<(&str, Align)> = left.map(|title| (title, Align::Left)).to_vec();
    head.extend([("sent", Align::Right), ("again", Align::Right), ("", Align::Left)]);
    let rows: Vec<Vec<String>> = report.missing.iter().map(row).collect();
    text.push_str(&table(palette, &head, &rows));
    let unnamed = report.missing_total.saturating_sub(report.missing.len() as u64);
    if unnamed > 0 {
        text.push_str(&format!("… and {} more\n", grouped(unnamed)));
    }
    text
}

fn row(missing: &Missing) -> Vec<String> {
    vec![
        missing.event_id.to_string(),
        missing.event_type.clone(),
        missing.order_id.to_string(),
        missing.producer.clone(),
        missing.consumer.clone(),
        format!("{} ago", ago(missing.age_seconds)),
        format!("{}×", missing.resends),
        if missing.perhaps_a_dead_letter { "perhaps a dead letter".to_owned() } else { String::new() },
    ]
}

/// `12 s`, `3 min`, `5 h`.
fn ago(seconds: i64) -> String {
    let age = TimeDelta::seconds(seconds.max(0));
    match (age.num_hours(), age.num_minutes()) {
        (0, 0) => format!("{} s", age.num_seconds()),
        (0, minutes) => format!("{minutes} min"),
        (hours, _) => format!("{hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn report(missing_total: u64) -> Report {
        let missing = json!({
            "event_id": Uuid::from_u128(1), "event_type": "order.placed", "order_id": Uuid::from_u128(2),
            "producer": "order", "consumer": "analytics", "sent_at": "2026-01-02T03:00:00Z", "age_seconds": 245,
            "missing_since": "2026-01-02T03:02:00Z", "resends": 1, "perhaps_a_dead_letter": true,
        });
        let missing: Vec<Value> = if missing_total > 0 { vec![missing] } else { vec![] };
        serde_json::from_value(json!({
            "compared_at": "2026-01-02T03:04:00Z", "took_millis": 12, "window_hours": 24, "grace_seconds": 60.0,
            "compared": 3, "compared_since_start": 4_000, "is_caught_up": true, "late": 0,
            "missing_total": missing_total, "missing": missing, "not_asked": [],
            "obstacles": [{ "consumer": "analytics", "problems": ["queue analytics.inbox is missing"] }],
        }))
        .expect("the shape")
    }

    #[test]
    fn what_is_missing_is_named_and_the_rest_is_counted() {
        let now = "2026-01-02T03:04:05Z".parse().expect("a time");
        let shown = text(&report(12), now, Palette::PLAIN);
        assert!(shown.contains("4,000 pairs") && shown.contains("last 5 s ago"), "{shown}");
        assert!(shown.contains("✘ 12 events not handled"), "{shown}");
        assert!(shown.contains("queue analytics.inbox is missing"), "{shown}");
        assert!(shown.contains("4 min ago     1×  perhaps a dead letter\n… and 11 more"), "{shown}");
    }

    #[test]
    fn a_good_report_is_short() {
        let now = "2026-01-02T03:04:05Z".parse().expect("a time");
        let mut well = report(0);
        well.obstacles.clear();
        let shown = text(&well, now, Palette::PLAIN);
        assert_eq!(shown.lines().count(), 2, "{shown}");
        assert!(shown.ends_with("nothing that was sent is missing anywhere\n"), "{shown}");
    }
}
