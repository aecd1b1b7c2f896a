//! What was seen of a member: which kinds of values, and what all of its texts had in common.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::super::{check::Reading, column, decimal, format::Format, parse::is_field_name, time};
use crate::limits;

/// What was seen of the members of an object.
#[derive(Debug, Default)]
pub(super) struct SeenMembers {
    /// How many states the object was seen in.
    pub(super) states: u64,
    /// There were members that cannot be declared, or for which there was no room.
    pub(super) open: bool,
    pub(super) fields: BTreeMap<String, SeenField>,
}

/// What was seen of a member.
#[derive(Debug, Default)]
pub(super) struct SeenField {
    /// How many states it was there in.
    pub(super) states: u64,
    /// An event removed it.
    pub(super) removed: bool,
    /// Values, of whatever kind.
    pub(super) values: u64,
    pub(super) kinds: Kinds,
    pub(super) texts: Texts,
    pub(super) members: SeenMembers,
}

/// The kinds of values that were seen.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    /// A null as a value, which a merge-patch cannot make.
    pub(super) null: bool,
    pub(super) boolean: bool,
    pub(super) integer: bool,
    pub(super) fraction: bool,
    pub(super) text: bool,
    pub(super) array: bool,
    pub(super) object: bool,
    /// An object in which nothing more is told apart.
    pub(super) deep: bool,
}

/// Formats that are guessed.
pub(super) const FORMATS: [Format; 4] = [Format::Uuid, Format::Email, Format::Url, Format::Ipv4];

/// Distinct texts that are kept, and proposed as an `enum` if there are no more.
pub(super) const DISTINCT: usize = 8;

/// Longest text that is kept, in bytes: a longer one names no choice.
const KEPT_BYTES: usize = 64;

/// What all texts had in common.
#[derive(Debug)]
pub(super) struct Texts {
    pub(super) timestamps: bool,
    pub(super) dates: bool,
    /// Digits before and after the point that all decimals have room in; none: not all were decimals.
    pub(super) digits: Option<(u32, u32)>,
    pub(super) formats: [bool; FORMATS.len()],
    /// None: too many.
    pub(super) distinct: Option<BTreeSet<String>>,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            timestamps: true,
            dates: true,
            digits: Some((0, 0)),
            formats: [true; FORMATS.len()],
            distinct: Some(BTreeSet::new()),
        }
    }
}

impl SeenMembers {
    /// `room`: how many columns may still be made.
    pub(super) fn observe(&mut self, object: &Map<String, Value>, reading: Reading, depth: usize, room: &mut usize) {
        self.states += u64::from(reading == Reading::State);
        for (name, value) in object {
            if !self.fields.contains_key(name) {
                if *room == 0 || !is_field_name(name) {
                    self.open = true;
                    continue;
                }
                *room -= 1;
            }
            self.fields.entry(name.clone()).or_default().observe(value, reading, depth, room);
        }
    }
}

impl SeenField {
    fn observe(&mut self, value: &Value, reading: Reading, depth: usize, room: &mut usize) {
        match value {
            Value::Null if reading == Reading::Merge => {
                self.removed = true;
                return;
            }
            Value::Null => {
                self.kinds.null = true;
                return;
            }
            Value::Bool(_) => self.kinds.boolean = true,
            Value::Number(number) if column::integer(number).is_some() => self.kinds.integer = true,
            Value::Number(_) => self.kinds.fraction = true,
            Value::String(text) => {
                self.kinds.text = true;
                self.texts.observe(text);
            }
            Value::Array(_) => self.kinds.array = true,
            Value::Object(_) if depth == limits::SCHEMA_DEPTH => self.kinds.deep = true,
            Value::Object(object) => {
                self.kinds.object = true;
                self.members.observe(object, reading, depth + 1, room);
            }
        }
        self.values += 1;
        self.states += u64::from(reading == Reading::State);
    }
}

impl Texts {
    fn observe(&mut self, text: &str) {
        self.timestamps = self.timestamps && time::timestamp(text).is_some();
        self.dates = self.dates && time::date(text).is_some();
        self.digits = self.digits.and_then(|(whole, scale)| {
            let (other_whole, other_scale) = decimal::digits_of(text)?;
            Some((whole.max(other_whole), scale.max(other_scale)))
        });
        for (fits, format) in self.formats.iter_mut().zip(FORMATS) {
            *fits = *fits && format.fits(text);
        }
        if let Some(distinct) = &mut self.distinct
            && !distinct.contains(text)
        {
            if distinct.len() == DISTINCT || text.len() > KEPT_BYTES {
                self.distinct = None;
            } else {
                distinct.insert(text.to_owned());
            }
        }
    }
}
