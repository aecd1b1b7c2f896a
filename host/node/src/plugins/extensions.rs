//! The schema extensions of a domain that run, as the store asks them.
//!
//! They have no worker: they are called by whoever writes, on its thread. What runs is one immutable list, so that a write is
//! judged by one list from its beginning to its end.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use eventdbx_sandbox::{self as sandbox, Extension, Halt};
use eventdbx_store::schema::{
    ExtensionFailure, Extensions, Judgement, Objection, ProposedEvent, Provided, ProvidedRule, Provider, TypedValue,
    Verdict,
};

/// The schema extensions of a domain that run.
#[derive(Default)]
pub(super) struct Running(RwLock<Arc<List>>);

#[derive(Default)]
struct List {
    extensions: BTreeMap<String, (Provider, Extension)>,
    provided: Arc<Provided>,
}

impl Running {
    fn list(&self) -> Arc<List> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What stands in the way of an extension: what it brings is there already, by another.
    pub(super) fn conflicts(&self, name: &str, extension: &Extension) -> Vec<String> {
        let provided = self.list().provided.clone();
        let others = |provider: Option<&Provider>| provider.filter(|it| it.plugin != name).map(|it| it.plugin.clone());
        let types = extension.types().iter().filter_map(|it| {
            let other = others(provided.types.get(&it.name))?;
            Some(format!("the column type {} is brought by {other} already", it.name))
        });
        let rules = extension.rules().iter().filter_map(|it| {
            let other = others(provided.rules.get(&it.name).map(|rule| &rule.provider))?;
            Some(format!("the rule {} is brought by {other} already", it.name))
        });
        types.chain(rules).collect()
    }

    /// From the next write on, an extension is asked.
    pub(super) fn add(&self, provider: Provider, extension: Extension) -> Result<(), String> {
        self.change(|extensions| {
            extensions.insert(provider.plugin.clone(), (provider, extension));
        })
    }

    /// From the next write on, an extension is not asked any more.
    pub(super) fn remove(&self, name: &str) -> Result<(), String> {
        self.change(|extensions| drop(extensions.remove(name)))
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, (Provider, Extension)>)) -> Result<(), String> {
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut extensions = list.extensions.clone();
        change(&mut extensions);
        let provided = Arc::new(provided(&extensions)?);
        *list = Arc::new(List { extensions, provided });
        Ok(())
    }
}

fn provided(extensions: &BTreeMap<String, (Provider, Extension)>) -> Result<Provided, String> {
    let mut provided = Provided::default();
    for (provider, extension) in extensions.values() {
        provided.types.extend(extension.types().iter().map(|it| (it.name.clone(), provider.clone())));
        for rule in extension.rules() {
            let declared = ProvidedRule::new(provider.clone(), rule.event_types.clone(), &rule.state_fields);
            let declared = declared.map_err(|field| format!("the rule {}: {field:?} is no JSON Pointer", rule.name))?;
            provided.rules.insert(rule.name.clone(), declared);
        }
    }
    Ok(provided)
}

impl List {
    /// Hands each extension what is its own of `all`, and puts the answers back into their places.
    fn ask<'l, Q, A>(
        &'l self,
        all: &[Q],
        provider: impl Fn(&Q) -> Option<&'l Provider>,
        ask: impl Fn(&Extension, &[&Q]) -> Result<Vec<A>, Halt>,
    ) -> Result<Vec<A>, ExtensionFailure> {
        let mut answers: Vec<Option<A>> = Vec::new();
        answers.resize_with(all.len(), || None);
        let mut left: Vec<usize> = (0..all.len()).collect();
        while let Some(first) = left.first() {
            let gone = || ExtensionFailure { extension: "asked".into(), reason: "it was just removed".into() };
            let name = provider(&all[*first]).map(|provider| provider.plugin.clone()).ok_or_else(gone)?;
            let (_, extension) = self.extensions.get(&name).ok_or_else(gone)?;
            let is_its = |index: &usize| provider(&all[*index]).is_some_and(|provider| provider.plugin == name);
            let (its, others): (Vec<usize>, Vec<usize>) = left.into_iter().partition(is_its);
            let questions: Vec<&Q> = its.iter().map(|index| &all[*index]).collect();
            let given = ask(extension, &questions).map_err(|halt| failure(&name, &halt))?;
            for (index, answer) in its.into_iter().zip(given) {
                answers[index] = Some(answer);
            }
            left = others;
        }
        Ok(answers.into_iter().flatten().collect())
    }
}

impl Extensions for Running {
    fn provided(&self) -> Arc<Provided> {
        Arc::clone(&self.list().provided)
    }

    fn judge(&self, values: &[TypedValue<'_>], events: &[ProposedEvent<'_>]) -> Result<Judgement, ExtensionFailure> {
        let list = self.list();
        let provided = &list.provided;
        let values = list.ask(
            values,
            |value| provided.types.get(value.type_name),
            |extension, values| {
                let params: Vec<String> = values.iter().map(|it| it.params.to_owned()).collect();
                let each = values.iter().zip(&params);
                let asked: Vec<_> = each
                    .map(|(it, params)| sandbox::TypedValue { type_name: it.type_name, params, value: &it.value })
                    .collect();
                Ok(extension.check_values(&asked)?.into_iter().map(verdict).collect())
            },
        )?;
        let of_rule = |name: &str| provided.rules.get(name).map(|rule| &rule.provider);
        let events = list.ask(
            events,
            |event| of_rule(event.rule),
            |extension, events| {
                let asked = events.iter().map(|it| sandbox::ProposedEvent {
                    rule: it.rule,
                    aggregate_type: it.aggregate.kind.as_str(),
                    aggregate_id: it.aggregate.id.as_str(),
                    event_type: it.event_type.as_str(),
                    payload: &it.payload,
                    before: it.before.as_ref(),
                    after: &it.after,
                });
                let asked: Vec<_> = asked.collect();
                Ok(extension.check_append(&asked)?.into_iter().map(objections).collect())
            },
        )?;
        Ok(Judgement { values, events })
    }

    fn judge_params(&self, types: &[TypedValue<'_>]) -> Result<Vec<Vec<Objection>>, ExtensionFailure> {
        let list = self.list();
        list.ask(
            types,
            |it| list.provided.types.get(it.type_name),
            |extension, types| {
                let params: Vec<String> = types.iter().map(|it| it.params.to_owned()).collect();
                let each = types.iter().zip(&params);
                let asked: Vec<_> =
                    each.map(|(it, params)| sandbox::ColumnType { type_name: it.type_name, params }).collect();
                Ok(extension.check_params(&asked)?.into_iter().map(objections).collect())
            },
        )
    }
}

fn verdict(verdict: sandbox::Verdict) -> Verdict {
    match verdict {
        sandbox::Verdict::Accepted => Verdict::Accepted,
        sandbox::Verdict::Normalized(value) => Verdict::OtherForm(value),
        sandbox::Verdict::Rejected(violations) => Verdict::Rejected(objections(violations)),
    }
}

fn objections(violations: Vec<sandbox::Violation>) -> Vec<Objection> {
    violations.into_iter().map(|it| Objection { path: it.path, code: it.code, message: it.message }).collect()
}

fn failure(name: &str, halt: &Halt) -> ExtensionFailure {
    let reason =
        format!("{halt}. Nothing was written; `dbx plugin disable {name}` or another schema lets writes through");
    ExtensionFailure { extension: name.to_owned(), reason }
}
