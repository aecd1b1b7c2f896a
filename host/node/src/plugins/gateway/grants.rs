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
        faults.extend(Rights::new(self).err().unwrap_or_default());
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

/// What a gateway may do: what its component asks for, as far as that was granted.
#[derive(Debug)]
pub(in crate::plugins) struct Access {
    asked: Rights,
    granted: Rights,
}

/// Why a gateway may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// Its component does not ask for it, so that no grant lets it.
    Ask,
    /// The operator did not grant it.
    Grant,
}

impl Access {
    /// Compiles the globs of grants and of a component's capabilities; every bad one is told.
    pub(in crate::plugins) fn new(grants: &DomainGrants, capabilities: &[String]) -> Result<Self, Vec<String>> {
        let mut asks = DomainGrants::default();
        capabilities.iter().for_each(|word| asks.consent(word));
        match (Rights::new(&asks), Rights::new(grants)) {
            (Ok(asked), Ok(granted)) => Ok(Self { asked, granted }),
            (asked, granted) => {
                let of_component = |fault| format!("what the component asks for: {fault}");
                let asked = asked.err().unwrap_or_default().into_iter().map(of_component);
                Err(asked.chain(granted.err().unwrap_or_default()).collect())
            }
        }
    }

    pub(super) fn may_append(&self, kind: &str, id: &str) -> Result<(), Missing> {
        self.both(|rights| admits(&rights.append, kind, id))
    }

    pub(super) fn may_read(&self, name: &AggregateRef) -> Result<(), Missing> {
        self.both(|rights| admits(&rights.read, name.kind.as_str(), name.id.as_str()))
    }

    pub(super) fn may_ask(&self, plugin: &str) -> Result<(), Missing> {
        self.both(|rights| rights.query.iter().any(|glob| glob.matches(plugin)))
    }

    fn both(&self, may: impl Fn(&Rights) -> bool) -> Result<(), Missing> {
        match (may(&self.asked), may(&self.granted)) {
            (true, true) => Ok(()),
            (true, false) => Err(Missing::Grant),
            (false, _) => Err(Missing::Ask),
        }
    }
}

/// Globs, compiled.
#[derive(Debug)]
struct Rights {
    append: Vec<(Glob, Option<Glob>)>,
    read: Vec<(Glob, Option<Glob>)>,
    query: Vec<Glob>,
}

impl Rights {
    /// Every bad glob is told.
    fn new(grants: &DomainGrants) -> Result<Self, Vec<String>> {
        let mut faults = Vec::new();
        let mut pairs = |texts: &[String]| -> Vec<_> {
            texts.iter().filter_map(|text| pair(text).map_err(|fault| faults.push(fault)).ok()).collect()
        };
        let (append, read) = (pairs(&grants.append), pairs(&grants.read));
        let query = grants.query.iter().filter_map(|text| Glob::new(text).map_err(|fault| faults.push(fault)).ok());
        let query = query.collect();
        if faults.is_empty() { Ok(Self { append, read, query }) } else { Err(faults) }
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
    fn what_is_not_granted_or_not_asked_for_is_denied() {
        let asked = ["append=order", "append=$note", "read=*", "query=*", "idempotent"].map(str::to_owned);
        let granted = grants(&["append=order/A*", "append=customer", "read=*", "query=hours"]);
        let access = Access::new(&granted, &asked).unwrap();
        assert_eq!(access.may_append("order", "A1"), Ok(()));
        assert_eq!(access.may_append("order", "B1"), Err(Missing::Grant));
        assert_eq!(access.may_append("customer", "A1"), Err(Missing::Ask), "it is granted, and not asked for");
        assert_eq!(access.may_append("ord", "A1"), Err(Missing::Ask));
        assert_eq!(access.may_read(&"order/B1".parse().unwrap()), Ok(()));
        let own = access.may_read(&"$plugin/a".parse().unwrap());
        assert_eq!(own, Err(Missing::Ask), "our own only where a glob says so");
        assert_eq!((access.may_ask("hours"), access.may_ask("miles")), (Ok(()), Err(Missing::Grant)));
        let none = Access::new(&DomainGrants::default(), &asked).unwrap();
        assert!(none.may_append("order", "1").is_err() && none.may_read(&"order/1".parse().unwrap()).is_err());
        let unasked = Access::new(&granted, &[]).unwrap();
        assert!(unasked.may_append("order", "A1").is_err() && unasked.may_ask("hours").is_err());
        let faults = Access::new(&DomainGrants::default(), &["append=[a]".to_owned()]).unwrap_err();
        assert!(faults[0].starts_with("what the component asks for"), "{faults:?}");
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
