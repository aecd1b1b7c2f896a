//! The configuration of a plugin against the JSON Schema that the plugin declares.
//!
//! The schema is foreign, and its configuration may hold secrets. So what it costs to apply one is bounded before it is
//! applied: references lead to places in the schema itself and never in a circle, what they unfold to is counted, patterns
//! are few, small and matched in linear time, and nothing is fetched. And what is wrong is told by places and rules; a value
//! is never repeated.

use std::collections::BTreeMap;

use jsonschema::{Draft, PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value};

use crate::limits::{CONFIG_BYTES, CONFIG_CHECKS, CONFIG_SCHEMA_BYTES, CONFIG_SCHEMA_PATTERNS, CONFIG_SCHEMA_PLACES};

/// Memory for one pattern.
const PATTERN_BYTES: usize = 1 << 20;
/// Violations that are told at once.
const VIOLATIONS: usize = 50;

/// Checks a configuration, a JSON object with its secrets put in, against a schema. All that is wrong is told at once.
pub(super) fn check(schema: &str, config: &str) -> Result<(), Vec<String>> {
    let unusable = |fault| vec![format!("the schema of its configuration: {fault}")];
    let (validator, places) = validator(schema).map_err(unusable)?;
    if config.len() > CONFIG_BYTES {
        let size = config.len();
        return Err(vec![format!("the configuration has {size} bytes, and the limit CONFIG_BYTES is {CONFIG_BYTES}")]);
    }
    let config: Value = serde_json::from_str(config).map_err(|error| vec![format!("the configuration: {error}")])?;
    if places.saturating_mul(values(&config)) > CONFIG_CHECKS {
        return Err(vec![format!(
            "the configuration is too large for its schema: places of the one times values of the other are more than \
             CONFIG_CHECKS = {CONFIG_CHECKS}"
        )]);
    }
    let mut faults: Vec<_> = validator.iter_errors(&config).take(VIOLATIONS + 1).map(|error| told(&error)).collect();
    if faults.len() > VIOLATIONS {
        faults.truncate(VIOLATIONS);
        faults.push("… and more".to_owned());
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// The values in a value, itself included.
fn values(value: &Value) -> u64 {
    1 + match value {
        Value::Array(elements) => elements.iter().map(values).sum(),
        Value::Object(members) => members.values().map(values).sum(),
        _ => 0,
    }
}

/// What is wrong and where, without the value.
fn told(error: &ValidationError<'_>) -> String {
    let place = error.instance_path().to_string();
    if place.is_empty() && matches!(error.kind(), ValidationErrorKind::FalseSchema) {
        return "the plugin takes no configuration: leave it empty".to_owned();
    }
    let place = if place.is_empty() { "the configuration".to_owned() } else { format!("the configuration at {place}") };
    format!("{place}: {}", error.masked_with("it"))
}

/// A schema ready to be applied, and how many places it has.
fn validator(schema: &str) -> Result<(Validator, u64), String> {
    if schema.len() > CONFIG_SCHEMA_BYTES {
        let size = schema.len();
        return Err(format!("it has {size} bytes, and the limit CONFIG_SCHEMA_BYTES is {CONFIG_SCHEMA_BYTES}"));
    }
    let schema: Value = serde_json::from_str(schema).map_err(|error| error.to_string())?;
    let mut survey = Survey { root: &schema, patterns: 0, known: BTreeMap::new() };
    let places = survey.schema(&schema)?;
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
    let options = jsonschema::options().with_draft(Draft::Draft202012).offline().with_pattern_options(patterns);
    let built = options.build(&schema).map_err(|error| format!("at {}: {error}", error.instance_path()));
    Ok((built?, places))
}

/// What it takes to apply a schema.
struct Survey<'a> {
    root: &'a Value,
    patterns: usize,
    /// By reference: the places that it unfolds to; none: it is being counted.
    known: BTreeMap<&'a str, Option<u64>>,
}

/// Keywords whose value is no schema, whatever it looks like.
const DATA: [&str; 5] = ["const", "default", "enum", "examples", "required"];
/// Keywords whose value is an object from names to schemas.
const NAMED: [&str; 5] = ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];
/// Keywords that give places names of their own, which would make references of more than one meaning.
const NAMES: [&str; 5] = ["$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveAnchor", "$recursiveRef"];

