//! Reads the rules of a column. What could never be met is a fault.

use serde_json::Value;

use super::{
    super::{
        column::{Column, Read},
        fault::Faults,
        format::Format,
        place::Place,
        rules::{Bound, Choice, Length, Pattern, Range, Rules},
        violation::{quoted, suggestion},
    },
    field::Budget,
    node::{Node, Object},
};
use crate::limits;

/// Reads those rules that apply to the column; others are reported elsewhere.
pub(super) fn rules(object: &Object<'_>, column: &Column, budget: &mut Budget<'_>, faults: &mut Faults) -> Rules {
    let mut rules = Rules::default();
    if matches!(column, Column::Text | Column::Binary) {
        rules.length = object.get("length").and_then(|node| length(&node, faults)).unwrap_or_default();
    }
    if column.is_ordered() {
        rules.range = object.get("range").and_then(|node| range(&node, column, faults)).unwrap_or_default();
    }
    if matches!(column, Column::Text) {
        rules.format = object.get("format").and_then(|node| format(&node, faults));
        rules.regex = object.get("regex").and_then(|node| regex(&node, budget, faults));
        rules.contains = part(object, "contains", faults);
        rules.does_not_contain = part(object, "does_not_contain", faults);
        parts_agree(object, &rules, faults);
    }
    if column.is_scalar() {
        rules.choices = object.get("enum").and_then(|node| choices(&node, column, &rules, faults));
    }
    rules
}

fn length(node: &Node<'_>, faults: &mut Faults) -> Option<Length> {
    let object = node.object(faults)?;
    object.only(&["min", "max"], faults);
    let length = Length { min: object.count("min", faults), max: object.count("max", faults) };
    if let (Some(min), Some(max)) = (length.min, length.max)
        && min > max
    {
        faults.add(&node.place, "empty-range", format!("nothing is both at least {min} and at most {max} long"));
    }
    Some(length)
}

fn range(node: &Node<'_>, column: &Column, faults: &mut Faults) -> Option<Range> {
    let object = node.object(faults)?;
    object.only(&["min", "max"], faults);
    let mut bound = |name| object.get(name).and_then(|node| read_bound(&node, column, faults));
    let range = Range { min: bound("min"), max: bound("max") };
    if let (Some(min), Some(max)) = (&range.min, &range.max)
        && min.quantity > max.quantity
    {
        let message = format!("nothing is both at least {} and at most {}", min.written, max.written);
        faults.add(&node.place, "empty-range", message);
    }
    Some(range)
}

fn read_bound(node: &Node<'_>, column: &Column, faults: &mut Faults) -> Option<Bound> {
    match column.read(node.value) {
        Some(Read::Quantity(quantity)) => Some(Bound { written: node.value.clone(), quantity }),
        _ => {
            faults.add(&node.place, "bad-bound", format!("a bound is a value of its column: {}", column.description()));
            None
        }
    }
}

fn format(node: &Node<'_>, faults: &mut Faults) -> Option<Format> {
    let name = node.text(faults)?;
    let format = Format::named(name);
    if format.is_none() {
        let nearest = suggestion(name, Format::names(), faults.0.len());
        let known: Vec<&str> = Format::names().collect();
        let message = format!("{} is not a format{nearest}: one of {}", quoted(name), known.join(", "));
        faults.add(&node.place, "unknown-format", message);
    }
    format
}

fn regex(node: &Node<'_>, budget: &mut Budget<'_>, faults: &mut Faults) -> Option<Pattern> {
    let text = node.text(faults)?;
    if text.len() > limits::SCHEMA_REGEX_BYTES {
        let most = limits::SCHEMA_REGEX_BYTES;
        faults.add(&node.place, "regex-bytes", format!("longer than SCHEMA_REGEX_BYTES allows ({most}): shorten it"));
        return None;
    }
    let Some(left) = budget.regexes.checked_sub(1) else {
        let most = limits::SCHEMA_REGEXES;
        faults.add(&node.place, "too-many-regexes", format!("more than SCHEMA_REGEXES allows ({most}) in all"));
        return None;
    };
    budget.regexes = left;
    Pattern::new(text).map_err(|error| faults.add(&node.place, "bad-regex", reason(&error))).ok()
}

