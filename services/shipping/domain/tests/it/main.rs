//! What shipping decides: a table for each rule, properties over random histories, and a carrier
//! that loses answers.

mod carrier;
mod histories;
mod rules;
mod silence;
mod world;
