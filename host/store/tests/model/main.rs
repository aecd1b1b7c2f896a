//! The store against a plain model: random requests, retries, archivals and restarts, after which both must tell the same.
//!
//! The model is a list of events and a naive fold. It shares no code with the store: not the merge, not the JSON Patch.

mod compare;
mod fold;
mod model;
mod operations;
mod snapshots;
mod world;

use eventdbx_store::Durability;
use proptest::prelude::*;

use crate::{operations::operations, world::World};

/// Enough to find what is broken in general; `PROPTEST_CASES=2000` looks for the rest.
const CASES: u32 = 12;

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    ProptestConfig { cases, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_store_does_what_the_model_does(
        durability in prop_oneof![1 => Just(Durability::Sync), 3 => Just(Durability::Os)],
        threshold in prop::sample::select(&[0_u32, 1, 3, 7, 50][..]),
        operations in operations(),
    ) {
        let mut world = World::new(durability, threshold);
        for operation in &operations {
            world.run(operation);
        }
        world.restart();
        world.compare();
    }
}
