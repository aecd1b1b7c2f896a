//! Reads columns: their types, flags and nested columns.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    super::{
        column::{Column, Field, Members, TYPES},
        decimal::Precision,
        document::Known,
        fault::Faults,
        foreign::ForeignType,
        place::Place,
        reference::{Integrity, OnArchive, Target},
        violation::{quoted, suggestion},
    },
    node::Object,
    rules,
};
use crate::{AggregateType, limits};

/// What is left of the limits on a document's columns while they are read.
pub(super) struct Budget<'k> {
    /// The types that there are besides those that are built in.
    known: Known<'k>,
    fields: usize,
    depth: usize,
    pub(super) regexes: usize,
    /// The schema is locked as a whole.
    locked: bool,
}

impl<'k> Budget<'k> {
    pub(super) fn new(locked: bool, known: Known<'k>) -> Self {
        Self {
            known,
            fields: limits::SCHEMA_FIELDS,
            depth: limits::SCHEMA_DEPTH,
            regexes: limits::SCHEMA_REGEXES,
            locked,
        }
    }
}

const COMMON: [&str; 5] = ["type", "required", "hidden", "locked", "note"];

/// Whether a column takes a member, and which columns do.
type Applies = (&'static str, fn(&Column) -> bool, &'static str);

/// The members that only some columns take.
const SPECIAL: [Applies; 13] = [
    ("format", |column| matches!(column, Column::Text), "text"),
    ("length", |column| matches!(column, Column::Text | Column::Binary), "text and binary"),
    ("range", Column::is_ordered, "integer, float, decimal, timestamp and date"),
    ("regex", |column| matches!(column, Column::Text), "text"),
    ("contains", |column| matches!(column, Column::Text), "text"),
    ("does_not_contain", |column| matches!(column, Column::Text), "text"),
    ("enum", Column::is_scalar, "all types but json, binary and object"),
    ("properties", |column| matches!(column, Column::Object(_)), "object"),
    ("additional", |column| matches!(column, Column::Object(Some(_))), "object with `properties`"),
    ("to", |column| matches!(column, Column::Reference(_)), "reference"),
    ("integrity", |column| matches!(column, Column::Reference(_)), "reference"),
    ("on_archive", |column| matches!(column, Column::Reference(_)), "reference"),
    ("params", |column| matches!(column, Column::Foreign(_)), "types of extensions"),
];

/// Reads the members that an object declares under `name`, and its `additional`.
pub(super) fn members(object: &Object<'_>, name: &str, budget: &mut Budget<'_>, faults: &mut Faults) -> Members {
    let additional = object.flag("additional", faults);
    let fields = object.get(name).and_then(|node| node.object(faults));
    let fields = fields.map(|fields| read_fields(&fields, budget, faults)).unwrap_or_default();
    Members { additional, fields }
}

fn read_fields(object: &Object<'_>, budget: &mut Budget<'_>, faults: &mut Faults) -> BTreeMap<String, Field> {
    let mut fields = BTreeMap::new();
    for (name, node) in object.iter() {
        if budget.fields == 0 {
            let most = limits::SCHEMA_FIELDS;
            faults.add(&object.place, "too-many-fields", format!("more than SCHEMA_FIELDS allows ({most}) in all"));
            break;
        }
        budget.fields -= 1;
        if !is_field_name(name) {
            let most = limits::NAME_BYTES;
            faults.add(
                &node.place,
                "bad-name",
                format!("a field name has 1 to {most} bytes and no control characters"),
            );
        }
        if let Some(field) = node.object(faults).and_then(|object| read_field(&object, budget, faults)) {
            fields.insert(name.to_owned(), field);
        }
    }
    fields
}

/// Whether a member can be declared.
pub(in crate::schema) fn is_field_name(name: &str) -> bool {
    (1..=limits::NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control)
}

fn read_field(object: &Object<'_>, budget: &mut Budget<'_>, faults: &mut Faults) -> Option<Field> {
    let known: Vec<&str> = COMMON.into_iter().chain(SPECIAL.iter().map(|(name, ..)| *name)).collect();
    object.only(&known, faults);
    let (required, locked) = (object.flag("required", faults), object.flag("locked", faults));
    if required && locked && !budget.locked {
        let message = "a locked field can no longer be set, so a required one would refuse every new aggregate: take \
                       away `required`, or lock the whole schema";
        faults.add(&object.place, "locked-required", message);
    }
    let (hidden, note) = (object.flag("hidden", faults), object.note(faults));
    let column = read_column(object, budget, faults)?;
    for (name, applies, types) in &SPECIAL {
        if let Some(node) = object.get(name)
            && !applies(&column)
        {
            let message = format!("does not apply to {}, but to {types}: remove it", column.name());
            faults.add(&node.place, "rule-does-not-apply", message);
        }
    }
    if required && let Column::Reference(Target { on_archive: OnArchive::Nullify, .. }) = &column {
        let message = "a required reference cannot be removed when what it names is archived: take away `required`, or \
                       let `on_archive` be restrict or keep";
        faults.add(&object.place, "nullify-required", message);
    }
    let rules = rules::rules(object, &column, budget, faults);
    Some(Field { column, rules, required, hidden, locked, note })
}

