//! How a platform differs from the default one.

use shared_events::Service;

/// The participants, in the order in which an order visits them.
pub(crate) const PARTICIPANTS: [Service; 4] =
    [Service::Order, Service::Inventory, Service::Payment, Service::Shipping];

/// How a platform differs from the default one.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which services run; the queues of the others are not declared.
    pub services: Vec<Service>,
    /// Divides every deadline and the retry ladder.
    pub time_scale: u32,
    /// Seconds from booking to hand-over, before the time scale; 0 is never.
    pub dispatch_after: u32,
    /// Seconds from booking to delivery, before the time scale; 0 is never.
    pub deliver_after: u32,
    /// Further variables, by process (`order`, …, `simulators`).
    pub variables: Vec<(&'static str, &'static str, String)>,
    /// Whether every service reaches its servers through proxies of its own.
    pub proxied: bool,
}

impl Default for Options {
    fn default() -> Self {
        let services = PARTICIPANTS.to_vec();
        let variables = Vec::new();
        Self { services, time_scale: 1, dispatch_after: 0, deliver_after: 0, variables, proxied: false }
    }
}

impl Options {
    /// All services, not only those that carry the saga.
    #[must_use]
    pub fn whole() -> Self {
        Self { services: Service::ALL.to_vec(), ..Self::default() }
    }

    /// One more service than the participants.
    #[must_use]
    pub fn and(mut self, service: Service) -> Self {
        self.services.push(service);
        self
    }

    /// Every deadline divided by `time_scale`.
    #[must_use]
    pub fn fast(time_scale: u32) -> Self {
        Self { time_scale, ..Self::default() }
    }

    /// The carrier hands over and delivers so many seconds after booking, before the time scale.
    #[must_use]
    pub fn carrier(mut self, dispatch_after: u32, deliver_after: u32) -> Self {
        (self.dispatch_after, self.deliver_after) = (dispatch_after, deliver_after);
        self
    }

    /// Every service reaches each of its servers through a proxy; see [`Platform::proxy`].
    ///
    /// [`Platform::proxy`]: super::Platform::proxy
    #[must_use]
    pub fn proxied(self) -> Self {
        Self { proxied: true, ..self }
    }

    /// Every deadline divided by so much.
    #[must_use]
    pub fn scaled(self, time_scale: u32) -> Self {
        Self { time_scale, ..self }
    }

    /// Adds a variable for one process.
    #[must_use]
    pub fn with(mut self, process: &'static str, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((process, name, value.into()));
        self
    }
}
