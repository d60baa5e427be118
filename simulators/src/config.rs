//! What can be set from outside, and what of it is refused.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, ensure};

const DEFAULT_ADDR: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8090);
const DEFAULT_SHIPPING_URL: &str = "http://127.0.0.1:8004";
const DEFAULT_FAILURE_RATE: f64 = 0.2;
const DEFAULT_SEED: u64 = 42;
const DEFAULT_DISPATCH_SECONDS: f64 = 30.0;
const DEFAULT_DELIVER_SECONDS: f64 = 60.0;
const DEFAULT_SLOW_SECONDS: f64 = 3.0;

/// One year: anything longer is a slip of the unit, and must not overflow a date.
const MAX_SECONDS: f64 = 365.0 * 86_400.0;

/// A payment gateway and a carrier for development and tests, with a durable journal.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "simulators", version, about)]
pub struct Config {
    /// Address to listen on; port 0 takes any free one.
    #[arg(long, env = "HTTP_ADDR", default_value_t = DEFAULT_ADDR)]
    pub http_addr: SocketAddr,

    /// Append-only file of JSON lines that holds every fact; made when missing, replayed at start.
    #[arg(long, env = "JOURNAL_PATH")]
    pub journal_path: PathBuf,

    /// Base URL of the shipping service, which the carrier tells of hand-over and delivery.
    #[arg(long, env = "SHIPPING_URL", default_value = DEFAULT_SHIPPING_URL)]
    pub shipping_url: String,

    /// Share of charges without a token that are declined, 0 to 1.
    #[arg(long, env = "PAYMENT_FAILURE_RATE", default_value_t = DEFAULT_FAILURE_RATE)]
    pub payment_failure_rate: f64,

    /// Decides, together with the order id, which charges without a token are declined.
    #[arg(long, env = "PAYMENT_SEED", default_value_t = DEFAULT_SEED)]
    pub payment_seed: u64,

    /// Seconds from booking to hand-over, divided by TIME_SCALE; 0 = never by the clock (and then
    /// nothing is delivered by the clock either).
    #[arg(long, env = "CARRIER_DISPATCH_AFTER_SECONDS", default_value_t = DEFAULT_DISPATCH_SECONDS)]
    pub carrier_dispatch_after_seconds: f64,

    /// Seconds from booking to delivery, divided by TIME_SCALE; 0 = never by the clock.
    #[arg(long, env = "CARRIER_DELIVER_AFTER_SECONDS", default_value_t = DEFAULT_DELIVER_SECONDS)]
    pub carrier_deliver_after_seconds: f64,

    /// Divides the carrier's clock: 60 makes a minute a second. Development and tests only.
    #[arg(long, env = "TIME_SCALE", default_value_t = 1.0)]
    pub time_scale: f64,

    /// Seconds a slow charge (`tok_slow`) or booking (country `XS`) takes. Not scaled, because it
    /// is meant to collide with the client's own patience.
    #[arg(long, env = "SLOW_SECONDS", default_value_t = DEFAULT_SLOW_SECONDS)]
    pub slow_seconds: f64,
}

impl Config {
    /// The defaults, without a look at the environment, for a process that plays the outside world
    /// to itself: any free port, and the given journal.
    pub fn new(journal_path: impl Into<PathBuf>) -> Self {
        Self {
            http_addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            journal_path: journal_path.into(),
            shipping_url: DEFAULT_SHIPPING_URL.to_owned(),
            payment_failure_rate: DEFAULT_FAILURE_RATE,
            payment_seed: DEFAULT_SEED,
            carrier_dispatch_after_seconds: DEFAULT_DISPATCH_SECONDS,
            carrier_deliver_after_seconds: DEFAULT_DELIVER_SECONDS,
            time_scale: 1.0,
            slow_seconds: DEFAULT_SLOW_SECONDS,
        }
    }