/// Why an expression cannot be used; the crate draws a picture, of which the last line says it.
fn reason(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(most) => {
            format!("compiled it needs more than {most} bytes (SCHEMA_REGEX_MEMORY): repeat less, or use (?-u)")
        }
        other => {
            let text = other.to_string();
            let line = text.lines().last().unwrap_or_default();
            let line = line.strip_prefix("error: ").unwrap_or(line);
            format!("is not a regular expression: {line} (look-around and back-references are not supported)")
        }
    }
}

fn part(object: &Object<'_>, name: &str, faults: &mut Faults) -> Option<String> {
    let part = object.text(name, faults)?;
    if part.is_empty() {
        faults.add(&object.place.member(name), "empty-text", "every text contains the empty one: remove the rule");
        return None;
    }
    Some(part.to_owned())
}

/// Whether a text can contain what it must, and not what it must not.
fn parts_agree(object: &Object<'_>, rules: &Rules, faults: &mut Faults) {
    let Some(part) = &rules.contains else { return };
    let place = object.place.member("contains");
    if rules.does_not_contain.as_ref().is_some_and(|other| part.contains(other.as_str())) {
        faults.add(&place, "contradiction", "what the text must contain contains what it must not contain");
    }
    if rules.length.max.is_some_and(|max| part.chars().count() as u64 > max) {
        faults.add(&place, "contradiction", "what the text must contain is longer than the text may be");
    }
}

fn choices(node: &Node<'_>, column: &Column, rules: &Rules, faults: &mut Faults) -> Option<Vec<Choice>> {
    let values = node.array(faults)?;
    if values.is_empty() {
        faults.add(&node.place, "empty-enum", "no value is allowed: list some, or remove the rule");
    }
    if values.len() > limits::SCHEMA_ENUM_VALUES {
        let most = limits::SCHEMA_ENUM_VALUES;
        faults.add(&node.place, "enum-values", format!("has more values than SCHEMA_ENUM_VALUES allows ({most})"));
        return None;
    }
    let mut choices: Vec<Choice> = Vec::with_capacity(values.len());
    for (index, value) in values.iter().enumerate() {
        let choice = read_choice(value, &node.place.element(index), column, rules, faults);
        choices.extend(choice.filter(|choice| is_new(&choices, choice, &node.place.element(index), faults)));
    }
    Some(choices)
}

fn read_choice(
    value: &Value,
    place: &Place<'_>,
    column: &Column,
    rules: &Rules,
    faults: &mut Faults,
) -> Option<Choice> {
    let (Some(read), Some(choice)) = (column.read(value), Choice::read(column, value)) else {
        faults.add(place, "enum-type", format!("is not a value of its column: {}", column.description()));
        return None;
    };
    if let Column::Reference(target) = column
        && value.as_str().and_then(|text| text.parse().ok()).is_some_and(|reference| !target.admits(&reference))
    {
        faults.add(place, "enum-breaks-rule", format!("is not {target}"));
    }
    rules.check(&read, |rule, expected| {
        faults.add(place, "enum-breaks-rule", format!("breaks the column's own rule `{rule}`: it is not {expected}"));
    });
    Some(choice)
}

/// Equal values count as one, however they are written.
fn is_new(choices: &[Choice], choice: &Choice, place: &Place<'_>, faults: &mut Faults) -> bool {
    let same = |other: &Choice| match (other.quantity, choice.quantity) {
        (Some(a), Some(b)) => a == b,
        _ => other.written == choice.written,
    };
    let repeated = choices.iter().any(same);
    if repeated {
        faults.add(place, "repeated", "stands twice in the list: name it once");
    }
    !repeated
}
