//! What extensions are asked about events: gathered while a request is checked, and asked in one go.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value};

use super::{
    column::{Column, Members},
    compiled::Schema,
    extension::{
        ExtensionFailure, Extensions, Objection, ProposedEvent, Provided, Silence, TypedValue, Use, UseKind, Verdict,
    },
    place::Place,
    violation::{Violation, quoted, shown},
};
use crate::{AggregateRef, EventType, limits};

/// A column type that an extension brings.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ForeignType {
    pub(super) name: String,
    /// A JSON object as text.
    pub(super) params: String,
}

/// What extensions are to be asked about the events of a request.
pub struct Inquiry<'s> {
    extensions: Option<Arc<dyn Extensions>>,
    provided: Option<Arc<Provided>>,
    values: Vec<TypedValue<'s>>,
    /// Where each value stands.
    places: Vec<Standing>,
    events: Vec<ProposedEvent<'s>>,
    /// Which event of the request each is, and whether its schema hides anything.
    proposers: Vec<(usize, bool)>,
    found: Vec<(usize, Violation)>,
    bytes: usize,
}

struct Standing {
    event: usize,
    pointer: String,
    hidden: bool,
}

/// An event on its way before the rules of its schema: what they see of the state before it.
pub struct Proposal<'s> {
    event: usize,
    schema: &'s Schema,
    rules: Vec<(&'s str, String)>,
    is_new: bool,
}

impl Proposal<'_> {
    /// Nothing is to be asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

impl<'s> Inquiry<'s> {
    /// An inquiry with these extensions; none: the domain has none.
    #[must_use]
    pub fn new(extensions: Option<Arc<dyn Extensions>>) -> Self {
        Self {
            extensions,
            provided: None,
            values: Vec::new(),
            places: Vec::new(),
            events: Vec::new(),
            proposers: Vec::new(),
            found: Vec::new(),
            bytes: 0,
        }
    }

    /// What is provided, looked up once.
    fn provided(&mut self) -> Arc<Provided> {
        let extensions = self.extensions.as_ref();
        let load = || extensions.map_or_else(Arc::default, |extensions| extensions.provided());
        Arc::clone(self.provided.get_or_insert_with(load))
    }

    /// By whom its verdicts are given; none: it needs none.
    #[must_use]
    pub fn judged_by(&self) -> Option<Arc<Provided>> {
        self.extensions.as_ref().and(self.provided.clone())
    }

    /// Asks about the values in a payload or a state, of the event at `event`.
    pub fn values(&mut self, event: usize, schema: &'s Schema, members: &Map<String, Value>) {
        if schema.has_foreign_types {
            self.object(event, &schema.document.members, members, &Place::ROOT, false);
        }
    }

    fn object(
        &mut self,
        event: usize,
        members: &'s Members,
        object: &Map<String, Value>,
        above: &Place<'_>,
        hidden: bool,
    ) {
        for (name, value) in object {
            let Some(field) = members.fields.get(name) else { continue };
            let (place, hidden) = (above.member(name), hidden || field.hidden);
            match (&field.column, value) {
                (Column::Object(Some(members)), Value::Object(object)) => {
                    self.object(event, members, object, &place, hidden);
                }
                (Column::Foreign(_), Value::Null) => {}
                (Column::Foreign(column), value) => self.value(event, column, value, place.pointer(), hidden),
                _ => {}
            }
        }
    }

    fn value(&mut self, event: usize, column: &'s ForeignType, value: &Value, pointer: String, hidden: bool) {
        let provided = self.provided();
        if !provided.types.contains_key(&column.name) {
            return self.found.push((event, missing(pointer, UseKind::Type, &column.name, &provided)));
        }
        let text = value.to_string();
        if self.has_room(event, text.len()) {
            self.values.push(TypedValue { type_name: &column.name, params: &column.params, value: text });
            self.places.push(Standing { event, pointer, hidden });
        }
    }

    /// Whether rules are to be asked about events of a type, for which the states before and after them are needed.
    pub fn has_rules(&mut self, schema: &Schema, event_type: &str) -> bool {
        let rules = &schema.document.rules;
        if rules.is_empty() {
            return false;
        }
        let provided = self.provided();
        rules.iter().any(|name| provided.rules.get(name).is_none_or(|rule| rule.is_about(event_type)))
    }

