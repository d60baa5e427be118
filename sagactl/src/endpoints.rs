//! Where the platform is: options every command shares, each also an environment variable.

use clap::Args;

/// The services' addresses. The defaults are those of the local stack.
#[derive(Debug, Clone, Args)]
pub struct ServiceUrls {
    /// The order service.
    #[arg(long = "order-url", env = "ORDER_URL", default_value = "http://127.0.0.1:8001", value_parser = base_url, global = true)]
    pub order: String,
    /// The inventory service.
    #[arg(long = "inventory-url", env = "INVENTORY_URL", default_value = "http://127.0.0.1:8002", value_parser = base_url, global = true)]
    pub inventory: String,
    /// The payment service.
    #[arg(long = "payment-url", env = "PAYMENT_URL", default_value = "http://127.0.0.1:8003", value_parser = base_url, global = true)]
    pub payment: String,
    /// The shipping service.
    #[arg(long = "shipping-url", env = "SHIPPING_URL", default_value = "http://127.0.0.1:8004", value_parser = base_url, global = true)]
    pub shipping: String,
    /// The notification service.
    #[arg(long = "notification-url", env = "NOTIFICATION_URL", default_value = "http://127.0.0.1:8005", value_parser = base_url, global = true)]
    pub notification: String,
    /// The analytics service.
    #[arg(long = "analytics-url", env = "ANALYTICS_URL", default_value = "http://127.0.0.1:8006", value_parser = base_url, global = true)]
    pub analytics: String,
    /// The AI service.
    #[arg(long = "ai-url", env = "AI_URL", default_value = "http://127.0.0.1:8007", value_parser = base_url, global = true)]
    pub ai: String,
    /// The gateway: `/api`, the live feed and the pages.
    #[arg(long = "gateway-url", env = "GATEWAY_URL", default_value = "http://127.0.0.1:8000", value_parser = base_url, global = true)]
    pub gateway: String,
    /// The simulated payment gateway and carrier.
    #[arg(long = "simulators-url", env = "SIMULATORS_URL", default_value = "http://127.0.0.1:8090", value_parser = base_url, global = true)]
    pub simulators: String,
}

impl ServiceUrls {
    /// The services in the order an order meets them, then the simulators.
    pub fn all(&self) -> [(&'static str, &str); 9] {
        [
            ("order", &self.order),
            ("inventory", &self.inventory),
            ("payment", &self.payment),
            ("shipping", &self.shipping),
            ("ai", &self.ai),
            ("notification", &self.notification),
            ("analytics", &self.analytics),
            ("gateway", &self.gateway),
            ("simulators", &self.simulators),
        ]
    }
}

/// The broker, as its operator sees it.
#[derive(Clone, Args)]
pub struct BrokerArgs {
    /// RabbitMQ's management API with an administrator's user and password in the URL.
    #[arg(long = "management-url", env = "BROKER_MANAGEMENT_URL", default_value = "http://guest:guest@127.0.0.1:15672", value_parser = base_url, hide_env_values = true, global = true)]
    pub management_url: String,
    /// Host of the broker.
    #[arg(long, env = "AMQP_HOST", default_value = "127.0.0.1", global = true)]
    pub amqp_host: String,
    /// Port of the broker.
    #[arg(long, env = "AMQP_PORT", default_value_t = 5672, global = true)]
    pub amqp_port: u16,
    /// Password of the broker user `operator`, who may listen to every event.
    #[arg(long, env = "OPERATOR_AMQP_PASSWORD", default_value = "", hide_env_values = true, global = true)]
    pub operator_amqp_password: String,
    /// Virtual host of the platform.
    #[arg(long, env = "BROKER_VHOST", default_value = "/", global = true)]
    pub vhost: String,
}

impl BrokerArgs {
    /// The operator's AMQP URL. Passwords of the local stack are hexadecimal; others are percent-encoded here.
    pub fn operator_url(&self) -> anyhow::Result<String> {
        if self.operator_amqp_password.is_empty() {
            anyhow::bail!(
                "set OPERATOR_AMQP_PASSWORD: the operator's password on the broker (make sets it from .local/dev/stack.env)"
            );
        }
        Ok(format!(
            "amqp://operator:{}@{}:{}/{}",
            percent_encoded(&self.operator_amqp_password),
            self.amqp_host,
            self.amqp_port,
            percent_encoded(&self.vhost)
        ))
    }
}

/// Percent-encodes everything RFC 3986 does not call unreserved.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Accepts `http(s)://…` and drops a trailing slash, so that paths can be appended.
pub fn base_url(text: &str) -> Result<String, String> {
    let parsed =
        reqwest::Url::parse(text).map_err(|error| format!("{error}; it looks like http://127.0.0.1:8001"))?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return Err("not an http address; it looks like http://127.0.0.1:8001".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_loses_its_trailing_slash_and_nonsense_is_refused() {
        assert_eq!(base_url("http://127.0.0.1:8001/"), Ok("http://127.0.0.1:8001".into()));
        assert!(base_url("127.0.0.1:8001").is_err());
        assert!(base_url("amqp://127.0.0.1").is_err());
    }

    #[test]
    fn a_virtual_host_called_slash_is_encoded() {
        assert_eq!(percent_encoded("/"), "%2F");
        assert_eq!(percent_encoded("test-1_a"), "test-1_a");
    }
}
