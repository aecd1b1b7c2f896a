//! What an operator lets a plugin see: beside globs, a ceiling, a filter, and fields.

use std::sync::Arc;

use eventdbx_sandbox::Parts;
use eventdbx_store::{Filter, Subject};
use serde::{Deserialize, Serialize};

use super::{
    PayloadMode,
    fields::{FieldFilter, FieldList},
    selector::Selector,
    slice::{self, ModeMap, Slice},
};

/// What an installation selects, beside its globs and its mode.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Selection {
    /// The most that the operator lets it see, in whichever mode.
    pub(super) max_mode: Option<PayloadMode>,
    /// Only events that pass.
    pub(super) filter: Option<String>,
    /// Only these fields.
    pub(super) fields: FieldList,
    /// If false, only events whose writer names the plugin.
    pub(super) emit: Option<bool>,
}

impl Selection {
    /// Whether the plugin gets events that do not name it.
    pub(super) fn is_fed(&self) -> bool {
        self.emit.unwrap_or(true)
    }
}

impl Selector {
    /// Narrows what the plugin can use to what the operator selects. Every fault is reported.
    pub(super) fn narrowed(mut self, selection: &Selection, modes: &ModeMap) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        self.max_mode = selection.max_mode;
        self.only_named = !selection.is_fed();
        match selection.max_mode {
            Some(mode) if Slice::of(mode, modes).is_none() => faults.push(no_such_mode(mode)),
            Some(PayloadMode::Named(name)) if modes.get(&name).is_some_and(|mode| mode.shaping.is_some()) => {
                faults.push(format!(
                    "the payload mode {} is a component, which shapes what it is given and bounds nothing: it can be no \
                     `--max-mode`, for which take a mode that names parts and fields",
                    name.as_str()
                ));
            }
            _ => {}
        }
        match FieldFilter::new(&selection.fields) {
            Ok(fields) => self.fields.extend(fields.map(Arc::new)),
            Err(more) => faults.extend(more),
        }
        if let Some(text) = &selection.filter {
            match Filter::parse(text, Subject::Events) {
                Ok(filter) => {
                    faults.extend(self.forbidden(&filter, modes));
                    self.filter = Some(Arc::new(filter));
                }
                Err(fault) => faults.push(format!("the filter: {fault}")),
            }
        }
        if faults.is_empty() { Ok(self) } else { Err(faults) }
    }

    /// What a filter reads that the plugin may not see: it would learn of it by what comes and what does not.
    fn forbidden(&self, filter: &Filter, modes: &ModeMap) -> Vec<String> {
        let (needs, ceiling) = (filter.needs(), self.ceiling(modes));
        let parts = ceiling.parts;
        let wanted = [
            (needs.payload && !parts.payload, "payload"),
            (needs.envelope && !parts.envelope, "envelope (actor, note, metadata)"),
            (needs.extensions && !parts.extensions, "extensions"),
        ];
        let mut faults: Vec<_> = wanted
            .into_iter()
            .filter(|(missing, _)| *missing)
            .map(|(_, part)| format!("the filter reads the {part}, of which the plugin may see nothing"))
            .collect();
        for path in filter.contents() {
            // The operations of a patch are numbered: such a path may lead to any field.
            let numbered = path.segments().next().is_some_and(|step| step.bytes().all(|byte| byte.is_ascii_digit()));
            if ceiling.fields.iter().any(|fields| numbered || !fields.sees_all(path.segments())) {
                faults.push(format!("the filter reads `{path}`, which the plugin may not see"));
            }
        }
        faults
    }

    /// Checks that a mode leaves the plugin something: what is delivered is what the mode names and the plugin may see, and
    /// never anything else.
    pub(super) fn check_mode(&self, mode: PayloadMode, modes: &ModeMap) -> Result<(), String> {
        let nothing = Parts::default();
        let Some(slice) = Slice::of(mode, modes) else { return Err(no_such_mode(mode)) };
        let ceiling = self.ceiling(modes).parts;
        if ceiling == nothing || self.slice(mode, modes).parts != nothing {
            return Ok(());
        }
        Err(format!(
            "the payload mode {mode} carries {}, and of that the plugin can use, and was granted, nothing but {}: take \
             another mode, e.g. all, which carries all that it may see",
            slice::in_words(slice.parts),
            slice::in_words(ceiling),
        ))
    }
}

