//! A schema in the words of JSON Schema (draft 2020-12), for tools that know those. What JSON Schema cannot say (exact
//! bounds of decimals, what is locked) is left out or said in a description: it accepts all that the schema accepts.

use serde_json::{Map, Value, json};

use super::{
    column::{Column, Field, MAX_INTEGER, Members, Quantity},
    document::{EventRules, SchemaDocument},
    format::Format,
    rules::{Choice, Rules},
};

/// The JSON Schema of the aggregate's state, with the payload of each listed event under `$defs`.
#[must_use]
pub fn json_schema(document: &SchemaDocument) -> Value {
    let mut schema = object(&document.members, Nulls::AreNulls);
    schema.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".into(), document.aggregate.as_str().into());
    describe(&mut schema, document.note.as_deref());
    let payload = |rules: &EventRules| Value::Object(event(rules, &document.members));
    let events: Map<String, Value> =
        document.events.iter().map(|(name, rules)| (name.clone(), payload(rules))).collect();
    if !events.is_empty() {
        schema.insert("$defs".into(), Value::Object(events));
    }
    Value::Object(schema)
}

/// What a null says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nulls {
    /// In a state it is a value.
    AreNulls,
    /// In a payload it removes its member, so that any that is not required may be null, and none has to be there.
    Remove,
}

fn event(rules: &EventRules, members: &Members) -> Map<String, Value> {
    let carried = members.fields.iter().filter(|(name, _)| rules.carries(name));
    let fields = carried.map(|(name, field)| (name.clone(), field.clone())).collect();
    let members = Members { additional: members.additional && rules.fields.is_none(), fields };
    let mut schema = object(&members, Nulls::Remove);
    if !rules.required.is_empty() {
        schema.insert("required".into(), rules.required.iter().cloned().collect());
    }
    describe(&mut schema, rules.note.as_deref());
    schema
}

fn object(members: &Members, nulls: Nulls) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".into(), "object".into());
    let properties: Map<String, Value> =
        members.fields.iter().map(|(name, field)| (name.clone(), property(field, nulls))).collect();
    schema.insert("properties".into(), Value::Object(properties));
    let required: Vec<Value> =
        members.fields.iter().filter(|(_, field)| field.required).map(|(name, _)| name.as_str().into()).collect();
    if nulls == Nulls::AreNulls && !required.is_empty() {
        schema.insert("required".into(), Value::Array(required));
    }
    if !members.additional {
        schema.insert("additionalProperties".into(), false.into());
    }
    schema
}

fn property(field: &Field, nulls: Nulls) -> Value {
    let mut schema = column(&field.column, nulls);
    rules(&field.rules, &mut schema);
    if nulls == Nulls::Remove && !field.required && field.column != Column::Json {
        schema = Map::from_iter([("anyOf".to_owned(), json!([schema, {"type": "null"}]))]);
    }
    describe(&mut schema, field.note.as_deref());
    if field.locked {
        schema.insert("readOnly".into(), true.into());
    }
    Value::Object(schema)
}

fn describe(schema: &mut Map<String, Value>, note: Option<&str>) {
    if let Some(note) = note {
        schema.insert("description".into(), note.into());
    }
}

fn column(column: &Column, nulls: Nulls) -> Map<String, Value> {
    let schema = match column {
        Column::Integer => json!({"type": "integer", "minimum": -(MAX_INTEGER as i64), "maximum": MAX_INTEGER}),
        Column::Float => json!({"type": "number"}),
        Column::Decimal(precision) => {
            let (whole, scale) = (precision.digits() - precision.scale(), precision.scale());
            let whole = if whole == 0 { "0".to_owned() } else { format!("(0|[1-9][0-9]{{0,{}}})", whole - 1) };
            let fraction = if scale == 0 { String::new() } else { format!("(\\.[0-9]{{1,{scale}}})?") };
            json!({"type": ["string", "number"], "pattern": format!("^-?{whole}{fraction}$")})
        }
        Column::Boolean => json!({"type": "boolean"}),
        Column::Text => json!({"type": "string"}),
        Column::Timestamp => json!({"type": "string", "format": "date-time"}),
        Column::Date => json!({"type": "string", "format": "date"}),
        // What an extension asks for has no other words than its own.
        Column::Json | Column::Foreign(_) => json!({}),
        Column::Binary => json!({"type": "string", "contentEncoding": "base64"}),
        Column::Object(None) => json!({"type": "object"}),
        Column::Object(Some(members)) => return object(members, nulls),
        Column::Reference(target) => {
            let kind = target.to.as_ref().map_or("[a-z][a-z0-9_]*", |to| to.as_str());
            json!({"type": "string", "pattern": format!("^(([a-z][a-z0-9_-]*#)?{kind})?#[A-Za-z0-9][A-Za-z0-9_.:-]*$")})
        }
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn rules(rules: &Rules, schema: &mut Map<String, Value>) {
    let is_text = schema.get("type").is_some_and(|kind| kind == "string") && !schema.contains_key("contentEncoding");
    if is_text {
        let bounds = [("minLength", rules.length.min), ("maxLength", rules.length.max)];
        schema.extend(bounds.into_iter().filter_map(|(name, bound)| Some((name.to_owned(), bound?.into()))));
    }
    let bounds = [("minimum", &rules.range.min), ("maximum", &rules.range.max)];
    if schema.get("type").is_some_and(|kind| kind == "integer" || kind == "number") {
        schema.extend(
            bounds.into_iter().filter_map(|(name, bound)| Some((name.to_owned(), bound.as_ref()?.written.clone()))),
        );
    }
    if let Some(name) = rules.format.and_then(known_format) {
        schema.insert("format".into(), name.into());
    }
    let patterns: Vec<Value> = [
        rules.regex.as_ref().map(|pattern| json!({"pattern": pattern.as_str()})),
        rules.contains.as_ref().map(|part| json!({"pattern": regex::escape(part)})),
        rules.does_not_contain.as_ref().map(|part| json!({"not": {"pattern": regex::escape(part)}})),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !patterns.is_empty() {
        schema.insert("allOf".into(), Value::Array(patterns));
    }
    if let Some(choices) = &rules.choices
        && choices.iter().all(is_compared_as_written)
    {
        schema.insert("enum".into(), choices.iter().map(|choice| choice.written.clone()).collect());
    }
}

/// Times and decimals are equal although they are written differently; to JSON Schema they are not.
fn is_compared_as_written(choice: &Choice) -> bool {
    matches!(choice.quantity, None | Some(Quantity::Integer(_) | Quantity::Float(_)))
}

/// What JSON Schema calls a format, where it has a name for it.
fn known_format(format: Format) -> Option<&'static str> {
    Some(match format {
        Format::Email => "email",
        Format::Url => "uri",
        Format::Uuid => "uuid",
        Format::Ipv4 => "ipv4",
        Format::Ipv6 => "ipv6",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