impl<'a> Survey<'a> {
    /// The places of a schema, counted as often as it takes to apply it.
    fn schema(&mut self, schema: &'a Value) -> Result<u64, String> {
        let mut places = 1_u64;
        match schema {
            Value::Object(keywords) => {
                self.refuse_names(schema, keywords)?;
                self.patterns += usize::from(keywords.get("pattern").is_some_and(Value::is_string));
                if let Some(Value::String(reference)) = keywords.get("$ref") {
                    places = places.saturating_add(self.reference(reference)?);
                }
                for (keyword, value) in keywords {
                    if DATA.contains(&keyword.as_str()) {
                        continue;
                    }
                    places = places.saturating_add(self.keyword(keyword, value)?);
                }
            }
            Value::Array(schemas) => {
                for schema in schemas {
                    places = places.saturating_add(self.schema(schema)?);
                }
            }
            _ => {}
        }
        if self.patterns > CONFIG_SCHEMA_PATTERNS {
            return Err(format!("the limit CONFIG_SCHEMA_PATTERNS allows {CONFIG_SCHEMA_PATTERNS} patterns"));
        }
        if places > CONFIG_SCHEMA_PLACES {
            return Err(format!(
                "with its references it has more than CONFIG_SCHEMA_PLACES = {CONFIG_SCHEMA_PLACES} places"
            ));
        }
        Ok(places)
    }

    fn keyword(&mut self, keyword: &str, value: &'a Value) -> Result<u64, String> {
        let Some(named) = value.as_object().filter(|_| NAMED.contains(&keyword)) else { return self.schema(value) };
        if keyword == "patternProperties" {
            self.patterns += named.len();
        }
        let mut places = 0_u64;
        for schema in named.values() {
            places = places.saturating_add(self.schema(schema)?);
        }
        Ok(places)
    }

    /// The places that a reference unfolds to.
    fn reference(&mut self, reference: &'a str) -> Result<u64, String> {
        match self.known.get(reference) {
            Some(Some(places)) => return Ok(*places),
            Some(None) => return Err(format!("the reference {reference:?} leads in a circle")),
            None => {}
        }
        let pointer = reference.strip_prefix('#').filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        let pointer = pointer.ok_or_else(|| {
            format!(
                "the reference {reference:?} leads outside: take a place in the schema itself, e.g. \"#/$defs/name\""
            )
        })?;
        let target = self.root.pointer(pointer).ok_or_else(|| format!("the reference {reference:?} leads nowhere"))?;
        self.known.insert(reference, None);
        let places = self.schema(target)?;
        self.known.insert(reference, Some(places));
        Ok(places)
    }

