//! The ways between each service and its servers, when a test wants them to misbehave.

use std::collections::BTreeMap;

use shared_events::Service;

use crate::{Proxy, Stack};

/// What a service is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wire {
    /// Its database.
    Postgres,
    /// The broker (not its management API).
    Amqp,
    /// The counters; only analytics has them.
    Redis,
    /// Payment's gateway, shipping's carrier.
    Outside,
}

/// A proxy for every way that these services have.
pub(super) async fn lay(
    services: &[Service],
    stack: &Stack,
    simulators: u16,
) -> BTreeMap<(Service, Wire), Proxy> {
    let mut proxies = BTreeMap::new();
    for service in services {
        let mut ways = vec![(Wire::Postgres, stack.get("POSTGRES_PORT").to_owned())];
        ways.push((Wire::Amqp, stack.get("AMQP_PORT").to_owned()));
        if [Service::Payment, Service::Shipping].contains(service) {
            ways.push((Wire::Outside, simulators.to_string()));
        }
        if *service == Service::Analytics {
            ways.push((Wire::Redis, stack.get("REDIS_PORT").to_owned()));
        }
        for (wire, port) in ways {
            proxies.insert((*service, wire), Proxy::new(&format!("127.0.0.1:{port}")).await);
        }
    }
    proxies
}
