//! Keys for lines that have none: the same file twice writes nothing twice.
//!
//! The key is a hash of what the line says (aggregate, type, content as canonical JSON, `occurred_at`) together with its
//! count among equal lines of the stream, so that two equal events in one file are two events, and the same file again is
//! none. White space and the order of members do not count.

use std::{collections::HashMap, fmt::Write as _};

use eventdbx_store::{BodyKind, NewEvent, Priority, canonical_json};

use crate::{api::ApiError, wire::ErrorCode};

/// Most different lines without a key in one import: each costs some 40 bytes of memory while it lasts.
pub(super) const KEYLESS_LINES: usize = 8 << 20;

/// What the hash is for: a key that is made here is never one that is made elsewhere.
const CONTEXT: &str = "eventdbx 2026-11 key of an imported line";

/// Makes keys, and counts equal lines.
#[derive(Default)]
pub(super) struct LineKeys {
    counts: HashMap<[u8; 16], u32>,
}

impl LineKeys {
    /// The key of a line that has none.
    pub(super) fn derive(&mut self, event: &NewEvent) -> Result<String, ApiError> {
        let hash = content_hash(event);
        if self.counts.len() >= KEYLESS_LINES && !self.counts.contains_key(&hash) {
            let message =
                format!("the import has more lines without a key than KEYLESS_LINES allows ({KEYLESS_LINES})");
            return Err(ApiError::new(ErrorCode::TooLarge, message).hint("split the file, or give each line a key"));
        }
        let count = self.counts.entry(hash).or_default();
        *count += 1;
        let mut key = String::with_capacity(48);
        key.push_str("import-");
        for byte in hash {
            let _ = write!(key, "{byte:02x}");
        }
        let _ = write!(key, "-{count}");
        Ok(key)
    }
}

fn content_hash(event: &NewEvent) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    let mut part = |text: Option<&str>| {
        // IMPORTANT: every part says how long it is, so that no two lines run together to the same bytes.
        hasher.update(&text.map_or(u64::MAX, |text| text.len() as u64).to_be_bytes());
        hasher.update(text.unwrap_or_default().as_bytes());
    };
    part(Some(&event.aggregate_type));
    part(Some(&event.aggregate_id));
    part(Some(&event.event_type));
    part(Some(if event.body_kind == BodyKind::Patch { "patch" } else { "payload" }));
    part(Some(&canonical_json(&event.body)));
    part(event.metadata.as_deref().map(canonical_json).as_deref());
    part(event.extensions.as_deref().map(canonical_json).as_deref());
    part(event.note.as_deref());
    part(event.occurred_at.as_deref());
    if let Some(recipients) = &event.publish {
        part(Some("publish"));
        for recipient in recipients {
            part(Some(&recipient.name));
            part(recipient.mode.as_deref());
            part((recipient.priority == Priority::Urgent).then_some("urgent"));
        }
    }
    let mut hash = [0; 16];
    hasher.finalize_xof().fill(&mut hash);
    hash
}

#[cfg(test)]
mod tests {
    use eventdbx_store::NewRecipient;

    use super::*;

    #[test]
    fn equal_lines_are_counted_and_the_same_again_in_the_same_order() {
        let one = NewEvent::new("order", "1", "placed", r#"{"a":1,"b":2}"#);
        let same = NewEvent::new("order", "1", "placed", r#"{ "b": 2.0, "a": 1 }"#);
        let other = NewEvent::new("order", "1", "placed", r#"{"a":1,"b":3}"#);
        let run = || {
            let mut keys = LineKeys::default();
            [&one, &other, &same].map(|event| keys.derive(event).unwrap())
        };
        let [first, second, third] = run();
        assert!(first.ends_with("-1") && second.ends_with("-1") && third.ends_with("-2"));
        assert_eq!(first.trim_end_matches("-1"), third.trim_end_matches("-2"));
        assert_ne!(first, second);
        assert_eq!(run(), [first, second, third]);
    }

    #[test]
    fn every_part_of_a_line_counts() {
        let base = || NewEvent::new("order", "1", "placed", "{}");
        let to = |recipient| NewEvent { publish: Some(vec![recipient]), ..base() };
        let differing = [
            base(),
            NewEvent { aggregate_id: "11".into(), ..base() },
            NewEvent { event_type: "paid".into(), ..base() },
            NewEvent { body_kind: BodyKind::Patch, ..base() },
            NewEvent { metadata: Some("{}".into()), ..base() },
            NewEvent { extensions: Some("{}".into()), ..base() },
            NewEvent { note: Some(String::new()), ..base() },
            NewEvent { occurred_at: Some(String::new()), ..base() },
            NewEvent { publish: Some(Vec::new()), ..base() },
            to(NewRecipient { name: "a".into(), ..NewRecipient::default() }),
            to(NewRecipient { mode: Some("a".into()), ..NewRecipient::default() }),
            to(NewRecipient { priority: Priority::Urgent, ..NewRecipient::default() }),
        ];
        let hashes: std::collections::HashSet<_> = differing.iter().map(content_hash).collect();
        assert_eq!(hashes.len(), differing.len());
    }
}
