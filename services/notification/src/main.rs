//! The notification service as a program.

fn main() -> anyhow::Result<()> {
    chassis::run(notification_service::participant, notification_service::routes)
}
