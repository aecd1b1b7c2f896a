//! A schema made ready for checking: what lies deep in the document is found once, not per event.

use super::{
    column::{Field, Members},
    document::SchemaDocument,
    foreign::has_foreign_types,
    links::holds_references,
    place::Path,
    require::Requirements,
};

/// A schema made ready for checking. Share it in an [`Arc`](std::sync::Arc).
#[derive(Debug)]
pub struct Schema {
    pub(super) document: SchemaDocument,
    pub(super) required: Requirements,
    /// The outermost ones: what lies below is hidden with them. Those that `upcasts` give another name are here under their
    /// old names too: events and states that were written before have them.
    pub(super) hidden: Vec<Path>,
    /// The outermost ones: what lies below is locked with them.
    pub(super) locked: Vec<Path>,
    /// Whether there are columns for references.
    pub(super) refers: bool,
    /// Whether any column has a type that an extension brings.
    pub(super) has_foreign_types: bool,
}

impl Schema {
    /// Makes a document ready.
    #[must_use]
    pub fn new(document: SchemaDocument) -> Self {
        let required = Requirements::of(&document.members);
        let mut hidden = outermost(&document.members, |field| field.hidden);
        add_old_names(&document, &mut hidden);
        let locked = outermost(&document.members, |field| field.locked);
        let refers = holds_references(&document.members);
        let has_foreign_types = has_foreign_types(&document.members);
        Self { document, required, hidden, locked, refers, has_foreign_types }
    }

    /// What the schema says.
    #[must_use]
    pub fn document(&self) -> &SchemaDocument {
        &self.document
    }

    /// What must be there after each event.
    #[must_use]
    pub fn required(&self) -> &Requirements {
        &self.required
    }
}

/// Adds the names that fields had before, in the upcasts from the last one back.
fn add_old_names(document: &SchemaDocument, paths: &mut Vec<Path>) {
    for (old, new) in document.upcasts.iter().rev().flat_map(|upcast| &upcast.rename) {
        for index in 0..paths.len() {
            let path = paths[index].steps();
            let before = match (path.strip_prefix(new.steps()), new.steps().starts_with(path)) {
                (Some(below), _) => old.steps().iter().chain(below).map(String::as_str).collect(),
                (None, true) => old.steps().iter().map(String::as_str).collect::<Vec<&str>>(),
                (None, false) => continue,
            };
            let before = Path::new(&before);
            if !paths.contains(&before) {
                paths.push(before);
            }
        }
    }
}

/// The ways to the fields for which `marked` holds, without those that lie below another one.
fn outermost(members: &Members, marked: fn(&Field) -> bool) -> Vec<Path> {
    fn walk<'d>(members: &'d Members, marked: fn(&Field) -> bool, steps: &mut Vec<&'d str>, found: &mut Vec<Path>) {
        for (name, field) in &members.fields {
            steps.push(name);
            if marked(field) {
                found.push(Path::new(steps));
            } else if let Some(members) = field.column.members() {
                walk(members, marked, steps, found);
            }
            steps.pop();
        }
    }
    let mut found = Vec::new();
    walk(members, marked, &mut Vec::new(), &mut found);
    found
}
