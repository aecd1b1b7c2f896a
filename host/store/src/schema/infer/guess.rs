//! From what was seen to columns that accept it.

use super::{
    super::{
        column::{Column, Field, Members},
        decimal::{MAX_DIGITS, Precision},
        rules::{Choice, Rules},
    },
    seen::{FORMATS, SeenField, SeenMembers, Texts},
};

/// Texts that must have been seen before they are taken to have a format.
const FOR_FORMAT: u64 = 8;

/// Texts that must have been seen before the few that differ are taken to be all that there are.
const FOR_ENUM: u64 = 20;

/// Digits of a decimal, unless more were seen: what is to come is often larger than what was.
const DECIMAL_DIGITS: u32 = 18;

impl SeenMembers {
    pub(super) fn guess(&self) -> Members {
        let field = |seen: &SeenField| {
            let (column, rules) = seen.column();
            // A null in a state counts as missing.
            let required = self.states > 0 && seen.states == self.states && !seen.removed;
            Field { column, rules, required, hidden: false, locked: false, note: None }
        };
        let fields = self.fields.iter().map(|(name, seen)| (name.clone(), field(seen))).collect();
        Members { additional: self.open, fields }
    }
}

impl SeenField {
    fn column(&self) -> (Column, Rules) {
        let kinds = &self.kinds;
        let (number, object) = (kinds.integer || kinds.fraction, kinds.object || kinds.deep);
        let column = match (kinds.null || kinds.array, kinds.boolean, number, kinds.text, object) {
            (false, true, false, false, false) => Column::Boolean,
            (false, false, true, false, false) if kinds.fraction => Column::Float,
            (false, false, true, false, false) => Column::Integer,
            (false, false, false, true, false) => return self.texts.column(self.values),
            // Of objects that are all empty nothing is known.
            (false, false, false, false, true) if kinds.deep || self.members.is_empty() => Column::Object(None),
            (false, false, false, false, true) => Column::Object(Some(self.members.guess())),
            _ => Column::Json,
        };
        (column, Rules::default())
    }
}

impl SeenMembers {
    fn is_empty(&self) -> bool {
        self.fields.is_empty() && !self.open
    }
}

impl Texts {
    fn column(&self, values: u64) -> (Column, Rules) {
        if self.timestamps {
            return (Column::Timestamp, Rules::default());
        }
        if self.dates {
            return (Column::Date, Rules::default());
        }
        if let Some(precision) = self.precision() {
            return (Column::Decimal(precision), Rules::default());
        }
        let format = FORMATS.into_iter().zip(self.formats).find(|(_, fits)| *fits && values >= FOR_FORMAT);
        let mut rules = Rules { format: format.map(|(format, _)| format), ..Rules::default() };
        if rules.format.is_none() && values >= FOR_ENUM {
            let choice = |text: &String| Choice { written: text.as_str().into(), quantity: None };
            rules.choices = self.distinct.as_ref().map(|texts| texts.iter().map(choice).collect());
        }
        (Column::Text, rules)
    }

    /// Room for all decimals, if at least one has a fraction: digits alone may as well be a code.
    fn precision(&self) -> Option<Precision> {
        let (whole, scale) = self.digits.filter(|(_, scale)| *scale > 0)?;
        let digits = (whole + scale).max(DECIMAL_DIGITS);
        (digits <= MAX_DIGITS).then(|| Precision::new(digits, scale)).flatten()
    }
}