fn no_such_mode(mode: PayloadMode) -> String {
    format!(
        "this domain has no payload mode {mode}: `dbx plugin mode list` shows those that it has, `mode set` makes one"
    )
}

#[cfg(test)]
mod tests {
    use eventdbx_sandbox::{Descriptor, Fields};

    use super::{super::tests::world::descriptor, *};

    const EVENT: Parts = Parts { payload: true, state: false, schema: false, envelope: true, extensions: true };
    const ALL: Parts = Parts { state: true, schema: true, ..EVENT };

    fn using(parts: Parts) -> Descriptor {
        let mut descriptor = descriptor();
        descriptor.selector.parts = parts;
        descriptor
    }

    fn selector(descriptor: &Descriptor, selection: &Selection) -> Result<Selector, Vec<String>> {
        Selector::new(&descriptor.selector, &[], &[]).unwrap().narrowed(selection, &ModeMap::new())
    }

    #[test]
    fn a_mode_that_leaves_nothing_is_refused() {
        let (modes, none) = (ModeMap::new(), Selection::default());
        for mode in PayloadMode::ALL {
            assert_eq!(selector(&using(ALL), &none).unwrap().check_mode(mode, &modes), Ok(()), "{mode}");
            let nothing = selector(&using(Parts::default()), &none).unwrap();
            assert_eq!(nothing.check_mode(mode, &modes), Ok(()), "{mode}: who wants nothing gets nothing");
        }
        let event = selector(&using(EVENT), &none).unwrap();
        assert_eq!(event.check_mode(PayloadMode::All, &modes), Ok(()), "as much of it as the plugin can use");
        let refused = event.check_mode(PayloadMode::StateOnly, &modes).unwrap_err();
        assert!(refused.contains("carries state") && refused.contains("payload, envelope, extensions"), "{refused}");
        assert!(event.check_mode("own".parse().unwrap(), &modes).unwrap_err().contains("no payload mode own"));
    }

    #[test]
    fn no_mode_goes_above_what_was_granted() {
        let modes = ModeMap::new();
        let selection = Selection { max_mode: Some(PayloadMode::ExtensionsOnly), ..Selection::default() };
        let selector = selector(&using(ALL), &selection).unwrap();
        let granted = Parts { envelope: true, extensions: true, ..Parts::default() };
        assert_eq!(selector.slice(PayloadMode::All, &modes).parts, granted);
        assert!(selector.check_mode(PayloadMode::StateOnly, &modes).is_err());
        let payload = Parts { payload: true, ..Parts::default() };
        let payload = self::selector(&using(payload), &Selection::default()).unwrap();
        assert_eq!(payload.slice(PayloadMode::All, &modes).parts, Parts { payload: true, ..Parts::default() });
    }

    #[test]
    fn a_filter_over_what_is_forbidden_is_refused() {
        let filter = |text: &str, max_mode, exclude: &[&str]| Selection {
            max_mode,
            filter: Some(text.to_owned()),
            fields: FieldList {
                exclude: exclude.iter().map(|text| (*text).to_owned()).collect(),
                ..Default::default()
            },
            ..Selection::default()
        };
        let (extensions, secret) = (Some(PayloadMode::ExtensionsOnly), &["/card/number"][..]);
        for (selection, fine) in [
            (filter("position > 3 AND actor = 'a'", extensions, &[]), true),
            (filter("total > 3", None, secret), true),
            (filter("card.holder = 'x'", None, secret), true),
            (filter("total > 3", extensions, &[]), false),
            (filter("card.number = '4'", None, secret), false),
            (filter("card IS NULL", None, secret), false),
            (filter("payload.\"0\" = 1", None, secret), false),
            (filter("total >", None, &[]), false),
            (filter("state.a = 1", None, &[]), false),
        ] {
            let told = selector(&using(ALL), &selection);
            assert_eq!(told.is_ok(), fine, "{selection:?}: {:?}", told.err());
        }
        let mut blind = using(ALL);
        blind.selector.fields = Fields::Except(vec!["/total".to_owned()]);
        assert!(selector(&blind, &filter("total = 1", None, &[])).is_err(), "the plugin's own word counts too");
    }
}