fn read_column(object: &Object<'_>, budget: &mut Budget<'_>, faults: &mut Faults) -> Option<Column> {
    let Some(node) = object.get("type") else {
        let message = format!("`type` is missing: one of {}", TYPES.join(", "));
        faults.add(&object.place, "missing", message);
        return None;
    };
    let column = match node.text(faults)? {
        "integer" => Column::Integer,
        "float" => Column::Float,
        "boolean" => Column::Boolean,
        "text" => Column::Text,
        "timestamp" => Column::Timestamp,
        "date" => Column::Date,
        "json" => Column::Json,
        "binary" => Column::Binary,
        "object" => Column::Object(properties(object, budget, faults)),
        "reference" => Column::Reference(target(object, faults)),
        name if name == "decimal" || name.starts_with("decimal(") => {
            Column::Decimal(decimal(name, &node.place, faults)?)
        }
        name => {
            let provided: Vec<&str> = match budget.known {
                Known::Provided(provided) => provided.types.keys().map(String::as_str).collect(),
                Known::BuiltIn | Known::Any => Vec::new(),
            };
            if provided.contains(&name) || matches!(budget.known, Known::Any) && is_foreign_name(name) {
                return Some(Column::Foreign(foreign(name, object, faults)));
            }
            let all: Vec<&str> = TYPES.into_iter().chain(provided).collect();
            let nearest = suggestion(name, all.iter().copied(), faults.0.len());
            let message = format!("{} is not a type{nearest}: one of {}", quoted(name), all.join(", "));
            faults.add(&node.place, "unknown-type", message);
            return None;
        }
    };
    Some(column)
}

/// Whether an extension can bring something of this name.
pub(in crate::schema) fn is_foreign_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=64).contains(&name.len()) && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain)
}

/// The parameters are judged by the extension.
fn foreign(name: &str, object: &Object<'_>, faults: &mut Faults) -> ForeignType {
    ForeignType { name: name.to_owned(), params: params(object, faults) }
}

/// The parameters of what an extension brings, a JSON object as text.
pub(super) fn params(object: &Object<'_>, faults: &mut Faults) -> String {
    let params = object.get("params").and_then(|node| node.object(faults));
    params.map_or_else(|| "{}".to_owned(), |params| Value::Object(params.members.clone()).to_string())
}

fn decimal(name: &str, place: &Place<'_>, faults: &mut Faults) -> Option<Precision> {
    let digits = name.strip_prefix("decimal(").and_then(|rest| rest.strip_suffix(')')?.split_once(','));
    let number = |text: &str| {
        let text = text.trim();
        let plain = text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<u32>().ok()).flatten()
    };
    let precision = digits.and_then(|(all, after)| Precision::new(number(all)?, number(after)?));
    if precision.is_none() {
        let message =
            "write decimal(p,s): p digits in all, 1 to 38, s of them after the point, at most p; e.g. decimal(12,2)";
        faults.add(place, "bad-decimal", message);
    }
    precision
}

fn properties(object: &Object<'_>, budget: &mut Budget<'_>, faults: &mut Faults) -> Option<Members> {
    let node = object.get("properties")?;
    if budget.depth == 0 {
        let most = limits::SCHEMA_DEPTH;
        let message = format!("nested deeper than SCHEMA_DEPTH allows ({most}): leave `properties` out here");
        faults.add(&node.place, "too-deep", message);
        return None;
    }
    budget.depth -= 1;
    let members = members(object, "properties", budget, faults);
    budget.depth += 1;
    Some(members)
}

fn target(object: &Object<'_>, faults: &mut Faults) -> Target {
    let to = object
        .get("to")
        .and_then(|node| super::client_name(node.text(faults)?, &node.place, AggregateType::is_system, faults));
    let integrity = object.choice("integrity", &Integrity::NAMES, faults);
    let on_archive = match object.get("on_archive") {
        Some(_) => object.choice("on_archive", &OnArchive::NAMES, faults),
        None => OnArchive::usual(integrity),
    };
    Target { to, integrity, on_archive }
}
