//! Opens the sealed parts of log rows, one after the other, in buffers that it keeps.

use crate::{
    ReadError,
    files::Files,
    keys::NameInRow,
    rows::{EventView, PartsView},
    seal::Binding,
};

/// Buffers in which bodies are opened, used again and again: a scan makes one and opens all its rows with it. It holds the
/// body that was opened last.
#[derive(Default)]
pub struct Unsealer {
    binding: Vec<u8>,
    plain: Vec<u8>,
}

impl Unsealer {
    /// Opens the body of a row, in place of the one before.
    pub(crate) fn open(&mut self, files: &Files, view: &EventView<'_>) -> Result<PartsView<'_>, ReadError> {
        let damaged = |what: &str| ReadError::Damaged(format!("position {}: {what}", view.position));
        let keys = &files.keys;
        let (kind, id) = (view.aggregate_type, view.aggregate_id);
        let kept = keys.of_view(view.number, &NameInRow { kind, id }, view.key_id)?;
        let domain = keys.keyring.domain_id();
        let binding =
            Binding::of_body(&mut self.binding, &view.key_id, domain, (kind, id), view.event_id, view.recipients);
        let opened = kept.cipher.open_into(binding.bytes(), view.sealed, &mut self.plain);
        opened.ok_or_else(|| damaged("its body does not open"))?;
        if view.compressed {
            self.plain = lz4_flex::block::decompress_size_prepended(&self.plain)
                .map_err(|_| damaged("its body does not unpack"))?;
        }
        self.opened()
    }

    /// The body that was opened last.
    pub(crate) fn opened(&self) -> Result<PartsView<'_>, ReadError> {
        Ok(PartsView::decode(&self.plain)?)
    }
}
