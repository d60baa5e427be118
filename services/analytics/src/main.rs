//! The analytics service as a program.

fn main() {}
