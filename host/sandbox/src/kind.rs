//! The kinds of plugins: what each looks like from outside. One row per kind.

use serde::Serialize;

/// What a plugin is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A projection with tables.
    ReadModel,
    /// A bridge out: it sends what it is given to targets that the operator granted.
    Transport,
    /// A bridge in: it answers requests, and appends.
    Gateway,
    /// Column types and rules.
    SchemaExtension,
    /// Decides what slice of a delivery another plugin sees.
    PayloadMode,
}

/// What a plugin of one kind looks like from outside.
#[derive(Debug)]
pub(crate) struct Outline {
    pub(crate) kind: Kind,
    /// An import or an export that only this kind has: any of them decides.
    marks: &'static [&'static str],
    /// Interfaces of the contract that it may import, besides `types`, which has no functions.
    imports: &'static [&'static str],
    /// Interfaces that it must export.
    pub(crate) requires: &'static [&'static str],
    /// Interfaces that it may export.
    may: &'static [&'static str],
    /// Names outside of the contract that it may import.
    foreign: &'static [&'static str],
    /// Names outside of the contract that it must export.
    pub(crate) requires_foreign: &'static [&'static str],
}

/// What a gateway takes of WASI: requests, answers and their bodies. Of the clock there are only the types.
const WASI_HTTP: &[&str] =
    &["wasi:http/types", "wasi:io/error", "wasi:io/poll", "wasi:io/streams", "wasi:clocks/monotonic-clock"];

/// Looked through from top to bottom; a read model is what has no mark of another kind.
const OUTLINES: [Outline; 5] = [
    Outline {
        kind: Kind::Transport,
        marks: &["outbound"],
        imports: &["host", "outbound"],
        requires: &["meta", "handler"],
        may: &[],
        foreign: &[],
        requires_foreign: &[],
    },
    Outline {
        kind: Kind::Gateway,
        marks: &["client", "wasi:http/incoming-handler"],
        imports: &["host", "client"],
        requires: &["meta"],
        may: &[],
        foreign: WASI_HTTP,
        requires_foreign: &["wasi:http/incoming-handler"],
    },
    Outline {
        kind: Kind::SchemaExtension,
        marks: &["column-types", "rules", "upcast"],
        imports: &[],
        requires: &["meta", "column-types", "rules"],
        may: &[],
        foreign: &[],
        requires_foreign: &[],
    },
    Outline {
        kind: Kind::PayloadMode,
        marks: &["shape"],
        imports: &[],
        requires: &["meta", "shape"],
        may: &[],
        foreign: &[],
        requires_foreign: &[],
    },
    READ_MODEL,
];

const READ_MODEL: Outline = Outline {
    kind: Kind::ReadModel,
    marks: &[],
    imports: &["host", "state"],
    requires: &["meta", "handler"],
    may: &["queryable"],
    foreign: &[],
    requires_foreign: &[],
};

impl Kind {
    /// Its name in the contract, which is also that of its world.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadModel => "read-model",
            Self::Transport => "transport",
            Self::Gateway => "gateway",
            Self::SchemaExtension => "schema-extension",
            Self::PayloadMode => "payload-mode",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        OUTLINES.iter().map(|outline| outline.kind).find(|kind| kind.as_str() == name)
    }

    /// How people call one.
    #[must_use]
    pub fn article(self) -> String {
        format!("a {}", self.noun())
    }

    /// The same without its article.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::ReadModel => "read model",
            Self::Transport => "transport",
            Self::Gateway => "gateway",
            Self::SchemaExtension => "schema extension",
            Self::PayloadMode => "payload mode",
        }
    }

    /// Whether it takes deliveries, and so has a cursor, a queue and a worker.
    #[must_use]
    pub const fn takes_deliveries(self) -> bool {
        matches!(self, Self::ReadModel | Self::Transport)
    }
}

impl Outline {
    /// The outline that a component is to be held against. `names` are its imports and exports; those of the contract
    /// without the package, all without the version.
    pub(crate) fn of(names: &[&str]) -> &'static Self {
        let marked = |outline: &&Self| names.iter().any(|name| outline.marks.contains(name));
        OUTLINES.iter().find(marked).unwrap_or(const { &READ_MODEL })
    }

    pub(crate) fn may_import(&self, interface: &str) -> bool {
        interface == "types" || self.imports.contains(&interface)
    }

    /// Whether a name that does not belong to the contract may be imported.
    pub(crate) fn may_import_foreign(&self, name: &str) -> bool {
        self.foreign.contains(&name)
    }

    pub(crate) fn may_export(&self, interface: &str) -> bool {
        self.requires.contains(&interface) || self.may.contains(&interface)
    }

    /// Every kind, as a list for people.
    pub(crate) fn kinds() -> String {
        OUTLINES.iter().map(|outline| format!("`{}`", outline.kind.as_str())).collect::<Vec<_>>().join(", ")
    }
}