    /// Begins to ask the rules about an event: takes what they may see of the state before it.
    pub fn propose(
        &mut self,
        event: usize,
        schema: &'s Schema,
        event_type: &str,
        before: &Map<String, Value>,
        is_new: bool,
    ) -> Proposal<'s> {
        let mut rules = Vec::new();
        if !schema.document.rules.is_empty() {
            let provided = self.provided();
            for name in &schema.document.rules {
                match provided.rules.get(name) {
                    Some(rule) if rule.is_about(event_type) => rules.push((name.as_str(), rule.cut(before))),
                    Some(_) => {}
                    None => self.found.push((event, missing(String::new(), UseKind::Rule, name, &provided))),
                }
            }
        }
        Proposal { event, schema, rules, is_new }
    }

    /// Goes on: takes what they may see of the state after it.
    pub fn submit(
        &mut self,
        proposal: Proposal<'s>,
        aggregate: &AggregateRef,
        event_type: &EventType,
        payload: &str,
        after: &Map<String, Value>,
    ) {
        let Proposal { event, schema, rules, is_new } = proposal;
        let provided = self.provided();
        for (name, before) in rules {
            let Some(rule) = provided.rules.get(name) else { continue };
            let after = rule.cut(after);
            if !self.has_room(event, payload.len() + before.len() + after.len()) {
                return;
            }
            self.proposers.push((event, schema.hides()));
            self.events.push(ProposedEvent {
                rule: name,
                aggregate: aggregate.clone(),
                event_type: event_type.clone(),
                payload: payload.to_owned(),
                before: (!is_new).then_some(before),
                after,
            });
        }
    }

    fn has_room(&mut self, event: usize, bytes: usize) -> bool {
        let fits = self.bytes + bytes <= limits::EXTENSION_BYTES;
        if fits {
            self.bytes += bytes;
        } else if !self.found.iter().any(|(_, violation)| violation.rule == "extension-bytes") {
            let most = limits::EXTENSION_BYTES;
            let expected = format!("at most EXTENSION_BYTES ({most}) for extensions to look at in one request");
            let violation = Violation {
                pointer: String::new(),
                rule: "extension-bytes",
                expected,
                actual: "more: send several requests".to_owned(),
            };
            self.found.push((event, violation));
        }
        fits
    }

    /// Asks, once, and says of which event what is wrong.
    #[must_use]
    pub fn ask(self) -> Vec<(usize, Violation)> {
        let mut found = self.found;
        let Some(extensions) = self.extensions.filter(|_| !self.values.is_empty() || !self.events.is_empty()) else {
            return found;
        };
        let judged = extensions.judge(&self.values, &self.events);
        let complete = |j: &super::extension::Judgement| {
            (j.values.len(), j.events.len()) == (self.values.len(), self.events.len())
        };
        let judgement = match judged {
            Ok(judgement) if complete(&judgement) => judgement,
            Ok(_) => {
                let reason = "the host lost a part of its answers, which is a mistake of ours".to_owned();
                let first = self.places.first().map(|place| place.event).or(self.proposers.first().map(|it| it.0));
                found.push((
                    first.unwrap_or(0),
                    failed(&ExtensionFailure { extension: "that was asked".into(), reason }),
                ));
                return found;
            }
            Err(failure) => {
                let provided = self.provided.unwrap_or_default();
                let is_its = |provider: Option<&super::extension::Provider>| {
                    provider.is_some_and(|provider| provider.plugin == failure.extension)
                };
                let of_values = self.values.iter().zip(&self.places);
                let value = of_values.into_iter().find(|(value, _)| is_its(provided.types.get(value.type_name)));
                let of_events = self.events.iter().zip(&self.proposers);
                let rule = |event: &ProposedEvent<'_>| provided.rules.get(event.rule).map(|rule| &rule.provider);
                let event = of_events.into_iter().find(|(event, _)| is_its(rule(event)));
                let first = [value.map(|(_, place)| place.event), event.map(|(_, proposer)| proposer.0)];
                found.push((first.into_iter().flatten().min().unwrap_or(0), failed(&failure)));
                return found;
            }
        };
        for ((value, place), verdict) in self.values.into_iter().zip(self.places).zip(judgement.values) {
            let (expected, actual) = match verdict {
                Verdict::Accepted => continue,
                verdict => judged_value(&value, verdict, place.hidden),
            };
            found.push((place.event, Violation { pointer: place.pointer, rule: "type", expected, actual }));
        }
        for ((event, (index, hides)), objections) in self.events.iter().zip(self.proposers).zip(judgement.events) {
            found.extend(objections.into_iter().map(|objection| (index, broken(event.rule, objection, hides))));
        }
        found
    }
}

/// What a type asks for and what is there instead.
fn judged_value(value: &TypedValue<'_>, verdict: Verdict, hidden: bool) -> (String, String) {
    let name = value.type_name;
    let parsed: Value = serde_json::from_str(&value.value).unwrap_or_default();
    let mut actual = shown(&parsed, hidden);
    match verdict {
        Verdict::OtherForm(form) if !hidden => {
            actual.push_str(&format!(", which is to be written {}", said(&form)));
            (format!("{name} in its one form"), actual)
        }
        Verdict::OtherForm(_) => (format!("{name} in its one form"), actual),
        Verdict::Rejected(objections) if !hidden && !objections.is_empty() => {
            let all: Vec<String> = objections.iter().take(8).map(|objection| said(&objection.message)).collect();
            actual.push_str(&format!(" ({})", all.join("; ")));
            (name.to_owned(), actual)
        }
        Verdict::Rejected(_) | Verdict::Accepted => (name.to_owned(), actual),
    }
}

