//! The notification service: writes to customers about their orders.
