//! The people's side: look at what was written to customers.

mod notifications;

use chassis::{
    App,
    http::openapi::{OpenApiRouter, routes as documented},
};

use crate::{
    Notifications,
    senders::{Mailer, Texter},
};

/// Every route of the notification service besides the chassis's own.
pub fn routes<M: Mailer, T: Texter>(app: App<Notifications<M, T>>) -> OpenApiRouter {
    // Handlers need the database only, and a macro that documents them knows no type parameters.
    OpenApiRouter::default()
        .routes(documented!(notifications::list))
        .routes(documented!(notifications::of_order))
        .with_state(app.pool().clone())
}
