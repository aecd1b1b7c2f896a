//! Columns: the type of a member, and how a JSON value is read as one of it.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Number, Value};

use super::{
    decimal::Precision,
    foreign::ForeignType,
    reference::{Reference, Target},
    rules::Rules,
    time,
};

/// A declared member.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) column: Column,
    pub(super) rules: Rules,
    /// It must be there in the state after each event.
    pub(super) required: bool,
    /// Removed from what goes out.
    pub(super) hidden: bool,
    /// No event may touch it any more.
    pub(super) locked: bool,
    pub(super) note: Option<String>,
}

/// The members of an object: those that are declared, and whether there may be others.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Members {
    pub(super) additional: bool,
    pub(super) fields: BTreeMap<String, Field>,
}

/// The type of a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Column {
    /// A whole number within ±(2^53−1).
    Integer,
    /// A finite number.
    Float,
    /// An exact decimal, as text or as a number whose shortest form fits.
    Decimal(Precision),
    Boolean,
    Text,
    /// A date-time of RFC 3339 with its offset.
    Timestamp,
    /// A full-date of RFC 3339.
    Date,
    /// Anything.
    Json,
    /// Standard base64 with padding.
    Binary,
    /// An object; with columns of its own or without.
    Object(Option<Members>),
    /// The name of another aggregate.
    Reference(Target),
    /// A type that an extension brings, which decides about its values.
    Foreign(ForeignType),
}

/// Names of the types; `decimal` is followed by its digits.
pub(super) const TYPES: [&str; 11] =
    ["integer", "float", "decimal", "boolean", "text", "timestamp", "date", "json", "binary", "object", "reference"];

/// A value as its column reads it. What can be compared is a [`Quantity`].
pub(super) enum Read<'v> {
    Quantity(Quantity),
    Boolean(bool),
    Text(&'v str),
    /// So many bytes.
    Binary(u64),
    /// Judged elsewhere or not at all.
    Whole,
}

/// A value that has an order. Those of one column are of one kind.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub(super) enum Quantity {
    Integer(i64),
    Float(f64),
    /// In units of the last digit.
    Decimal(i128),
    Timestamp(jiff::Timestamp),
    Date(jiff::civil::Date),
}

impl Quantity {
    /// Whether both come from columns whose values can be compared.
    pub(super) fn is_of_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl Column {
    /// The type as it is written, without what stands in members of its own.
    pub(super) fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Decimal(p) => return Cow::Owned(format!("decimal({},{})", p.digits(), p.scale())),
            Self::Boolean => "boolean",
            Self::Text => "text",
            Self::Timestamp => "timestamp",
            Self::Date => "date",
            Self::Json => "json",
            Self::Binary => "binary",
            Self::Object(_) => "object",
            Self::Reference(_) => "reference",
            Self::Foreign(column) => return Cow::Owned(column.name.clone()),
        })
    }

    /// What the type asks for, in words.
    pub(super) fn description(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Integer => "an integer within ±(2^53−1)",
            Self::Float => "a number",
            Self::Decimal(p) => {
                let (digits, scale) = (p.digits(), p.scale());
                return Cow::Owned(format!(
                    "a decimal with at most {} digits before and {scale} after the point, e.g. as a text",
                    digits - scale
                ));
            }
            Self::Boolean => "true or false",
            Self::Text => "a text",
            Self::Timestamp => "a time with offset as RFC 3339 writes it, e.g. 2013-01-01T05:15:00-05:00",
            Self::Date => "a date, e.g. 2013-01-31",
            Self::Json => "a value",
            Self::Binary => "bytes in standard base64 with padding",
            Self::Object(_) => "an object",
            Self::Reference(target) => return Cow::Owned(target.to_string()),
            Self::Foreign(column) => return Cow::Owned(format!("a value of the type {}", column.name)),
        })
    }

    /// Reads a value; none: it is not of the type.
    pub(super) fn read<'v>(&self, value: &'v Value) -> Option<Read<'v>> {
        let quantity = match (self, value) {
            (Self::Integer, Value::Number(number)) => Quantity::Integer(integer(number)?),
            (Self::Float, Value::Number(number)) => Quantity::Float(number.as_f64().filter(|f| f.is_finite())?),
            (Self::Decimal(precision), Value::String(text)) => Quantity::Decimal(precision.read(text)?),
            (Self::Decimal(precision), Value::Number(number)) => Quantity::Decimal(precision.read_number(number)?),
            (Self::Timestamp, Value::String(text)) => Quantity::Timestamp(time::timestamp(text)?),
            (Self::Date, Value::String(text)) => Quantity::Date(time::date(text)?),
            (Self::Boolean, Value::Bool(truth)) => return Some(Read::Boolean(*truth)),
            (Self::Text, Value::String(text)) => return Some(Read::Text(text)),
            (Self::Reference(_), Value::String(text)) => {
                return text.parse::<Reference>().is_ok().then_some(Read::Text(text));
            }
            (Self::Binary, Value::String(text)) => return decoded_length(text).map(Read::Binary),
            (Self::Foreign(_), Value::Null) => return None,
            (Self::Object(_), Value::Object(_)) | (Self::Json | Self::Foreign(_), _) => return Some(Read::Whole),
            _ => return None,
        };
        Some(Read::Quantity(quantity))
    }

    /// Whether values have an order, so that a range can be asked for.
    pub(super) fn is_ordered(&self) -> bool {
        matches!(self, Self::Integer | Self::Float | Self::Decimal(_) | Self::Timestamp | Self::Date)
    }

    /// Whether values can be listed.
    pub(super) fn is_scalar(&self) -> bool {
        !matches!(self, Self::Json | Self::Binary | Self::Object(_) | Self::Foreign(_))
    }

    /// The columns of an object.
    pub(super) fn members(&self) -> Option<&Members> {
        match self {
            Self::Object(members) => members.as_ref(),
            _ => None,
        }
    }
}

/// 2^53 − 1.
pub(super) const MAX_INTEGER: u64 = (1 << 53) - 1;

/// The number as an integer within ±(2^53−1), also where it is written as `1.0` or `1e2`.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "both are exact up to 2^53")]
pub(super) fn integer(number: &Number) -> Option<i64> {
    match number.as_i64() {
        Some(integer) => (integer.unsigned_abs() <= MAX_INTEGER).then_some(integer),
        None => {
            let double = number.as_f64()?;
            (double.fract() == 0.0 && double.abs() <= MAX_INTEGER as f64).then_some(double as i64)
        }
    }
}

/// How many bytes a base64 text stands for; none: it is not base64. Decoded piece by piece, so that nothing is allocated.
fn decoded_length(text: &str) -> Option<u64> {
    const PIECE: usize = 1024;
    let mut bytes = [0; PIECE / 4 * 3];
    let mut length = 0;
    let mut pieces = text.as_bytes().chunks(PIECE).peekable();
    while let Some(piece) = pieces.next() {
        let decoded = STANDARD.decode_slice(piece, &mut bytes).ok()?;
        // Padding stands at the end of the text, not of a piece.
        if pieces.peek().is_some() && decoded < bytes.len() {
            return None;
        }
        length += decoded as u64;
    }
    Some(length)
}

#[cfg(test)]
mod tests;
