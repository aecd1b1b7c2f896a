//! Old events in the shape of today, before a mode's component sees them and before they are delivered.

use eventdbx_store::{Json, schema::Written};
use serde_json::Value;

use super::{Cutter, Item, unreadable};
use crate::plugins::{fields::FieldFilter, slice::Slice, states::StateError};

impl Cutter<'_> {
    /// Gives old events the shape of today, all in one go: until then, items have that in which they were written. What is not
    /// to be seen is gone before an extension looks at them, and is cut out of what it makes of them.
    pub(super) fn upcast(&self, items: &mut [Item]) -> Result<(), StateError> {
        let domain = &self.services.domain;
        let book = domain.schemas();
        let mut old: Vec<(&mut Item, u32, String)> = Vec::new();
        for item in items.iter_mut().filter(|item| item.parts.payload && !item.as_it_is) {
            let Some(version) = book.upcast_version(item.header()) else { continue };
            let payload = &item.row.event()?.body.payload;
            let visible = visible(&self.slice_of(item.header()), payload, FieldFilter::leave_out)?;
            old.push((item, version, visible));
        }
        if old.is_empty() {
            return Ok(());
        }
        let written: Vec<_> = old.iter().map(|(item, _, payload)| Written { header: item.header(), payload }).collect();
        let shapes = domain.upcast(&book, &written)?;
        for ((item, version, _), shape) in old.into_iter().zip(shapes) {
            let Some(shape) = shape else { continue };
            let visible = visible(&self.slice_of(item.header()), &shape, FieldFilter::cut)?;
            (item.shape, item.payload) = (Some(version), Some(visible));
        }
        Ok(())
    }
}

/// As much of a payload as is in a slice.
fn visible(slice: &Slice, payload: &Json, by: fn(&FieldFilter, Value) -> Value) -> Result<String, StateError> {
    if slice.fields.is_empty() {
        return Ok(payload.as_str().to_owned());
    }
    let whole = payload.value().map_err(|error| unreadable(&error))?;
    Ok(slice.fields.iter().fold(whole, |payload, fields| by(fields, payload)).to_string())
}
