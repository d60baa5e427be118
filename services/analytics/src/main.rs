//! The analytics service as a program.

fn main() -> anyhow::Result<()> {
    chassis::run(analytics_service::participant, analytics_service::routes)
}
