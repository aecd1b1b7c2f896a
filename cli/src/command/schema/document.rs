//! Read, change, write: how a command edits a schema. What was read must still be in force when it is written, so that two
//! editors do not overwrite each other.

use anyhow::Context;
use eventdbx_node::{
    client::ClientError,
    wire::{ErrorCode, SchemaView, SchemaWritten},
};
use hyper::Method;
use serde_json::{Map, Value};

use super::change;
use crate::{
    fail::{Failure, Kind},
    output::{self, GREEN, YELLOW},
    session::Session,
};

/// How a change is made.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct How {
    /// Also if it refuses states that are there
    #[arg(long)]
    pub(super) force: bool,
    /// Only show what would change
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// A document that is about to be written.
pub(super) struct Put<'a> {
    pub(super) kind: &'a str,
    pub(super) document: String,
    /// The version that must be active; 0: none may be; none: whichever is.
    pub(super) expect: Option<u32>,
    pub(super) note: Option<&'a str>,
    pub(super) how: &'a How,
}

impl Put<'_> {
    /// Writes it; the answer as it came.
    pub(super) async fn send(self, session: &Session) -> Result<String, ClientError> {
        let target = session
            .at(["schemas", self.kind])
            .query("expect", self.expect)
            .query("note", self.note)
            .flag("force", self.how.force)
            .flag("dry_run", self.how.dry_run);
        session.call(Method::PUT, target.as_ref(), self.document.into()).await
    }
}

/// The schema that is in force.
pub(super) async fn active(session: &Session, kind: &str) -> anyhow::Result<SchemaView> {
    match session.get(session.at(["schemas", kind])).await {
        Ok(answer) => Ok(serde_json::from_str(&answer)?),
        Err(ClientError::Refused(error)) if error.code == ErrorCode::NotFound => {
            let hint = error.hint.unwrap_or_else(|| format!("`dbx schema create {kind}` makes one"));
            Err(Failure::new(Kind::NotFound, error.message).hint(hint).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The version that is in force; 0: none is.
pub(super) async fn active_version(session: &Session, kind: &str) -> anyhow::Result<u32> {
    match session.get(session.at(["schemas", kind])).await {
        Ok(answer) => Ok(serde_json::from_str::<SchemaView>(&answer)?.version),
        Err(ClientError::Refused(error)) if error.code == ErrorCode::NotFound => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Changes the schema that is in force, and shows what became of it.
pub(super) async fn edit(
    session: &Session,
    kind: &str,
    how: &How,
    change: impl FnOnce(&mut Map<String, Value>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let active = active(session, kind).await?;
    let mut document: Map<String, Value> = serde_json::from_str(active.document.get())?;
    change(&mut document)?;
    let document = Value::Object(document).to_string();
    let put = Put { kind, document, expect: Some(active.version), note: None, how };
    let answer = put.send(session).await?;
    show(session, &answer, how.dry_run)
}

/// Shows what became of a change.
pub(super) fn show(session: &Session, answer: &str, dry_run: bool) -> anyhow::Result<()> {
    let written: SchemaWritten = serde_json::from_str(answer)?;
    session.format.answer(answer, |written: &SchemaWritten| sentence(written, dry_run))?;
    warn(&written);
    Ok(())
}

/// Says on standard error what people should know of a change.
pub(super) fn warn(written: &SchemaWritten) {
    for warning in &written.warnings {
        output::note(&format!("{YELLOW}warning:{YELLOW:#} {}: {warning}", written.aggregate_type));
    }
}

/// What became of a change, in words, with all that changed.
pub(super) fn sentence(written: &SchemaWritten, dry_run: bool) -> String {
    let kind = &written.aggregate_type;
    let first = match (written.version, written.written) {
        (Some(version), true) => format!("{GREEN}active{GREEN:#} {kind} version {version}"),
        (None, true) => format!("{GREEN}removed{GREEN:#} {kind} has no active schema any more"),
        (Some(version), false) if dry_run && !written.changes.is_empty() => {
            format!("{YELLOW}would be{YELLOW:#} {kind} version {version}")
        }
        (Some(version), false) => format!("{kind} version {version} says this already"),
        (None, false) => format!("{kind} has no schema"),
    };
    // Where there was no schema, everything narrows.
    let changes = written.changes.iter().map(|change| change::line(change, written.previous.is_some()));
    std::iter::once(first).chain(changes).collect::<Vec<_>>().join("\n")
}

/// A path to a field, dotted or as a JSON Pointer.
pub(super) fn steps(path: &str) -> Vec<String> {
    match path.strip_prefix('/') {
        Some(pointer) => pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect(),
        None => path.split('.').map(str::to_owned).collect(),
    }
}

/// The fields that hold the one at `path`, and its name. `make`: objects on the way that are not there are made.
pub(super) fn holder<'d>(
    document: &'d mut Map<String, Value>,
    path: &str,
    make: bool,
) -> anyhow::Result<(&'d mut Map<String, Value>, String)> {
    let mut steps = steps(path);
    let name = steps.pop().context("a field has a name")?;
    let mut fields = members(document, "fields", make, path)?;
    for step in steps {
        if make && !fields.contains_key(&step) {
            fields.insert(step.clone(), serde_json::json!({ "type": "object" }));
        }
        let field = fields.get_mut(&step).and_then(Value::as_object_mut).ok_or_else(|| no_field(path))?;
        if field.get("type").and_then(Value::as_str) != Some("object") {
            let message = format!("{step} of {path} is no object: only objects have fields");
            return Err(Failure::new(Kind::Refused, message).into());
        }
        fields = members(field, "properties", make, path)?;
    }
    Ok((fields, name))
}

fn members<'d>(
    object: &'d mut Map<String, Value>,
    name: &str,
    make: bool,
    path: &str,
) -> anyhow::Result<&'d mut Map<String, Value>> {
    if make {
        object.entry(name).or_insert_with(|| Value::Object(Map::new()));
    }
    Ok(object.get_mut(name).and_then(Value::as_object_mut).ok_or_else(|| no_field(path))?)
}

/// A field that is declared.
pub(super) fn field<'d>(
    document: &'d mut Map<String, Value>,
    path: &str,
) -> anyhow::Result<&'d mut Map<String, Value>> {
    let (fields, name) = holder(document, path, false)?;
    Ok(fields.get_mut(&name).and_then(Value::as_object_mut).ok_or_else(|| no_field(path))?)
}

pub(super) fn no_field(path: &str) -> Failure {
    Failure::new(Kind::NotFound, format!("the schema has no field {path}"))
        .hint("`dbx schema show TYPE` shows those that there are; `dbx schema field` declares one")
}

/// Sets a member that is a flag; one that is not set is not written.
pub(super) fn flag(object: &mut Map<String, Value>, name: &str, set: bool) {
    if set {
        object.insert(name.to_owned(), true.into());
    } else {
        object.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_leads_into_objects() {
        assert_eq!(steps("address.city"), ["address", "city"]);
        assert_eq!(steps("/a.b/c~1d~0"), ["a.b", "c/d~"]);
        let Value::Object(mut document) = json!({"fields": {"n": {"type": "integer"}}}) else { unreachable!() };
        let (fields, name) = holder(&mut document, "address.geo.lat", true).unwrap();
        fields.insert(name, json!({"type": "float"}));
        assert_eq!(field(&mut document, "address.geo.lat").unwrap()["type"], "float");
        assert!(field(&mut document, "address.geo.lon").is_err());
        assert!(holder(&mut document, "n.x", true).is_err());
        assert_eq!(field(&mut document, "address").unwrap()["type"], "object");
    }
}
