//! `event-analytics`

fn main() {}
