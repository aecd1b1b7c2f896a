//! Old events in the shape of today, before a mode's component sees them and before they are delivered.

use eventdbx_store::schema::Written;

use super::{Cutter, Item, unreadable};
use crate::plugins::states::StateError;

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
            let slice = self.slice_of(item.header());
            let visible = match slice.fields.is_empty() {
                true => payload.as_str().to_owned(),
                false => {
                    let whole = payload.value().map_err(|error| unreadable(&error))?;
                    slice.fields.iter().fold(whole, |payload, fields| fields.leave_out(payload)).to_string()
                }
            };
            old.push((item, version, visible));
        }
        if old.is_empty() {
            return Ok(());
        }
        let written: Vec<_> = old.iter().map(|(item, _, payload)| Written { header: item.header(), payload }).collect();
        let shapes = domain.upcast(&book, &written)?;
        for ((item, version, _), shape) in old.into_iter().zip(shapes) {
            let Some(shape) = shape else { continue };
            let slice = self.slice_of(item.header());
            let visible = match slice.fields.is_empty() {
                true => shape.as_str().to_owned(),
                false => {
                    let whole = shape.value().map_err(|error| unreadable(&error))?;
                    slice.fields.iter().fold(whole, |payload, fields| fields.cut(payload)).to_string()
                }
            };
            (item.shape, item.payload) = (Some(version), Some(visible));
        }
        Ok(())
    }
}
