//! References: a text that names another aggregate, `domain#type#id`, `type#id` or `#id`.

use std::{fmt, str::FromStr};

use crate::{AggregateId, AggregateType, DomainName, NameError};

/// What a reference names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The domain; none: the own one.
    pub domain: Option<DomainName>,
    /// The type; none: the type that the column refers `to`, or else the own one.
    pub kind: Option<AggregateType>,
    /// The id.
    pub id: AggregateId,
}

impl FromStr for Reference {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (rest, id) = text.rsplit_once('#').unwrap_or(("", ""));
        let (domain, kind) = match rest.split_once('#') {
            Some((domain, kind)) => (Some(domain.parse()?), Some(kind.parse()?)),
            None if rest.is_empty() => (None, None),
            None => (None, Some(rest.parse()?)),
        };
        Ok(Self { domain, kind, id: id.parse()? })
    }
}

/// Whether what a reference names must exist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Integrity {
    /// It must exist when the reference is written.
    Strong,
    /// It need not.
    #[default]
    Weak,
}

/// What becomes of a reference when what it names is to be archived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnArchive {
    /// The reference stays, and leads to something archived: what goes without saying for a weak one.
    #[default]
    Keep,
    /// It must not be archived while it is referred to: what goes without saying for a strong one.
    Restrict,
    /// The reference is removed.
    Nullify,
}

/// What a reference column asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// The only type that may be named.
    pub(super) to: Option<AggregateType>,
    pub(super) integrity: Integrity,
    pub(super) on_archive: OnArchive,
}

impl Target {
    /// Whether a reference may stand in the column.
    pub(super) fn admits(&self, reference: &Reference) -> bool {
        match (&self.to, &reference.kind) {
            (Some(to), Some(kind)) => to == kind,
            _ => true,
        }
    }
}

impl Integrity {
    pub(super) const NAMES: [(&'static str, Self); 2] = [("weak", Self::Weak), ("strong", Self::Strong)];
}

impl OnArchive {
    pub(super) const NAMES: [(&'static str, Self); 3] =
        [("keep", Self::Keep), ("restrict", Self::Restrict), ("nullify", Self::Nullify)];

    /// What goes without saying.
    pub(super) fn usual(integrity: Integrity) -> Self {
        match integrity {
            Integrity::Strong => Self::Restrict,
            Integrity::Weak => Self::Keep,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            Some(to) => write!(f, "a reference to {to}, e.g. \"{to}#1\" or \"#1\""),
            None => f.write_str("a reference, e.g. \"order#1\", \"default#order#1\" or \"#1\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_one_to_three_parts() {
        for good in ["#1", "order#o-1", "shop#order#o-1"] {
            assert!(good.parse::<Reference>().is_ok(), "{good}");
        }
        for bad in ["", "#", "1", "order#", "#order#1", "a#b#c#d", "Order#1", "shop##1", "order#a b", "##1"] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
        let full: Reference = "shop#order#1".parse().expect("valid");
        assert_eq!((full.domain.expect("named").as_str(), full.kind.expect("named").as_str()), ("shop", "order"));
    }
}
