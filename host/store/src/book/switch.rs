//! Switching mode and schemas, by way of the committer like everything else.

use std::sync::Arc;

use super::{Change, Mode, SchemaBook};
use crate::{
    AggregateType, AppendError, Domain, Expected, Reason, Receipt, Schema, SchemaDocument, SubmitError, limits,
    schema::Use,
    write::{self, SystemEvent},
};

impl Domain {
    /// Mode and schemas as of now. Read it once for whatever has to fit together.
    #[must_use]
    pub fn schemas(&self) -> Arc<SchemaBook> {
        self.inner.shared.book()
    }

    /// Switches the mode; history is as it was. The mode that holds already writes nothing: the receipt has no events then,
    /// and is a `duplicate`.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append).
    pub fn set_mode(&self, to: Mode, actor: &str) -> Result<Receipt, AppendError> {
        let plan = |book: &SchemaBook| Ok((book.mode() != to).then(|| Change::Mode { from: book.mode(), to }));
        self.switch(plan, actor, None)
    }

    /// Writes a schema as the next version of its type and makes it active. Gives its version. A document that says what
    /// the active one says writes nothing: it gives that one's version, and a receipt that is a `duplicate`, without events.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); refused with `schema-versions` when the type has as many as
    /// [`SCHEMA_VERSIONS`](limits::SCHEMA_VERSIONS) allows.
    pub fn put_schema(
        &self,
        document: SchemaDocument,
        actor: &str,
        note: Option<&str>,
    ) -> Result<(u32, Receipt), AppendError> {
        let schema = Arc::new(Schema::new(document));
        let kind = schema.document().aggregate();
        let provided = self.extensions().map(|extensions| extensions.provided()).unwrap_or_default();
        let uses: Arc<[Use]> = schema.uses(&provided).into();
        let mut version = 0;
        let plan = |book: &SchemaBook| {
            if let Some(active) = book.active(kind).filter(|active| active.schema.document() == schema.document()) {
                version = active.version;
                return Ok(None);
            }
            let last = book.versions(kind).next_back().map_or(0, |last| last.version);
            if last >= limits::SCHEMA_VERSIONS {
                let message = format!("{kind} has as many versions as SCHEMA_VERSIONS allows ({last})");
                return Err(refused("", "schema-versions", message));
            }
            version = last + 1;
            Ok(Some(Change::Set { kind: kind.clone(), version, schema: Arc::clone(&schema), uses: Arc::clone(&uses) }))
        };
        let receipt = self.switch(plan, actor, note)?;
        Ok((version, receipt))
    }

    /// Makes a version of a type's schema the active one. The one that is active already writes nothing.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); refused with `unknown-version` when there is no such version.
    pub fn activate_schema(&self, kind: &AggregateType, version: u32, actor: &str) -> Result<Receipt, AppendError> {
        let plan = |book: &SchemaBook| {
            if book.version(kind, version).is_none() {
                let last = book.versions(kind).next_back().map_or(0, |last| last.version);
                let message = format!("the schema of {kind} has no version {version}: its last one is {last}");
                return Err(refused("/version", "unknown-version", message));
            }
            let is_active = book.active(kind).is_some_and(|active| active.version == version);
            Ok((!is_active).then(|| Change::Activate { kind: kind.clone(), version }))
        };
        self.switch(plan, actor, None)
    }

    /// Takes a type's schema out of force. Its versions stay in the log and can be activated again.
    ///
    /// # Errors
    ///
    /// As [`append`](Self::append); refused with `no-schema` when none is active.
    pub fn remove_schema(&self, kind: &AggregateType, actor: &str) -> Result<Receipt, AppendError> {
        let plan = |book: &SchemaBook| match book.active(kind) {
            Some(_) => Ok(Some(Change::Remove { kind: kind.clone() })),
            None => Err(refused("", "no-schema", format!("{kind} has no active schema"))),
        };
        self.switch(plan, actor, None)
    }

    /// Plans a switch from the book of now until the committer finds it planned from its own.
    fn switch(
        &self,
        mut plan: impl FnMut(&SchemaBook) -> Result<Option<Change>, AppendError>,
        actor: &str,
        note: Option<&str>,
    ) -> Result<Receipt, AppendError> {
        let files = &self.inner.files;
        for _ in 0..=limits::RECHECK_ROUNDS {
            let book = self.schemas();
            let Some(change) = plan(&book)? else {
                return Ok(Receipt { events: Vec::new(), durability: self.durability(), duplicate: true });
            };
            let body = write::system_body(&change.payload(), actor, note)?;
            let (aggregate, event_type) = (change.aggregate(), change.event_type());
            let switch = Some(Box::new((Arc::clone(&book), change)));
            let event = SystemEvent { aggregate: aggregate.clone(), event_type, expected: Expected::Any, body, switch };
            match self.submit_and_wait(write::check_system(files, &book, event)?) {
                Ok(receipt) => {
                    // Done again when somebody asks, should it fail now.
                    if let Err(error) = self.index_links() {
                        tracing::warn!(%error, "references are not indexed yet");
                    }
                    return Ok(receipt);
                }
                Err(SubmitError::Append(error)) => return Err(error),
                Err(SubmitError::Moved(_)) => files.keys.forget(&aggregate),
            }
        }
        Err(AppendError::MOVED_ON)
    }
}

fn refused(path: &str, code: &'static str, message: String) -> AppendError {
    AppendError::Refused(vec![Reason { event: 0, path: path.to_owned(), code, message }])
}
