//! Column types and rules that foreign code decides about, as the callers of a domain see them.

use std::sync::{
    Arc, RwLock,
    atomic::{AtomicUsize, Ordering},
};

use eventdbx_store::{
    AppendError, BodyKind, Domain, Draft, NewEvent, SchemaDocument,
    schema::{
        ExtensionFailure, Extensions, Judgement, Known, Objection, ProposedEvent, Provided, ProvidedRule, Provider,
        Silence, TypedValue, UseKind, Verdict,
    },
};
use serde_json::{Value, json};

use crate::support::{Place, kind};

/// Brings the type `even` (a whole number that two divides) and the rule `seats`.
struct Even {
    asked: AtomicUsize,
    broken: bool,
    provided: RwLock<Arc<Provided>>,
    /// Another version takes its place while this one judges: to that one, no number is even.
    upgraded: Option<AtomicUsize>,
}

impl Default for Even {
    fn default() -> Self {
        Self { asked: AtomicUsize::new(0), broken: false, provided: RwLock::new(brought()), upgraded: None }
    }
}

fn brought() -> Arc<Provided> {
    let rule = ProvidedRule::new(provider(), vec!["sold".into()], &["/sold".into(), "/capacity".into()]);
    Arc::new(Provided {
        types: [("even".to_owned(), provider())].into(),
        rules: [("seats".to_owned(), rule.expect("pointers"))].into(),
        ..Provided::default()
    })
}

fn provider() -> Provider {
    Provider { plugin: "even".into(), version: "1.0.0".into(), component: "c0ffee".into() }
}

fn objection(code: &str, message: String) -> Objection {
    Objection { path: String::new(), code: code.into(), message }
}

impl Extensions for Even {
    fn provided(&self) -> Arc<Provided> {
        Arc::clone(&self.provided.read().expect("no panic"))
    }

    fn judge(&self, values: &[TypedValue<'_>], events: &[ProposedEvent<'_>]) -> Result<Judgement, ExtensionFailure> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.broken {
            return Err(ExtensionFailure { extension: "even".into(), reason: "it ran out of fuel".into() });
        }
        let second = self.upgraded.as_ref().is_some_and(|calls| calls.fetch_add(1, Ordering::Relaxed) > 0);
        if self.upgraded.is_some() && !second {
            *self.provided.write().expect("no panic") = brought();
        }
        let verdict = |value: &TypedValue<'_>| match serde_json::from_str(&value.value).expect("JSON") {
            _ if second => Verdict::Rejected(vec![objection("none", "no number is even".into())]),
            Value::Number(number) if number.as_i64().is_some_and(|number| number % 2 == 0) => Verdict::Accepted,
            Value::String(_) => Verdict::OtherForm("2".to_owned()),
            other => Verdict::Rejected(vec![objection("odd", format!("two does not divide {other}"))]),
        };
        let rule = |event: &ProposedEvent<'_>| {
            let after: Value = serde_json::from_str(&event.after).expect("JSON");
            let before = event.before.as_deref().unwrap_or("nothing");
            let full = after["sold"].as_i64() > after["capacity"].as_i64();
            full.then(|| objection("full", format!("{before} becomes {after}"))).into_iter().collect()
        };
        Ok(Judgement { values: values.iter().map(verdict).collect(), events: events.iter().map(rule).collect() })
    }

    fn judge_params(&self, types: &[TypedValue<'_>]) -> Result<Vec<Vec<Objection>>, ExtensionFailure> {
        let judge = |one: &TypedValue<'_>| (one.params != "{}").then(|| objection("params", "takes none".into()));
        Ok(types.iter().map(|one| judge(one).into_iter().collect()).collect())
    }
}

fn flight() -> Value {
    json!({
        "aggregate": "flight",
        "rules": ["seats"],
        "fields": {
            "gate": {"type": "even"},
            "sold": {"type": "integer"},
            "capacity": {"type": "integer"},
            "code": {"type": "object", "properties": {"lock": {"type": "even", "hidden": true}}},
        },
    })
}

