//! A schema made ready for checking: what lies deep in the document is found once, not per event.

use super::{
    column::{Field, Members},
    document::SchemaDocument,
    place::Path,
    require::Requirements,
};

/// A schema made ready for checking. Share it in an [`Arc`](std::sync::Arc).
#[derive(Debug)]
pub struct Schema {
    pub(super) document: SchemaDocument,
    pub(super) required: Requirements,
    /// The outermost ones: what lies below is hidden with them.
    pub(super) hidden: Vec<Path>,
    /// The outermost ones: what lies below is locked with them.
    pub(super) locked: Vec<Path>,
}

impl Schema {
    /// Makes a document ready.
    #[must_use]
    pub fn new(document: SchemaDocument) -> Self {
        let required = Requirements::of(&document.members);
        let hidden = outermost(&document.members, |field| field.hidden);
        let locked = outermost(&document.members, |field| field.locked);
        Self { document, required, hidden, locked }
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