    /// Refuses values that make no sense, naming the variable to correct.
    pub fn validate(&self) -> anyhow::Result<()> {
        ensure!(!self.journal_path.as_os_str().is_empty(), "JOURNAL_PATH must name a file");
        ensure!(
            (0.0..=1.0).contains(&self.payment_failure_rate),
            "PAYMENT_FAILURE_RATE must lie between 0 and 1, and is {}",
            self.payment_failure_rate
        );
        ensure!(
            self.time_scale.is_finite() && (0.001..=1_000_000.0).contains(&self.time_scale),
            "TIME_SCALE must lie between 0.001 and 1000000, and is {}",
            self.time_scale
        );
        for (name, seconds) in [
            ("CARRIER_DISPATCH_AFTER_SECONDS", self.carrier_dispatch_after_seconds),
            ("CARRIER_DELIVER_AFTER_SECONDS", self.carrier_deliver_after_seconds),
            ("SLOW_SECONDS", self.slow_seconds),
        ] {
            ensure!(
                (0.0..=MAX_SECONDS).contains(&seconds),
                "{name} must be seconds between 0 and {MAX_SECONDS}, and is {seconds}"
            );
        }
        ensure!(
            self.carrier_deliver_after_seconds == 0.0
                || self.carrier_deliver_after_seconds >= self.carrier_dispatch_after_seconds,
            "CARRIER_DELIVER_AFTER_SECONDS ({}) must not be before CARRIER_DISPATCH_AFTER_SECONDS ({})",
            self.carrier_deliver_after_seconds,
            self.carrier_dispatch_after_seconds
        );
        let url = reqwest::Url::parse(&self.shipping_url)
            .with_context(|| format!("SHIPPING_URL is no URL: {:?}", self.shipping_url))?;
        ensure!(
            matches!(url.scheme(), "http" | "https") && url.has_host(),
            "SHIPPING_URL must be an http or https URL, and is {:?}",
            self.shipping_url
        );
        Ok(())
    }

    /// From booking to hand-over; `None` = never by the clock.
    pub(crate) fn dispatch_after(&self) -> Option<Duration> {
        self.scaled(self.carrier_dispatch_after_seconds)
    }

    /// From booking to delivery; `None` = never by the clock.
    pub(crate) fn deliver_after(&self) -> Option<Duration> {
        self.scaled(self.carrier_deliver_after_seconds)
    }

    /// What the carrier promises at booking: three days, on its own clock.
    pub(crate) fn promised_after(&self) -> Duration {
        Duration::from_secs_f64(3.0 * 86_400.0 / self.time_scale)
    }

    /// How long a slow answer takes.
    pub(crate) fn slow(&self) -> Duration {
        Duration::from_secs_f64(self.slow_seconds)
    }

    fn scaled(&self, seconds: f64) -> Option<Duration> {
        (seconds > 0.0).then(|| Duration::from_secs_f64(seconds / self.time_scale))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config::new("journal.jsonl");
        change(&mut config);
        config.validate().expect_err("nonsense was accepted").to_string()
    }

    #[test]
    fn nonsense_is_refused_by_the_name_of_its_variable() {
        Config::new("journal.jsonl").validate().expect("the defaults are sound");
        assert!(refusal(|c| c.payment_failure_rate = 1.5).contains("PAYMENT_FAILURE_RATE"));
        assert!(refusal(|c| c.payment_failure_rate = f64::NAN).contains("PAYMENT_FAILURE_RATE"));
        assert!(refusal(|c| c.time_scale = 0.0).contains("TIME_SCALE"));
        assert!(refusal(|c| c.slow_seconds = -1.0).contains("SLOW_SECONDS"));
        assert!(refusal(|c| c.carrier_deliver_after_seconds = f64::INFINITY).contains("DELIVER"));
        assert!(refusal(|c| c.carrier_deliver_after_seconds = 10.0).contains("must not be before"));
        assert!(refusal(|c| c.shipping_url = "shipping:8004".to_owned()).contains("SHIPPING_URL"));
        assert!(refusal(|c| c.shipping_url = "no url".to_owned()).contains("SHIPPING_URL"));
        assert!(refusal(|c| c.journal_path = PathBuf::new()).contains("JOURNAL_PATH"));
    }
}
