//! What changed between columns.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    super::{
        column::{Column, Field, Members, Quantity},
        place::Place,
        reference::Integrity,
        rules::{Bound, Choice, Length, Range, Rules},
        write,
    },
    Changes,
};

/// Digits of the largest integer, 2^53 − 1.
const INTEGER_DIGITS: u32 = 16;

impl Changes {
    /// Adds what changed between the columns of two objects, which their documents declare under `name`.
    pub(super) fn fields(&mut self, above: &Place<'_>, name: &str, old: &Members, new: &Members) {
        if old.additional != new.additional {
            let flag = |members: &Members| Value::Bool(members.additional);
            self.add(&above.member("additional"), Some(&flag(old)), Some(&flag(new)), !new.additional);
        }
        let place = above.member(name);
        let names: BTreeSet<&String> = old.fields.keys().chain(new.fields.keys()).collect();
        for name in names {
            let place = place.member(name);
            match (old.fields.get(name), new.fields.get(name)) {
                (Some(before), Some(after)) => self.field(&place, before, after),
                (None, Some(after)) => {
                    // Where others were allowed, it may have been there, as anything.
                    let narrows = after.required || old.additional;
                    self.add(&place, None, Some(&write::field(after)), narrows);
                }
                (Some(before), None) => self.add(&place, Some(&write::field(before)), None, !new.additional),
                (None, None) => {}
            }
        }
    }

    fn field(&mut self, place: &Place<'_>, old: &Field, new: &Field) {
        let nested = old.column.members().zip(new.column.members());
        self.members(place, &write::field(old), &write::field(new), |name| match name {
            "properties" | "additional" if nested.is_some() => None,
            _ => Some(narrows(name, old, new)),
        });
        if let Some((old, new)) = nested {
            self.fields(place, "properties", old, new);
        }
    }
}

/// Whether the change of a member of a column may refuse what was accepted.
fn narrows(name: &str, old: &Field, new: &Field) -> bool {
    let (before, after) = (&old.rules, &new.rules);
    match name {
        "type" => !widens(&old.column, &new.column, after),
        "required" => new.required,
        "locked" => new.locked,
        "hidden" | "note" => false,
        "format" => after.format.is_some(),
        "regex" => after.regex.is_some(),
        "contains" => after.contains.is_some(),
        "does_not_contain" => after.does_not_contain.is_some(),
        "length" => !before.length.lies_within(after.length),
        "range" => !before.range.lies_within(&after.range),
        "enum" => !are_among(before.choices.as_deref(), after.choices.as_deref()),
        // Given at all: only some members are allowed. Given no longer: all are.
        "properties" => new.column.members().is_some(),
        // Goes with `properties`.
        "additional" => false,
        "to" => matches!(&new.column, Column::Reference(target) if target.to.is_some()),
        "integrity" => matches!(&new.column, Column::Reference(target) if target.integrity == Integrity::Strong),
        "on_archive" => false,
        _ => true,
    }
}

/// Whether the new type takes all that the old one took. Rules that both have must mean the same for both.
fn widens(old: &Column, new: &Column, rules: &Rules) -> bool {
    match (old, new) {
        (_, Column::Json) | (Column::Integer, Column::Float) => true,
        (Column::Integer, Column::Decimal(new)) => new.digits() - new.scale() >= INTEGER_DIGITS,
        (Column::Decimal(old), Column::Decimal(new)) => {
            new.scale() >= old.scale() && new.digits() - new.scale() >= old.digits() - old.scale()
        }
        (Column::Timestamp | Column::Date | Column::Binary | Column::Reference(_), Column::Text) => {
            // Times are compared as times and bytes are counted as bytes, texts are neither.
            rules.choices.is_none() && rules.length == Length::default()
        }
        _ => false,
    }
}

impl Length {
    fn lies_within(self, other: Self) -> bool {
        other.min.is_none_or(|min| self.min.is_some_and(|own| own >= min))
            && other.max.is_none_or(|max| self.max.is_some_and(|own| own <= max))
    }
}

impl Range {
    fn lies_within(&self, other: &Self) -> bool {
        let compare = |own: &Option<Bound>, other: &Bound, fits: fn(&Quantity, &Quantity) -> bool| {
            own.as_ref()
                .is_some_and(|own| own.quantity.is_of_kind(&other.quantity) && fits(&own.quantity, &other.quantity))
        };
        other.min.as_ref().is_none_or(|min| compare(&self.min, min, Quantity::ge))
            && other.max.as_ref().is_none_or(|max| compare(&self.max, max, Quantity::le))
    }
}

/// Whether each of the old choices is one of the new ones.
fn are_among(old: Option<&[Choice]>, new: Option<&[Choice]>) -> bool {
    match (old, new) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(old), Some(new)) => old.iter().all(|choice| new.contains(choice)),
    }
}
