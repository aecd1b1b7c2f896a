//! Additional data: what a ciphertext is and where it belongs, so that one that is moved does not open.
//!
//! ```text
//! kind u8 ‖ key id 8 ‖ domain id 16 ‖ { length u32 ‖ bytes }*
//! ```
//!
//! Integers are big-endian. Each field carries its length, so that no two lists of fields have the same encoding; which
//! fields a kind has, and in which order, is fixed where that kind is sealed and told in `docs/FORMAT.md`.

use super::DomainId;
use crate::EventId;

/// What a ciphertext is. The bytes are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum RecordKind {
    /// A key of the keyring, wrapped by the master key.
    KeyringKey = 0,
    /// The key of an aggregate, wrapped by a DEK.
    AggregateKey = 1,
    /// The sealed part of an event.
    EventBody = 2,
    /// The folded state of an aggregate.
    State = 3,
    /// A snapshot of an aggregate.
    Snapshot = 4,
    /// A row of a plugin's tables.
    PluginTable = 5,
    /// A delivery set aside.
    Parked = 6,
    /// A plugin's configuration.
    PluginConfig = 7,
    /// A state that the dispatcher folded on its way through the log.
    FoldState = 8,
    /// What the domain knows of its remote.
    Remote = 9,
    /// Events that are put aside until they are committed.
    Stage = 10,
}

/// Writes additional data into a buffer that is used again and again.
pub(crate) struct Binding<'a>(&'a mut Vec<u8>);

impl<'a> Binding<'a> {
    /// Begins anew in `buffer`.
    pub(crate) fn new(buffer: &'a mut Vec<u8>, kind: RecordKind, key_id: &[u8; 8], domain: &DomainId) -> Self {
        buffer.clear();
        buffer.push(kind as u8);
        buffer.extend_from_slice(key_id);
        buffer.extend_from_slice(domain);
        Self(buffer)
    }

    /// That of the body of an event. Recipients are as they stand in the row: nothing, for everyone.
    pub(crate) fn of_body(
        buffer: &'a mut Vec<u8>,
        key_id: &[u8; 8],
        domain: &DomainId,
        (aggregate_type, aggregate_id): (&str, &str),
        event_id: EventId,
        recipients: &[u8],
    ) -> Self {
        let event = Self::new(buffer, RecordKind::EventBody, key_id, domain)
            .field(aggregate_type.as_bytes())
            .field(aggregate_id.as_bytes())
            .field(event_id.as_bytes());
        if recipients.is_empty() { event } else { event.field(recipients) }
    }

    /// Adds a field.
    #[must_use]
    pub(crate) fn field(self, bytes: &[u8]) -> Self {
        // Fields are names, ids and numbers: a length past u32 would be a bug of ours, and is cut to what cannot match.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds a number as a field.
    #[must_use]
    pub(crate) fn number(self, number: u64) -> Self {
        self.field(&number.to_be_bytes())
    }

    /// Ends the additional data, which stands in the buffer.
    pub(crate) fn finish(self) {}

    /// The additional data.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bound(kind: RecordKind, key_id: u8, domain: u8, fields: &[Vec<u8>]) -> Vec<u8> {
        let mut buffer = b"left over".to_vec();
        let binding = Binding::new(&mut buffer, kind, &[key_id; 8], &[domain; 16]);
        fields.iter().fold(binding, |binding, field| binding.field(field)).bytes().to_vec()
    }

    #[test]
    fn the_encoding_is_as_it_always_was() {
        let mut buffer = Vec::new();
        let binding = Binding::new(&mut buffer, RecordKind::EventBody, &[7; 8], &[9; 16]).field(b"ab").number(3);
        let mut expected = vec![2, 7, 7, 7, 7, 7, 7, 7, 7];
        expected.extend([9; 16]);
        expected.extend([0, 0, 0, 2, b'a', b'b', 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(binding.bytes(), expected);
    }

    proptest! {
        #[test]
        fn different_places_have_different_bindings(
            one in prop::collection::vec(prop::collection::vec(0_u8..3, 0..6), 0..4),
            other in prop::collection::vec(prop::collection::vec(0_u8..3, 0..6), 0..4),
        ) {
            let bytes = bound(RecordKind::State, 1, 1, &one);
            prop_assert_eq!(bytes == bound(RecordKind::State, 1, 1, &other), one == other);
            prop_assert_ne!(&bytes, &bound(RecordKind::FoldState, 1, 1, &one));
            prop_assert_ne!(&bytes, &bound(RecordKind::State, 2, 1, &one));
            prop_assert_ne!(&bytes, &bound(RecordKind::State, 1, 2, &one));
        }
    }
}
