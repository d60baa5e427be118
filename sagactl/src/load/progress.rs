//! Showing how far a run is: a bar on a terminal, a line every few seconds elsewhere.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::tracker::{Counts, Tracker};
use crate::console::grouped;

/// A bar that moves five times a second looks alive and costs nothing.
const BAR_EVERY: Duration = Duration::from_millis(200);

/// Logs of a build should stay readable.
const LINE_EVERY: Duration = Duration::from_secs(5);

const TEMPLATE: &str = "{bar:32} {pos}/{len} {msg} [{elapsed}]";

/// The display of a run, on a task of its own.
pub(super) struct Progress {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

impl Progress {
    /// Starts to show how many of `count` orders have settled.
    pub(super) fn start(tracker: Arc<Tracker>, count: u64) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = if std::io::stderr().is_terminal() {
            tokio::spawn(show_bar(tracker, count, stopped))
        } else {
            tokio::spawn(print_lines(tracker, count, stopped))
        };
        Self { task, stop }
    }

    /// Clears the bar, so that the summary stands alone.
    pub(super) async fn finish(self) {
        // A display that ended by itself has nothing to clear.
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}

/// A bar for something that is simply counted; invisible when not on a terminal.
pub(super) fn plain_bar(length: u64, what: &'static str) -> ProgressBar {
    ProgressBar::new(length).with_style(style()).with_message(what)
}

async fn show_bar(tracker: Arc<Tracker>, count: u64, mut stopped: oneshot::Receiver<()>) {
    let bar = ProgressBar::new(count).with_style(style());
    while tokio::time::timeout(BAR_EVERY, &mut stopped).await.is_err() {
        let counts = tracker.counts();
        bar.set_position(counts.settled);
        bar.set_message(message(counts));
    }
    bar.finish_and_clear();
}

async fn print_lines(tracker: Arc<Tracker>, count: u64, mut stopped: oneshot::Receiver<()>) {
    let started = Instant::now();
    while tokio::time::timeout(LINE_EVERY, &mut stopped).await.is_err() {
        let counts = tracker.counts();
        println!(
            "{:>5.0} s  {} of {} settled, {}",
            started.elapsed().as_secs_f64(),
            grouped(counts.settled),
            grouped(count),
            message(counts)
        );
    }
}

fn message(counts: Counts) -> String {
    let refused =
        if counts.refused > 0 { format!(", {} refused", grouped(counts.refused)) } else { String::new() };
    format!("{} accepted{refused}", grouped(counts.accepted))
}

fn style() -> ProgressStyle {
    // A template that cannot be parsed is a mistake of ours; the default bar will do.
    ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_of_the_bar_is_valid() {
        ProgressStyle::with_template(TEMPLATE).expect("a template");
    }

    #[test]
    fn refused_orders_are_mentioned_only_when_there_are_some() {
        assert_eq!(message(Counts { accepted: 1_200, refused: 0, settled: 3 }), "1,200 accepted");
        assert_eq!(message(Counts { accepted: 2, refused: 1, settled: 0 }), "2 accepted, 1 refused");
    }
}
