//! The references that stand in a payload or a state, for whoever keeps them whole.

use serde_json::{Map, Value};

use super::{
    column::{Column, Members},
    compiled::Schema,
    place::Place,
    reference::{Integrity, OnArchive, Reference},
};
use crate::{AggregateRef, DomainName};

/// A reference that stands in a payload or a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Where: a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// The domain that it leads into; none: the own one.
    pub domain: Option<DomainName>,
    /// The aggregate that it names.
    pub target: AggregateRef,
    /// Whether the aggregate must exist.
    pub integrity: Integrity,
    /// What becomes of the reference when the aggregate is to be archived.
    pub on_archive: OnArchive,
    /// Whether it stands in a hidden field: then nobody may be told what it names.
    pub hidden: bool,
}

impl Schema {
    /// Whether there are columns for references at all.
    #[must_use]
    pub fn refers(&self) -> bool {
        self.refers
    }

    /// The references in a payload or a state that was checked, at any depth.
    #[must_use]
    pub fn links(&self, members: &Map<String, Value>) -> Vec<Link> {
        let mut links = Vec::new();
        if self.refers {
            self.collect(&self.document.members, members, (&Place::ROOT, false), &mut links);
        }
        links
    }

    fn collect(
        &self,
        members: &Members,
        object: &Map<String, Value>,
        (above, hidden): (&Place<'_>, bool),
        links: &mut Vec<Link>,
    ) {
        for (name, value) in object {
            let Some(field) = members.fields.get(name) else { continue };
            let (place, hidden) = (above.member(name), hidden || field.hidden);
            match (&field.column, value) {
                (Column::Object(Some(members)), Value::Object(object)) => {
                    self.collect(members, object, (&place, hidden), links);
                }
                (Column::Reference(target), Value::String(text)) => {
                    let Ok(Reference { domain, kind, id }) = text.parse() else { continue };
                    let kind = kind.or_else(|| target.to.clone()).unwrap_or_else(|| self.document.aggregate.clone());
                    links.push(Link {
                        pointer: place.pointer(),
                        domain,
                        target: AggregateRef { kind, id },
                        integrity: target.integrity,
                        on_archive: target.on_archive,
                        hidden,
                    });
                }
                _ => {}
            }
        }
    }
}

/// Whether a column for references is among the members, at any depth.
pub(super) fn holds_references(members: &Members) -> bool {
    members.fields.values().any(|field| match &field.column {
        Column::Reference(_) => true,
        column => column.members().is_some_and(holds_references),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::SchemaDocument;

    #[test]
    fn references_are_found_with_what_they_name() {
        let customer = json!({"type": "reference", "to": "customer", "integrity": "strong", "on_archive": "nullify"});
        let document = json!({
            "aggregate": "order",
            "fields": {
                "parent": {"type": "reference"},
                "who": {"type": "object", "properties": {"customer": customer}},
                "text": {"type": "text"},
            },
        });
        let schema = Schema::new(SchemaDocument::parse(&document.to_string()).expect("valid"));
        let state = json!({"parent": "#o-1", "who": {"customer": "shop#customer#c-1"}, "text": "#x", "gone": "#y"});
        let links = schema.links(state.as_object().expect("an object"));
        let shown: Vec<String> = links.iter().map(|link| format!("{} {}", link.pointer, link.target)).collect();
        assert_eq!(shown, ["/parent order/o-1", "/who/customer customer/c-1"]);
        assert_eq!((links[0].integrity, links[0].on_archive), (Integrity::Weak, OnArchive::Keep));
        assert_eq!((links[1].integrity, links[1].on_archive), (Integrity::Strong, OnArchive::Nullify));
        assert_eq!(links[1].domain.as_ref().map(DomainName::as_str), Some("shop"));
    }
}
