//! The schema extensions of a domain, as the store asks them.
//!
//! They have no worker: they are called by whoever writes, on its thread. What runs is one immutable list, so that a write is
//! judged by one list from its beginning to its end.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use eventdbx_sandbox::{self as sandbox, Extension, Halt};
use eventdbx_store::schema::{
    ExtensionFailure, Extensions, Judgement, Objection, ProposedEvent, Provided, ProvidedRule, Provider, Silence,
    TypedValue, UseKind, Verdict,
};
use serde::{Deserialize, Serialize};

/// The schema extensions of a domain.
#[derive(Default)]
pub(super) struct Running(RwLock<Arc<List>>);

#[derive(Default)]
struct List {
    running: BTreeMap<String, (Provider, Extension)>,
    /// Those that are installed and not asked.
    silent: BTreeMap<String, (Brings, Silence)>,
    provided: Arc<Provided>,
}

/// The names of what an extension brings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Brings {
    pub(super) types: Vec<String>,
    pub(super) rules: Vec<String>,
}

impl Brings {
    pub(super) fn of(extension: &Extension) -> Self {
        let types = extension.types().iter().map(|it| it.name.clone()).collect();
        let rules = extension.rules().iter().map(|it| it.name.clone()).collect();
        Self { types, rules }
    }

    pub(super) fn has(&self, kind: UseKind, name: &str) -> bool {
        let names = match kind {
            UseKind::Type => &self.types,
            UseKind::Rule => &self.rules,
        };
        names.iter().any(|known| known == name)
    }

    fn each(&self) -> impl Iterator<Item = (UseKind, &String)> {
        let types = self.types.iter().map(|name| (UseKind::Type, name));
        types.chain(self.rules.iter().map(|name| (UseKind::Rule, name)))
    }
}

impl Running {
    fn list(&self) -> Arc<List> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What stands in the way of an extension: what it brings is there already, by another, be that one asked or not.
    pub(super) fn conflicts(&self, plugin: &str, brings: &Brings) -> Vec<String> {
        let list = self.list();
        let running = list.running.iter().map(|(other, (_, extension))| (other, Brings::of(extension)));
        let silent = list.silent.iter().map(|(other, (brings, _))| (other, brings.clone()));
        let others: Vec<_> = running.chain(silent).filter(|(other, _)| *other != plugin).collect();
        let conflict = |(kind, name): (UseKind, &String)| {
            let (other, _) = others.iter().find(|(_, brings)| brings.has(kind, name))?;
            let what = match kind {
                UseKind::Type => "column type",
                UseKind::Rule => "rule",
            };
            Some(format!("the {what} {name} is brought by {other} already"))
        };
        brings.each().filter_map(conflict).collect()
    }

    /// From the next commit on, an extension is asked, instead of the one that has its name.
    pub(super) fn add(&self, provider: Provider, extension: Extension) -> Result<(), String> {
        self.change(|list| {
            list.silent.remove(&provider.plugin);
            list.running.insert(provider.plugin.clone(), (provider, extension));
        })
    }

    /// From the next commit on, an extension is not asked, and what needs it is refused.
    pub(super) fn silence(&self, brings: Brings, silence: Silence) -> Result<(), String> {
        self.change(|list| {
            list.running.remove(&silence.plugin);
            list.silent.insert(silence.plugin.clone(), (brings, silence));
        })
    }

    /// From the next commit on, an extension is not there any more.
    pub(super) fn remove(&self, plugin: &str) -> Result<(), String> {
        self.change(|list| {
            list.running.remove(plugin);
            list.silent.remove(plugin);
        })
    }

    fn change(&self, change: impl FnOnce(&mut List)) -> Result<(), String> {
        let mut list = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = List { running: list.running.clone(), silent: list.silent.clone(), provided: Arc::default() };
        change(&mut changed);
        changed.provided = Arc::new(changed.provides()?);
        *list = Arc::new(changed);
        Ok(())
    }
}

impl List {
    fn provides(&self) -> Result<Provided, String> {
        let mut provided = Provided::default();
        for (provider, extension) in self.running.values() {
            provided.types.extend(extension.types().iter().map(|it| (it.name.clone(), provider.clone())));
            for rule in extension.rules() {
                let declared = ProvidedRule::new(provider.clone(), rule.event_types.clone(), &rule.state_fields);
                let declared =
                    declared.map_err(|field| format!("the rule {}: {field:?} is no JSON Pointer", rule.name))?;
                provided.rules.insert(rule.name.clone(), declared);
            }
        }
        for (brings, silence) in self.silent.values() {
            provided.silent.extend(brings.each().map(|(kind, name)| ((kind, name.clone()), silence.clone())));
        }
        Ok(provided)
    }

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
            let (_, extension) = self.running.get(&name).ok_or_else(gone)?;
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
        list.ask(types, |it| list.provided.types.get(it.type_name), |extension, types| judge_params(extension, types))
    }
}

/// What an extension says against the parameters of types that are its own.
pub(super) fn judge_params(extension: &Extension, types: &[&TypedValue<'_>]) -> Result<Vec<Vec<Objection>>, Halt> {
    let params: Vec<String> = types.iter().map(|it| it.params.to_owned()).collect();
    let each = types.iter().zip(&params);
    let asked: Vec<_> = each.map(|(it, params)| sandbox::ColumnType { type_name: it.type_name, params }).collect();
    Ok(extension.check_params(&asked)?.into_iter().map(objections).collect())
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
    let reason = format!(
        "{halt}. Nothing was written: another version (`dbx plugin upgrade {name}`, or `rollback`) or a schema that does \
         without lets writes through"
    );
    ExtensionFailure { extension: name.to_owned(), reason }
}
