//! What the services count of themselves, added up over their deaths: a counter begins at 0 again when
//! its process does, so increases are summed and not values.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use system_tests::{Http, Platform};
use tokio::task::JoinHandle;

/// Often enough that little is lost with a process that dies.
const INTERVAL: Duration = Duration::from_millis(250);
/// A service that does not answer is dead, or cannot be asked now.
const ANSWER_WITHIN: Duration = Duration::from_millis(800);

/// The counters of a platform, looked at all the while.
pub(crate) struct Scrape {
    targets: Vec<String>,
    http: Http,
    counters: Arc<Mutex<Counters>>,
    looking: JoinHandle<()>,
}

impl Scrape {
    /// Begins to look.
    pub(crate) fn begin(platform: &Platform) -> Self {
        let target = |service: &&str| {
            let path = if *service == "analytics" { "/prometheus" } else { "/metrics" };
            platform.url(service, path)
        };
        let names: Vec<&str> = platform.services().iter().map(|service| service.name()).collect();
        let targets: Vec<String> = names.iter().map(target).collect();
        let (http, counters) = (platform.http().clone(), Arc::new(Mutex::new(Counters::default())));
        let looking = tokio::spawn({
            let (targets, http, counters) = (targets.clone(), http.clone(), counters.clone());
            async move {
                loop {
                    look(&targets, &http, &counters).await;
                    tokio::time::sleep(INTERVAL).await;
                }
            }
        });
        Self { targets, http, counters, looking }
    }

    /// Looks a last time and gives what was counted.
    pub(crate) async fn finish(&self) -> Counters {
        self.looking.abort();
        look(&self.targets, &self.http, &self.counters).await;
        self.counters.lock().unwrap().clone()
    }
}

impl Drop for Scrape {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

async fn look(targets: &[String], http: &Http, counters: &Mutex<Counters>) {
    let asked = targets.iter().map(|url| tokio::time::timeout(ANSWER_WITHIN, http.get(url)));
    let answers = futures::future::join_all(asked).await;
    for (url, answer) in targets.iter().zip(answers) {
        if let Ok(Ok(answer)) = answer
            && answer.status.is_success()
        {
            counters.lock().unwrap().take(url, &answer.text);
        }
    }
}

/// Counters by name, over all services and labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counters {
    last: BTreeMap<(String, String), f64>,
    sums: BTreeMap<String, f64>,
}

impl Counters {
    /// How often that was counted.
    pub(crate) fn sum(&self, name: &str) -> u64 {
        self.sums.get(name).map_or(0, |sum| *sum as u64)
    }

    /// One answer of one service, in Prometheus' text format: `name{labels} value`.
    fn take(&mut self, from: &str, text: &str) {
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let name = series.split('{').next().unwrap_or(series);
            let Ok(value) = value.parse::<f64>() else { continue };
            if !name.ends_with("_total") {
                continue;
            }
            let last = self.last.insert((from.to_owned(), series.to_owned()), value).unwrap_or(0.0);
            let increase = if value < last { value } else { value - last };
            *self.sums.entry(name.to_owned()).or_default() += increase;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn increases_are_summed_over_restarts_labels_and_services() {
        let mut counters = Counters::default();
        counters.take("a", "# TYPE x_total counter\nx_total{k=\"1\"} 5\nx_total{k=\"2 3\"} 1\nx_seconds 9\n");
        counters.take("a", "x_total{k=\"1\"} 7\n");
        assert_eq!(counters.sum("x_total"), 8);
        counters.take("a", "x_total{k=\"1\"} 2\n");
        counters.take("b", "x_total{k=\"1\"} 4\n");
        assert_eq!(counters.sum("x_total"), 14);
        assert_eq!((counters.sum("x_seconds"), counters.sum("y_total")), (0, 0));
    }
}
