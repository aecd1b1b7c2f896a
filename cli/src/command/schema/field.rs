//! `dbx schema field`: one field, its type and its rules.

use serde_json::{Map, Value, json};

use super::{
    Kind,
    document::{How, edit, holder, no_field},
};
use crate::{
    fail::{self, Failure},
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    kind: Kind,
    /// The field; address.city (or /address/city) leads into an object, which is made if it is not there
    #[arg(value_name = "FIELD")]
    field: String,
    /// integer, float, decimal(p,s), boolean, text, timestamp, date, json, binary, object or reference
    #[arg(long = "type", value_name = "TYPE")]
    column: Option<String>,
    /// It must be there after each event
    #[arg(long)]
    required: bool,
    /// What a text looks like: email, url, uuid, ip, country-code, currency, duration, point, snake-case …
    #[arg(long, value_name = "FORMAT")]
    text_format: Option<String>,
    /// The least value
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    min: Option<String>,
    /// The greatest value
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    max: Option<String>,
    /// The least length, in characters, of binary in bytes
    #[arg(long, value_name = "N")]
    length_min: Option<u64>,
    /// The greatest length, in characters, of binary in bytes
    #[arg(long, value_name = "N")]
    length_max: Option<u64>,
    /// A regular expression that must match somewhere in the text
    #[arg(long, value_name = "REGEX", allow_hyphen_values = true)]
    regex: Option<String>,
    /// A value that is allowed; may be repeated, and then only those are
    #[arg(long = "enum", value_name = "VALUE", allow_hyphen_values = true)]
    choices: Vec<String>,
    /// What the text must contain
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    contains: Option<String>,
    /// What the text must not contain
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    does_not_contain: Option<String>,
    /// Of a reference: the type of the aggregates that it may name
    #[arg(long, value_name = "TYPE")]
    to: Option<String>,
    /// Of a reference: strong (the aggregate must exist) or weak
    #[arg(long, value_name = "INTEGRITY")]
    integrity: Option<String>,
    /// Of a reference: keep, restrict or nullify, when what it names is archived
    #[arg(long, value_name = "ACTION")]
    on_archive: Option<String>,
    /// A remark for people
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Take a rule away, by its name in the schema, e.g. required, range or enum; may be repeated
    #[arg(long, value_name = "RULE")]
    unset: Vec<String>,
    /// Remove the field
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    how: How,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        edit(session, &self.kind.kind, &self.how, |document| self.change(document)).await
    }

    fn change(&self, document: &mut Map<String, Value>) -> anyhow::Result<()> {
        if self.remove {
            let (fields, name) = holder(document, &self.field, false)?;
            return if fields.remove(&name).is_some() { Ok(()) } else { Err(no_field(&self.field).into()) };
        }
        let (fields, name) = holder(document, &self.field, true)?;
        let field = fields.entry(name).or_insert_with(|| json!({}));
        let Value::Object(field) = field else { return Err(no_field(&self.field).into()) };
        if let Some(column) = &self.column {
            field.insert("type".to_owned(), column.as_str().into());
        }
        let Some(column) = field.get("type").and_then(Value::as_str).map(str::to_owned) else {
            let message = format!("{} is new: a new field needs a --type", self.field);
            return Err(Failure::new(fail::Kind::Usage, message).into());
        };
        for rule in &self.unset {
            field.remove(&rule.replace('-', "_"));
        }
        self.rules(field, &column);
        Ok(())
    }

    fn rules(&self, field: &mut Map<String, Value>, column: &str) {
        if self.required {
            field.insert("required".to_owned(), true.into());
        }
        let texts = [
            ("format", &self.text_format),
            ("regex", &self.regex),
            ("contains", &self.contains),
            ("does_not_contain", &self.does_not_contain),
            ("to", &self.to),
            ("integrity", &self.integrity),
            ("on_archive", &self.on_archive),
            ("note", &self.note),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                field.insert(name.to_owned(), text.as_str().into());
            }
        }
        let bound = |text: &Option<String>| text.as_ref().map(|text| value(column, text));
        limit(field, "range", bound(&self.min), bound(&self.max));
        limit(field, "length", self.length_min.map(Value::from), self.length_max.map(Value::from));
        if !self.choices.is_empty() {
            field.insert("enum".to_owned(), self.choices.iter().map(|text| value(column, text)).collect());
        }
    }
}

/// Sets one or both ends of a rule; the other stays as it was.
fn limit(field: &mut Map<String, Value>, name: &str, min: Option<Value>, max: Option<Value>) {
    for (end, value) in [("min", min), ("max", max)] {
        let Some(value) = value else { continue };
        if let Value::Object(ends) = field.entry(name).or_insert_with(|| json!({})) {
            ends.insert(end.to_owned(), value);
        }
    }
}

/// A value of a column. What is none stays a text, for the daemon to refuse: it says it better than we could.
fn value(column: &str, text: &str) -> Value {
    let is_typed = matches!(column, "integer" | "float" | "boolean");
    let typed = is_typed.then(|| serde_json::from_str::<Value>(text).ok()).flatten();
    typed.filter(|value| value.is_number() || value.is_boolean()).unwrap_or_else(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_of_their_column() {
        assert_eq!(value("integer", "-5"), json!(-5));
        assert_eq!(value("float", "1e3"), json!(1000.0));
        assert_eq!(value("boolean", "true"), json!(true));
        assert_eq!(value("decimal(5,2)", "1.50"), json!("1.50"));
        assert_eq!(value("text", "1"), json!("1"));
        assert_eq!(value("integer", "many"), json!("many"));
    }
}