/// A domain with the schema, and whom it asks.
fn extended(place: &Place) -> (Domain, Arc<Even>) {
    let (domain, even) = (place.open(), Arc::new(Even::default()));
    domain.extend(Arc::clone(&even) as Arc<dyn Extensions>);
    let document = SchemaDocument::parse_knowing(&flight().to_string(), Known::Provided(&even.provided()));
    domain.put_schema(document.expect("valid"), "alice", None).expect("writes");
    (domain, even)
}

fn draft(events: impl IntoIterator<Item = (&'static str, Value)>) -> Draft {
    let event = |(event_type, payload): (&str, Value)| NewEvent {
        body_kind: if payload.is_array() { BodyKind::Patch } else { BodyKind::Payload },
        ..NewEvent::new("flight", "f-1", event_type, &payload.to_string())
    };
    Draft { events: events.into_iter().map(event).collect(), key: None, actor: "alice".into() }
}

fn told(answer: Result<impl Sized, AppendError>) -> Vec<String> {
    match answer {
        Ok(_) => Vec::new(),
        Err(AppendError::Refused(reasons)) => {
            reasons.iter().map(|it| format!("{} {} {}: {}", it.event, it.path, it.code, it.message)).collect()
        }
        Err(other) => panic!("not refused but: {other}"),
    }
}

#[test]
fn values_of_a_foreign_type_are_judged_in_one_go() {
    let place = Place::new();
    let (domain, even) = extended(&place);
    let events = [
        ("moved", json!({"gate": 3, "code": {"lock": 5}})),
        ("moved", json!({"gate": "two", "code": {"lock": "x"}})),
        ("moved", json!({"gate": null})),
    ];
    assert_eq!(
        told(domain.append(draft(events))),
        [
            "0 /payload/code/lock type: expected even, found a value that is hidden",
            "0 /payload/gate type: expected even, found 3 (two does not divide 3)",
            "1 /payload/code/lock type: expected even in its one form, found a value that is hidden",
            "1 /payload/gate type: expected even in its one form, found \"two\", which is to be written 2",
        ]
    );
    assert_eq!(even.asked.load(Ordering::Relaxed), 1, "once for the whole request");
    domain.append(draft([("moved", json!({"gate": 4}))])).expect("written");
    assert_eq!(
        told(domain.append(draft([("moved", json!([{"op": "replace", "path": "/gate", "value": 7}]))]))),
        ["0 /state/gate type: expected even, found 7 (two does not divide 7)"]
    );
}

#[test]
fn a_rule_sees_what_it_selects_before_and_after_each_event() {
    let place = Place::new();
    let (domain, even) = extended(&place);
    domain.append(draft([("planned", json!({"capacity": 2, "sold": 9, "gate": 2}))])).expect("no rule is about it");
    let asked = even.asked.load(Ordering::Relaxed);
    let events = [("sold", json!({"sold": 2})), ("sold", json!([{"op": "replace", "path": "/sold", "value": 3}]))];
    let told = told(domain.append(draft(events)));
    // The schema hides a field, so that the words of the extension are not passed on.
    assert_eq!(
        told,
        [
            "1 /state rule: expected the rule seats to hold, found full, of which no more is said, since the schema hides \
          fields"
        ]
    );
    assert_eq!(even.asked.load(Ordering::Relaxed), asked + 1);
    domain.append(draft([("sold", json!({"sold": 2}))])).expect("fits");
}

#[test]
fn nothing_is_accepted_unchecked() {
    let place = Place::new();
    let (domain, _) = extended(&place);
    let uses = domain.schemas().active(&kind("flight")).expect("a schema").uses.clone();
    let uses: Vec<_> = uses.iter().map(|it| (it.kind, it.name.as_str(), it.provider.version.as_str())).collect();
    assert_eq!(uses, [(UseKind::Type, "even", "1.0.0"), (UseKind::Rule, "seats", "1.0.0")]);
    drop(domain);

    let domain = place.open();
    let again = domain.schemas().active(&kind("flight")).expect("loads without the extension").uses.len();
    assert_eq!(again, 2);
    let missing = told(domain.append(draft([("sold", json!({"gate": 2}))])));
    assert_eq!(missing.len(), 2, "{missing:?}");
    assert!(missing[0].starts_with("0 /payload/gate extension-missing: expected an extension that brings the type"));
    assert!(missing[1].contains("the rule \"seats\"") && missing[1].contains("dbx plugin install"), "{missing:?}");

    domain.extend(Arc::new(Even { broken: true, ..Even::default() }));
    assert_eq!(
        told(domain.append(draft([("planned", json!({"sold": 1})), ("planned", json!({"gate": 2}))]))),
        ["1 /payload extension-failed: expected a verdict of the extension even, found none: it ran out of fuel"]
    );
    domain.append(draft([("planned", json!({"sold": 1}))])).expect("has nothing that an extension would judge");
}

#[test]
fn what_one_version_judged_is_not_committed_under_the_next() {
    let place = Place::new();
    let (domain, _) = extended(&place);
    let even = Arc::new(Even { upgraded: Some(AtomicUsize::new(0)), ..Even::default() });
    domain.extend(Arc::clone(&even) as Arc<dyn Extensions>);
    let refused = told(domain.append(draft([("planned", json!({"gate": 2}))])));
    assert_eq!(refused, ["0 /payload/gate type: expected even, found 2 (no number is even)"]);
    assert_eq!(even.asked.load(Ordering::Relaxed), 2, "once by each version");
    domain.append(draft([("planned", json!({"sold": 1}))])).expect("nobody has to be asked");
}

#[test]
fn who_is_silent_is_named_with_the_reason() {
    let place = Place::new();
    let (domain, even) = extended(&place);
    let silence = Silence { plugin: "even".into(), reason: "it is paused: resume it".into() };
    let silent = [((UseKind::Type, "even".into()), silence.clone()), ((UseKind::Rule, "seats".into()), silence)];
    *even.provided.write().expect("no panic") = Arc::new(Provided { silent: silent.into(), ..Provided::default() });
    let refused = told(domain.append(draft([("sold", json!({"gate": 2}))])));
    assert_eq!(
        refused,
        [
            "0 /payload/gate extension-missing: expected a verdict of the extension even, which brings the type \"even\", \
             found none: it is paused: resume it, or put a schema into force that does without",
            "0 /payload extension-missing: expected a verdict of the extension even, which brings the rule \"seats\", found \
             none: it is paused: resume it, or put a schema into force that does without",
        ]
    );
}

#[test]
fn a_document_names_only_what_is_provided() {
    let even = Even::default();
    let faults = |document: &Value, known: Known<'_>| {
        let faults = SchemaDocument::parse_knowing(&document.to_string(), known).err().unwrap_or_default();
        faults.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect::<Vec<_>>()
    };
    assert_eq!(
        faults(&flight(), Known::BuiltIn),
        ["/fields/code/properties/lock unknown-type", "/fields/gate unknown-type", "/rules/0 unknown-rule"]
            .map(|it| it.replace(" unknown-type", "/type unknown-type"))
    );
    let provided = even.provided();
    assert_eq!(faults(&flight(), Known::Provided(&provided)), Vec::<String>::new());
    assert_eq!(faults(&flight(), Known::Any), Vec::<String>::new());
    let odd = json!({"aggregate": "a", "rules": ["saets"], "fields": {"x": {"type": "evne"}, "y": {"type": "text", "params": {}}}});
    assert_eq!(
        faults(&odd, Known::Provided(&provided)),
        ["/fields/x/type unknown-type", "/fields/y/params rule-does-not-apply", "/rules/0 unknown-rule"]
    );
    let with_params = json!({"aggregate": "a", "fields": {"x": {"type": "even", "params": {"a": 1}}}});
    let document = SchemaDocument::parse_knowing(&with_params.to_string(), Known::Any).expect("valid");
    assert_eq!(document.to_json(), with_params.to_string(), "it is written as it was read");
    let said = eventdbx_store::Schema::new(document).judge_params(|types| even.judge_params(types)).expect("answers");
    assert_eq!(said[0].0, "/fields/x");
    assert_eq!(said[0].1.message, "takes none");
}
