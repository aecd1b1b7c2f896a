//! What an operator grants to a gateway, and what that comes to when it asks.

use eventdbx_store::AggregateRef;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::plugins::{glob::Glob, selector::pair};

/// What a gateway may do in its domain. What is not named here it may not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DomainGrants {
    /// Aggregates that it may write to: globs, `TYPE` or `TYPE/ID`.
    pub append: Vec<String>,
    /// Aggregates that it may read, with their events: likewise.
    pub read: Vec<String>,
    /// Read models that it may ask: globs over their names.
    pub query: Vec<String>,
}

impl DomainGrants {
    pub(in crate::plugins) fn is_empty(&self) -> bool {
        self.append.is_empty() && self.read.is_empty() && self.query.is_empty()
    }

    /// Each grant as an operator writes it.
    pub(in crate::plugins) fn words(&self) -> Vec<String> {
        let verbs = [("append", &self.append), ("read", &self.read), ("query", &self.query)];
        verbs.into_iter().flat_map(|(verb, globs)| globs.iter().map(move |glob| format!("{verb}={glob}"))).collect()
    }

    /// Grants more, and takes some back; every word that cannot be is told.
    pub(in crate::plugins) fn change(&mut self, grant: &[String], revoke: &[String]) -> Result<(), Vec<String>> {
        let mut faults = Vec::new();
        for word in grant {
            match self.place(word) {
                Some((globs, glob)) if !globs.contains(&glob) => globs.push(glob),
                Some(_) => {}
                None => {
                    faults.push(format!("{word:?} is no grant: write append=TYPE[/ID], read=TYPE[/ID] or query=PLUGIN"))
                }
            }
        }
        for word in revoke {
            let place = self.place(word);
            match place.and_then(|(globs, glob)| Some((globs.iter().position(|known| *known == glob)?, globs))) {
                Some((index, globs)) => drop(globs.remove(index)),
                None => faults.push(format!("{word:?} is not granted, so it cannot be taken back")),
            }
        }
        faults.extend(Access::new(self).err().unwrap_or_default());
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// Grants what a component asks for; what is no grant of this kind is none of ours.
    pub(in crate::plugins) fn consent(&mut self, word: &str) {
        if let Some((globs, glob)) = self.place(word)
            && !globs.contains(&glob)
        {
            globs.push(glob);
        }
    }

    fn place(&mut self, word: &str) -> Option<(&mut Vec<String>, String)> {
        let (verb, glob) = word.split_once('=')?;
        let globs = match verb {
            "append" => &mut self.append,
            "read" => &mut self.read,
            "query" => &mut self.query,
            _ => return None,
        };
        Some((globs, glob.to_owned()))
    }
}

/// The same, ready to be asked.
#[derive(Debug)]
pub(in crate::plugins) struct Access {
    append: Vec<(Glob, Option<Glob>)>,
    read: Vec<(Glob, Option<Glob>)>,
    query: Vec<Glob>,
}

impl Access {
    /// Compiles the globs; every bad one is told.
    pub(in crate::plugins) fn new(grants: &DomainGrants) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut pairs = |texts: &[String]| -> Vec<_> {
            texts.iter().filter_map(|text| pair(text).map_err(|fault| faults.push(fault)).ok()).collect()
        };
        let (append, read) = (pairs(&grants.append), pairs(&grants.read));
        let query = grants.query.iter().filter_map(|text| Glob::new(text).map_err(|fault| faults.push(fault)).ok());
        let query = query.collect();
        if faults.is_empty() { Ok(Self { append, read, query }) } else { Err(faults) }
    }

    pub(super) fn may_append(&self, kind: &str, id: &str) -> bool {
        admits(&self.append, kind, id)
    }

    pub(super) fn may_read(&self, name: &AggregateRef) -> bool {
        admits(&self.read, name.kind.as_str(), name.id.as_str())
    }

    pub(super) fn may_ask(&self, plugin: &str) -> bool {
        self.query.iter().any(|glob| glob.matches(plugin))
    }
}

/// Whether an aggregate is among those granted. EventDBX's own are only where a glob begins with `$`.
fn admits(granted: &[(Glob, Option<Glob>)], kind: &str, id: &str) -> bool {
    granted.iter().any(|(kinds, ids)| {
        kinds.matches(kind)
            && (kinds.is_system() || !kind.starts_with('$'))
            && ids.as_ref().is_none_or(|ids| ids.matches(id))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(words: &[&str]) -> DomainGrants {
        let mut grants = DomainGrants::default();
        grants.change(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &[]).unwrap();
        grants
    }

    #[test]
    fn what_is_not_granted_is_denied() {
        let access = Access::new(&grants(&["append=order/A*", "read=*", "query=hours"])).unwrap();
        assert!(
            access.may_append("order", "A1") && !access.may_append("order", "B1") && !access.may_append("ord", "A1")
        );
        assert!(access.may_read(&"order/B1".parse().unwrap()));
        assert!(!access.may_read(&"$plugin/a".parse().unwrap()), "our own only where a glob says so");
        assert!(access.may_ask("hours") && !access.may_ask("miles"));
        let none = Access::new(&DomainGrants::default()).unwrap();
        assert!(
            !none.may_append("order", "1") && !none.may_read(&"order/1".parse().unwrap()) && !none.may_ask("hours")
        );
    }

    #[test]
    fn grants_are_given_and_taken_back_by_the_same_words() {
        let mut grants = grants(&["append=order", "query=hours", "append=order"]);
        assert_eq!(grants.words(), ["append=order", "query=hours"]);
        grants.change(&["read=order".to_owned()], &["append=order".to_owned()]).unwrap();
        assert_eq!(grants.words(), ["read=order", "query=hours"]);
        let faults = grants.change(&["write=x".into(), "append=[a]".into()], &["read=other".into()]).unwrap_err();
        assert_eq!(faults.len(), 3, "{faults:?}");
    }
}
