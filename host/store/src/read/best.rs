//! The first rows of an order out of any number, in bounded memory.

use std::collections::BinaryHeap;

use crate::{SortKey, limits};

/// Keeps the first rows that are offered, by key and then by place, up to a number and up to
/// [`PAGE_BYTES`](limits::PAGE_BYTES) of keys: a key can be as long as its row.
pub(super) struct Best<P> {
    heap: BinaryHeap<(SortKey, P)>,
    limit: usize,
    bytes: usize,
    /// Only what stands behind it is wanted.
    beyond: Option<(SortKey, P)>,
    /// The first that had no room. What stands behind it has none either, even where a long key made some since: what is
    /// kept must be the beginning of the order, without gaps.
    turned_away: Option<(SortKey, P)>,
}

impl<P: Ord> Best<P> {
    pub(super) fn new(limit: usize, beyond: Option<(SortKey, P)>) -> Self {
        let limit = limit.clamp(1, limits::PAGE_ROWS);
        Self { heap: BinaryHeap::new(), limit, bytes: 0, beyond, turned_away: None }
    }

    pub(super) fn offer(&mut self, key: SortKey, place: P) {
        let row = (key, place);
        if self.beyond.as_ref().is_some_and(|beyond| row <= *beyond) {
            return;
        }
        if self.turned_away.as_ref().is_some_and(|first| row >= *first) {
            return;
        }
        self.bytes += row.0.bytes();
        self.heap.push(row);
        while self.heap.len() > self.limit || (self.heap.len() > 1 && self.bytes > limits::PAGE_BYTES) {
            let Some(last) = self.heap.pop() else { break };
            self.bytes -= last.0.bytes();
            self.turned_away = Some(last);
        }
    }

    /// Whether no row behind this one can be kept, where rows are offered in the order of their first path.
    pub(super) fn is_done_at(&self, key: &SortKey) -> bool {
        self.turned_away.as_ref().is_some_and(|(first, _)| key.leads_behind(first))
    }

    /// The places in their order, and whether more stand behind them.
    pub(super) fn finish(self) -> (Vec<P>, bool) {
        let places = self.heap.into_sorted_vec().into_iter().map(|(_, place)| place);
        (places.collect(), self.turned_away.is_some())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Aggregate, AggregateRef, Digest, Json, Micros, Position, Sort, Subject, Version};

    fn key(sort: &Sort, text: &str) -> SortKey {
        sort.key(&Aggregate {
            name: AggregateRef::new("order", "o-1").expect("a name"),
            version: Version::new(1),
            archived: false,
            root: Digest::default(),
            last_position: Position::new(1),
            created_at: Micros::default(),
            updated_at: Micros::default(),
            state: Json::trusted(format!(r#"{{"a":"{text}"}}"#)),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Page after page, whatever the keys weigh, is the whole order.
        #[test]
        fn pages_are_the_order_cut_into_pieces(
            rows in prop::collection::vec(("[ab]{0,2}", prop::sample::select(vec![1_usize, 1_500_000, 3_000_000])), 0..12),
            limit in 1_usize..5,
        ) {
            let sort = Sort::parse("a desc", Subject::Aggregates).expect("a sort order");
            let rows: Vec<_> = rows.iter().map(|(text, times)| key(&sort, &text.repeat(*times))).zip(0_u64..).collect();
            let mut expected = rows.clone();
            expected.sort();
            let mut found = Vec::new();
            let mut beyond = None;
            loop {
                let mut best = Best::new(limit, beyond);
                rows.iter().for_each(|(key, place)| best.offer(key.clone(), *place));
                let (places, more) = best.finish();
                prop_assert!(places.len() <= limit && (!more || !places.is_empty()));
                found.extend(places.iter().map(|place| rows[usize::try_from(*place).expect("small")].clone()));
                if !more {
                    break;
                }
                beyond = found.last().cloned();
            }
            prop_assert!(found == expected);
        }
    }
}