    fn refuse_names(&self, schema: &Value, keywords: &Map<String, Value>) -> Result<(), String> {
        let name = NAMES
            .into_iter()
            .find(|name| keywords.get(*name).is_some_and(|value| value.is_string() || value.is_boolean()));
        let inner_id =
            || (!std::ptr::eq(schema, self.root) && keywords.get("$id").is_some_and(Value::is_string)).then_some("$id");
        match name.or_else(inner_id) {
            Some(name) => Err(format!("`{name}` is not supported: refer to places as in \"#/$defs/name\"")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(schema: &Value, config: &Value) -> Vec<String> {
        check(&schema.to_string(), &config.to_string()).err().unwrap_or_default()
    }

    #[test]
    fn all_violations_are_told_at_once_by_place_and_without_values() {
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["url"],
            "properties": {
                "url": {"type": "string"},
                "token": {"type": "string", "pattern": "^[a-z]{4}$", "maxLength": 4},
                "sinks": {"type": "array", "items": {"$ref": "#/$defs/sink"}},
                "mode": {"enum": ["a", "b"]},
            },
            "$defs": {"sink": {"type": "object", "properties": {"port": {"type": "integer", "maximum": 65535}}}},
        });
        let config =
            json!({"token": "CANARY-1", "sinks": [{"port": 80}, {"port": "CANARY-2"}], "mode": "CANARY-3", "x/y": 1});
        let faults = refused(&schema, &config);
        let all = faults.join("\n");
        for part in [
            "\"url\" is a required property",
            "at /token: it is longer",
            "at /token: it does not match",
            "at /sinks/1/port",
            "at /mode",
            "'x/y'",
        ] {
            assert!(all.contains(part), "{part}: {all}");
        }
        assert!(!all.contains("CANARY"), "{all}");
        assert_eq!(refused(&schema, &json!({"url": "x", "token": "abcd", "sinks": [{"port": 1}]})), [""; 0]);
    }

    #[test]
    fn a_schema_that_cannot_be_used_is_refused() {
        let doubling: Map<String, Value> = (0..30)
            .map(|n| {
                let next = json!({"$ref": format!("#/$defs/{}", n + 1)});
                (n.to_string(), json!({"allOf": [next, next]}))
            })
            .chain([("30".to_owned(), json!({}))])
            .collect();
        let patterns: Vec<_> = (0..=CONFIG_SCHEMA_PATTERNS).map(|n| json!({"pattern": format!("a{n}")})).collect();
        for (schema, says) in [
            (json!({"type": "objekt"}), "/type"),
            (json!({"$ref": "https://example.org/schema.json"}), "leads outside"),
            (json!({"$ref": "file:///etc/passwd"}), "leads outside"),
            (json!({"properties": {"a": {"$ref": "other.json#/a"}}}), "leads outside"),
            (json!({"$ref": "#/$defs/none"}), "leads nowhere"),
            (json!({"$ref": "#"}), "in a circle"),
            (json!({"properties": {"a": {"$ref": "#"}}}), "in a circle"),
            (json!({"$dynamicRef": "#a"}), "not supported"),
            (json!({"properties": {"a": {"$id": "https://example.org/a", "type": "string"}}}), "not supported"),
            (json!({"$ref": "#/$defs/0", "$defs": doubling}), "CONFIG_SCHEMA_PLACES"),
            (json!({"anyOf": patterns}), "CONFIG_SCHEMA_PATTERNS"),
            (json!({"pattern": "(?=a)b"}), ""),
            (json!({"pattern": "((a{100}){100}){100}"}), ""),
            (json!({"description": "x".repeat(CONFIG_SCHEMA_BYTES)}), "CONFIG_SCHEMA_BYTES"),
        ] {
            let faults = refused(&schema, &json!({}));
            assert!(
                faults.len() == 1 && faults[0].starts_with("the schema of its configuration: "),
                "{schema}: {faults:?}"
            );
            assert!(faults[0].contains(says), "{says}: {}", faults[0]);
        }
    }

    #[test]
    fn what_only_looks_like_a_reference_is_data() {
        let schema = json!({
            "properties": {"$ref": {"type": "string"}, "default": {"$ref": "#/$defs/a"}, "x": {"const": {"$ref": "elsewhere"}}},
            "$defs": {"a": {"type": "integer"}},
        });
        assert_eq!(refused(&schema, &json!({"$ref": "x", "default": 1, "x": {"$ref": "elsewhere"}})), [""; 0]);
        assert_eq!(refused(&schema, &json!({"default": "1"})).len(), 1);
        assert_eq!(refused(&json!(true), &json!({"a": 1})), [""; 0]);
        assert_eq!(refused(&json!({}), &json!({"a": "x".repeat(CONFIG_BYTES)})).len(), 1);
        let (many, schema) = (vec![1; 1000], json!({"allOf": vec![json!({"minProperties": 1}); 1000]}));
        assert!(refused(&schema, &json!({"a": many}))[0].contains("CONFIG_CHECKS"));
    }
}
