//! The whole system on real servers. Tests in `alone` stop or starve a server that the others
//! share, and therefore run by themselves (see deploy/local/verify.sh).
#![allow(clippy::unwrap_used)]

mod alone;
mod architecture;
mod crash;
mod delivery;
mod deployment;
mod http;
mod platform;
mod sagas;