/// A rule that does not hold. Where a schema hides anything, the words of the extension might quote it.
fn broken(rule: &str, objection: Objection, hides: bool) -> Violation {
    let fits = objection.path.len() <= limits::NAME_BYTES && objection.path.starts_with('/');
    let pointer = if fits { objection.path } else { String::new() };
    let code: String = objection.code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
    let actual = if hides {
        format!("{code}, of which no more is said, since the schema hides fields")
    } else {
        format!("{code}: {}", said(&objection.message))
    };
    Violation { pointer, rule: "rule", expected: format!("the rule {rule} to hold"), actual }
}

/// Words of an extension: no control characters, not too many.
fn said(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(limits::EXTENSION_MESSAGE_CHARS).collect()
}

/// Nobody answers for a type or a rule.
fn missing(pointer: String, kind: UseKind, name: &str, provided: &Provided) -> Violation {
    let what = kind.as_str();
    let (expected, actual) = match provided.silent.get(&(kind, name.to_owned())) {
        Some(Silence { plugin, reason }) => {
            let expected = format!("a verdict of the extension {plugin}, which brings the {what} {}", quoted(name));
            (expected, format!("none: {reason}"))
        }
        None => (
            format!("an extension that brings the {what} {}", quoted(name)),
            "none in the domain: install one (`dbx plugin install`)".to_owned(),
        ),
    };
    let actual = format!("{actual}, or put a schema into force that does without");
    Violation { pointer, rule: "extension-missing", expected, actual }
}

fn failed(failure: &ExtensionFailure) -> Violation {
    Violation {
        pointer: String::new(),
        rule: "extension-failed",
        expected: format!("a verdict of the extension {}", failure.extension),
        actual: format!("none: {}", failure.reason),
    }
}

impl Schema {
    /// Whether it uses types or rules of extensions.
    #[must_use]
    pub fn is_extended(&self) -> bool {
        self.has_foreign_types || !self.document.rules.is_empty()
    }

    /// Every column type and rule of an extension that it uses, once, with nobody or somebody who brings it.
    #[must_use]
    pub fn uses(&self, provided: &Provided) -> Vec<Use> {
        let mut types = BTreeMap::new();
        foreign_types(&self.document.members, &Place::ROOT, &mut |_, column| {
            types.insert(column.name.as_str(), ());
        });
        let types = types.into_keys().filter_map(|name| {
            let provider = provided.types.get(name)?.clone();
            Some(Use { kind: UseKind::Type, name: name.to_owned(), provider })
        });
        let rules = self.document.rules.iter().filter_map(|name| {
            let provider = provided.rules.get(name)?.provider.clone();
            Some(Use { kind: UseKind::Rule, name: name.clone(), provider })
        });
        types.chain(rules).collect()
    }

    /// What extensions say against the parameters of the types that the schema uses, with the places of the columns in the
    /// document. `judge` is asked once, and answers as [`Extensions::judge_params`] does.
    ///
    /// # Errors
    ///
    /// Those of `judge`.
    pub fn judge_params<E>(
        &self,
        judge: impl FnOnce(&[TypedValue<'_>]) -> Result<Vec<Vec<Objection>>, E>,
    ) -> Result<Vec<(String, Objection)>, E> {
        let (mut places, mut types) = (Vec::new(), Vec::new());
        foreign_types(&self.document.members, &Place::ROOT, &mut |place, column| {
            places.push(place);
            types.push(TypedValue { type_name: &column.name, params: &column.params, value: String::new() });
        });
        if types.is_empty() {
            return Ok(Vec::new());
        }
        let judged = judge(&types)?;
        let each = places.into_iter().zip(judged);
        Ok(each.flat_map(|(place, said)| said.into_iter().map(move |one| (place.clone(), one))).collect())
    }
}

/// Walks the columns whose types extensions bring.
fn foreign_types<'d>(members: &'d Members, above: &Place<'_>, each: &mut dyn FnMut(String, &'d ForeignType)) {
    let name = if above.pointer().is_empty() { "fields" } else { "properties" };
    let holder = above.member(name);
    for (name, field) in &members.fields {
        let place = holder.member(name);
        match &field.column {
            Column::Foreign(column) => each(place.pointer(), column),
            Column::Object(Some(members)) => foreign_types(members, &place, each),
            _ => {}
        }
    }
}

/// Whether any column has a type that an extension brings.
pub(super) fn has_foreign_types(members: &Members) -> bool {
    let mut any = false;
    foreign_types(members, &Place::ROOT, &mut |_, _| any = true);
    any
}
