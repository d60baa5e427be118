//! The operator's and developer's command line, as a library: the binary parses arguments and calls in here, the
//! whole-system tests call the same functions.

pub mod broker;
pub mod client;
pub mod console;
pub mod demo;
pub mod endpoints;
pub mod figures;
pub mod follow;
pub mod generate;
pub mod health;
pub mod load;
pub mod products;
pub mod provision;
pub mod ready;
pub mod reconcile;
pub mod retail;
pub mod scenarios;
pub mod schemas;
pub mod timeline;
pub mod topology;
