//! What the chassis promises of every service: events are delivered at least once and take effect
//! effectively once, a bad message harms nobody else, and nothing vanishes silently.

mod balancer;
mod dead_letters;
mod drain;
mod duplicates;
mod hang_up;
mod keeper;
mod ladder;
mod overload;
mod reconciler;
mod reconnect;
mod relay;
mod replicas;
pub(crate) mod topology;

use serde_json::Value;
use system_tests::Platform;

/// A number from a process's metrics, summed over all labels.
pub(crate) async fn metric(platform: &Platform, process: &str, name: &str) -> f64 {
    let text = platform.prometheus(process).await;
    text.lines()
        .filter(|line| line.starts_with(name) && line[name.len()..].starts_with(['{', ' ']))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

/// A text header of a message as the management API shows it.
fn header<'m>(message: &'m Value, name: &str) -> &'m str {
    message["properties"]["headers"][name].as_str().unwrap_or_default()
}
