//! Cursors: where a listing goes on, as opaque text that fits only the query that gave it.
//!
//! ```text
//! base64url( version 1 ‖ query 8 ‖ place ‖ checksum 4 )
//! ```
//!
//! The place is a position, a version or an aggregate with its version: never a value of a row, so that a cursor tells
//! nothing that its reader may not see, and is short whatever a listing is ordered by. `query` is a hash of everything that
//! decides which rows there are and in which order, so that a cursor cannot skip rows of a query that it does not belong
//! to. Neither it nor the checksum is secret: whoever makes a cursor up reads what a query could read as well.

use base64::{Engine as _, alphabet::URL_SAFE, engine::GeneralPurpose, engine::general_purpose::NO_PAD};
use eventdbx_store::{AggregatePlace, DomainName, Version};

use super::ApiError;
use crate::wire::ErrorCode;

const FORMAT: u8 = 1;
const CHECKSUM: usize = 4;
const BASE64: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, NO_PAD);

/// Tells queries apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct QueryId([u8; 8]);

impl QueryId {
    /// The id of a query, by its kind, its domain and everything else that decides which rows it has, in a fixed order.
    pub(super) fn of(listing: &str, domain: &DomainName, parts: &[Option<&str>]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in [Some(listing), Some(domain.as_str())].iter().chain(parts) {
            // Lengths keep neighbours apart, and what is missing from what is empty.
            hasher.update(&part.map_or(u64::MAX, |text| text.len() as u64).to_be_bytes());
            hasher.update(part.unwrap_or_default().as_bytes());
        }
        let mut id = [0; 8];
        hasher.finalize_xof().fill(&mut id);
        Self(id)
    }
}

/// A place in a listing.
pub(super) trait Place: Sized {
    fn write(&self, out: &mut Vec<u8>);

    /// None: the bytes are no such place.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// A position or a version.
impl Place for u64 {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::from_be_bytes)
    }
}

/// Version, 1 where it is archived, name.
impl Place for AggregatePlace {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.version.get().to_be_bytes());
        out.push(self.archived.into());
        out.extend_from_slice(self.name.to_string().as_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first_chunk()?;
        let (archived, name) = rest.split_first()?;
        let archived = match archived {
            0 => false,
            1 => true,
            _ => return None,
        };
        let name = std::str::from_utf8(name).ok()?.parse().ok()?;
        Some(Self { name, version: Version::new(u64::from_be_bytes(*version)), archived })
    }
}

/// The cursor of a place.
pub(super) fn write(query: QueryId, place: &impl Place) -> String {
    let mut bytes = vec![FORMAT];
    bytes.extend_from_slice(&query.0);
    place.write(&mut bytes);
    bytes.extend_from_slice(&checksum(&bytes));
    BASE64.encode(bytes)
}

/// The place of a cursor that this query gave.
pub(super) fn read<P: Place>(query: QueryId, text: &str) -> Result<P, ApiError> {
    let Some((found, place)) = split(text) else {
        let message = "it is not what a listing gave as `next`: copy it whole";
        return Err(ApiError::parameter(ErrorCode::BadRequest, "cursor", "no-cursor", message));
    };
    if found != query {
        let message =
            "it belongs to another query: give it with the same domain, filter, order and bounds as the page before";
        return Err(ApiError::parameter(ErrorCode::Refused, "cursor", "other-query", message));
    }
    let message = "it names no place in this listing";
    P::read(&place).ok_or_else(|| ApiError::parameter(ErrorCode::BadRequest, "cursor", "no-cursor", message))
}

fn split(text: &str) -> Option<(QueryId, Vec<u8>)> {
    let bytes = BASE64.decode(text).ok()?;
    let (whole, sum) = bytes.split_last_chunk::<CHECKSUM>()?;
    let (format, rest) = whole.split_first()?;
    let (query, place) = rest.split_first_chunk()?;
    (*format == FORMAT && *sum == checksum(whole)).then(|| (QueryId(*query), place.to_vec()))
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let mut sum = [0; CHECKSUM];
    blake3::Hasher::new_derive_key("eventdbx cursor checksum").update(bytes).finalize_xof().fill(&mut sum);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(parts: &[Option<&str>]) -> QueryId {
        QueryId::of("events", &"default".parse().unwrap(), parts)
    }

    fn code(outcome: Result<impl Sized, ApiError>) -> (ErrorCode, String) {
        let error = outcome.err().unwrap().into_body().error;
        (error.code, error.reasons[0].code.clone())
    }

    #[test]
    fn a_cursor_is_the_place_that_it_was_made_of() {
        let id = query(&[Some("total > 1")]);
        for place in [0, 1, 4711, u64::MAX] {
            let cursor = write(id, &place);
            assert!(cursor.len() <= 28 && !cursor.contains(['=', '+', '/']), "{cursor}");
            assert_eq!(read::<u64>(id, &cursor).unwrap(), place);
        }
        let name = format!("order/{}", "x".repeat(128)).parse().unwrap();
        let place = AggregatePlace { name, version: Version::new(7), archived: true };
        assert_eq!(read::<AggregatePlace>(id, &write(id, &place)).unwrap(), place);
    }

    #[test]
    fn another_query_is_refused() {
        let cursor = write(query(&[Some("a"), None]), &7);
        for other in [&[None, Some("a")][..], &[Some("a")], &[Some("a"), Some("")], &[Some("b"), None], &[]] {
            assert_eq!(
                code(read::<u64>(query(other), &cursor)),
                (ErrorCode::Refused, "other-query".into()),
                "{other:?}"
            );
        }
        let elsewhere = QueryId::of("events", &"other".parse().unwrap(), &[Some("a"), None]);
        assert_eq!(code(read::<u64>(elsewhere, &cursor)).1, "other-query");
        let aggregates = QueryId::of("aggregates", &"default".parse().unwrap(), &[Some("a"), None]);
        assert_eq!(code(read::<u64>(aggregates, &cursor)).1, "other-query");
    }

    #[test]
    fn what_is_no_cursor_is_refused_whatever_was_done_to_it() {
        let id = query(&[]);
        let cursor = write(id, &7);
        for garbage in ["", "7", "order/o-1", "AAAA", "é", &cursor[1..], &format!("{cursor}A"), &"A".repeat(10_000)] {
            assert_eq!(code(read::<u64>(id, garbage)), (ErrorCode::BadRequest, "no-cursor".into()), "{garbage}");
        }
        for at in 0..cursor.len() {
            for letter in ["A", "z", "-", "!"].into_iter().filter(|letter| cursor[at..at + 1] != **letter) {
                let changed = format!("{}{letter}{}", &cursor[..at], &cursor[at + 1..]);
                assert_eq!(code(read::<u64>(id, &changed)).1, "no-cursor", "{changed}");
            }
        }
        assert_eq!(code(read::<AggregatePlace>(id, &cursor)).1, "no-cursor");
    }
}
