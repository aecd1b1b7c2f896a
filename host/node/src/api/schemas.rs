//! The schemas of a domain: read, changed, compared.

use std::sync::Arc;

use axum::{Json, extract::State};
use eventdbx_store::{
    AggregateType, Domain, Schema, SchemaBook, SchemaDocument, StoredSchema,
    schema::{Known, Objection, json_schema},
};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{Mutex, MutexGuard};
use utoipa::IntoParams;

use super::{
    ApiError,
    extract::{InDomain, JsonBody, NoParams, OfKind, Params, TextBody},
};
use crate::{
    grant::Grant,
    node::{DomainNode, Node},
    schemas::{Edit, Expected, changes_between, schema_faults, switches},
    wire::{
        ActivateRequest, ErrorCode, Raw, Reason, SchemaDiff, SchemaFaults, SchemaRow, SchemaVersion, SchemaVersions,
        SchemaView, SchemaWritten, Schemas,
    },
};

/// One change at a time, in all domains: what it was decided on is what it is written on.
static EDITS: Mutex<()> = Mutex::const_new(());

/// Which version.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionParams {
    /// This version instead of the active one.
    version: Option<u32>,
    /// With the same as JSON Schema.
    #[serde(default)]
    json_schema: bool,
}

/// How to write.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct PutParams {
    /// The version that must be active; 0: none may be. So two editors do not overwrite each other.
    expect: Option<u32>,
    /// Also if it refuses states that are there.
    #[serde(default)]
    force: bool,
    /// Only say what would happen.
    #[serde(default)]
    dry_run: bool,
    /// A remark for people, kept with the version.
    note: Option<String>,
}

/// What must be there for a removal.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveParams {
    /// The version that must be active.
    expect: Option<u32>,
}

/// Which versions to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct DiffParams {
    /// The one version. Without it: the one before `to`.
    from: Option<u32>,
    /// The other version. Without it: the active one.
    to: Option<u32>,
}

/// Lists the schemas
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/schemas",
    tag = "schemas",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 200, description = "One for each type that has a schema or had one", body = Schemas))
)]
pub(super) async fn list_schemas(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
) -> Result<Json<Schemas>, ApiError> {
    let list = move || {
        let book = domain.log.schemas();
        Ok(Schemas { rows: book.kinds().filter_map(|kind| row(&book, kind)).collect() })
    };
    node.blocking(list).await.map(Json)
}

fn row(book: &SchemaBook, kind: &AggregateType) -> Option<SchemaRow> {
    let last = book.versions(kind).next_back()?;
    let active = book.active(kind);
    let shown = active.unwrap_or(last);
    let document = shown.schema.document();
    Some(SchemaRow {
        aggregate_type: kind.to_string(),
        active: active.map(|active| active.version),
        versions: last.version,
        fields: document.fields().count(),
        events: document.event_types().count(),
        locked: document.is_locked(),
        redactable: document.is_redactable(),
        updated_at: shown.recorded_at.to_rfc3339(),
        updated_by: shown.actor.to_string(),
    })
}

/// Reads a schema
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/schemas/{type}",
    tag = "schemas",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregates"),
        VersionParams
    ),
    responses((status = 200, description = "The active version, or the one that was asked for", body = SchemaView))
)]
pub(super) async fn get_schema(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfKind(kind): OfKind,
    Params(params): Params<VersionParams>,
) -> Result<Json<SchemaView>, ApiError> {
    let read = move || {
        let book = domain.log.schemas();
        let stored = match params.version {
            Some(version) => of_version(&book, &kind, version)?,
            None => book.active(&kind).ok_or_else(|| no_active(&book, &kind))?,
        };
        let document = stored.schema.document();
        let json_schema = params.json_schema.then(|| json_schema(document));
        Ok(SchemaView {
            aggregate_type: kind.to_string(),
            version: stored.version,
            active: book.active(&kind).map(|active| active.version),
            recorded_at: stored.recorded_at.to_rfc3339(),
            position: stored.position.get(),
            actor: stored.actor.to_string(),
            note: stored.note.as_deref().map(str::to_owned),
            document: raw(document.to_json())?,
            json_schema: json_schema.map(|schema| raw(schema.to_string())).transpose()?,
        })
    };
    node.blocking(read).await.map(Json)
}

fn of_version<'b>(book: &'b SchemaBook, kind: &AggregateType, version: u32) -> Result<&'b StoredSchema, ApiError> {
    let missing = || ApiError::not_found(format_args!("version {version} of a schema of {kind}"));
    book.version(kind, version).ok_or_else(missing)
}

/// The schema of a type was asked for that has none now.
pub(super) fn no_active(book: &SchemaBook, kind: &AggregateType) -> ApiError {
    let error = ApiError::not_found(format_args!("active schema of {kind}"));
    match book.versions(kind).next_back() {
        Some(last) => error.hint(format!("its versions are kept, 1 to {}: activate one", last.version)),
        None => error,
    }
}

fn raw(text: String) -> Result<Raw, ApiError> {
    RawValue::from_string(text).map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))
}

/// Writes a schema as the next version, and makes it active
///
/// The body is the schema document. A schema that may refuse what was accepted before is held against the states of all
/// aggregates of the type first: where it refuses some, nothing is changed without `force`.
#[utoipa::path(
    put,
    path = "/v1/domains/{d}/schemas/{type}",
    tag = "schemas",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregates"),
        PutParams
    ),
    request_body(content = Object, description = "The schema document"),
    responses((status = 200, description = "What changed", body = SchemaWritten))
)]
pub(super) async fn put_schema(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfKind(kind): OfKind,
    Params(params): Params<PutParams>,
    TextBody(text): TextBody,
) -> Result<Json<SchemaWritten>, ApiError> {
    let document = document_of(&domain.log, &kind, &text)?;
    let editing = EDITS.lock().await;
    let write = move |edit: Edit<'_>| edit.put(document, params.note.as_deref());
    let (expected, force, dry_run) = (Expected(params.expect), params.force, params.dry_run);
    let edit = move || {
        let log = &domain.log;
        held(editing, || write(Edit { log, actor: grant.actor(), expected, force, dry_run }))
    };
    node.blocking(edit).await.map(Json)
}

/// Does something while no other change is made.
fn held<T>(editing: MutexGuard<'static, ()>, work: impl FnOnce() -> T) -> T {
    let done = work();
    drop(editing);
    done
}

/// The document that was sent for a type. It may use what the extensions of the domain bring, which judge the parameters.
pub(super) fn document_of(log: &Domain, kind: &AggregateType, text: &str) -> Result<SchemaDocument, ApiError> {
    let extensions = log.extensions();
    let provided = extensions.as_ref().map(|extensions| extensions.provided()).unwrap_or_default();
    let document = SchemaDocument::parse_knowing(text, Known::Provided(&provided))?;
    if let Some(extensions) = extensions {
        let judged = Schema::new(document.clone()).judge_params(|types| extensions.judge_params(types));
        let judged = judged.map_err(|failure| ApiError::new(ErrorCode::Refused, failure.to_string()))?;
        if !judged.is_empty() {
            let fault = |(pointer, said): (String, Objection)| Reason {
                event: 0,
                path: format!("{pointer}/params{}", said.path),
                code: "bad-params".to_owned(),
                message: said.message,
            };
            let message = "an extension refuses the parameters of its type";
            return Err(ApiError::new(ErrorCode::Refused, message).reasons(judged.into_iter().map(fault).collect()));
        }
    }
    if document.aggregate() != kind {
        let message = format!("the document is for {}, and the request for {kind}", document.aggregate());
        return Err(ApiError::new(ErrorCode::BadRequest, message));
    }
    Ok(document)
}

/// Takes a schema out of force; its versions are kept
#[utoipa::path(
    delete,
    path = "/v1/domains/{d}/schemas/{type}",
    tag = "schemas",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregates"),
        RemoveParams
    ),
    responses((status = 200, description = "What changed", body = SchemaWritten))
)]
pub(super) async fn remove_schema(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfKind(kind): OfKind,
    Params(params): Params<RemoveParams>,
) -> Result<Json<SchemaWritten>, ApiError> {
    let editing = EDITS.lock().await;
    let edit = move || {
        let (log, expected) = (&domain.log, Expected(params.expect));
        held(editing, || Edit { log, actor: grant.actor(), expected, force: true, dry_run: false }.remove(&kind))
    };
    node.blocking(edit).await.map(Json)
}

/// Makes a version of a schema the active one
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/schemas/{type}/activate",
    tag = "schemas",
    params(("d" = String, Path, description = "Domain"), ("type" = String, Path, description = "Type of the aggregates")),
    request_body = ActivateRequest,
    responses((status = 200, description = "What changed", body = SchemaWritten))
)]
pub(super) async fn activate_schema(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfKind(kind): OfKind,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<ActivateRequest>,
) -> Result<Json<SchemaWritten>, ApiError> {
    let editing = EDITS.lock().await;
    let edit = move || {
        let ActivateRequest { version, expect, force } = request;
        let (log, expected) = (&domain.log, Expected(expect));
        held(editing, || Edit { log, actor: grant.actor(), expected, force, dry_run: false }.activate(&kind, version))
    };
    node.blocking(edit).await.map(Json)
}

/// Reads the history of a schema
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/schemas/{type}/versions",
    tag = "schemas",
    params(("d" = String, Path, description = "Domain"), ("type" = String, Path, description = "Type of the aggregates")),
    responses((status = 200, description = "All versions, and the last switches between them", body = SchemaVersions))
)]
pub(super) async fn list_versions(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfKind(kind): OfKind,
    _: Params<NoParams>,
) -> Result<Json<SchemaVersions>, ApiError> {
    node.blocking(move || versions(&domain, &kind)).await.map(Json)
}

fn versions(domain: &DomainNode, kind: &AggregateType) -> Result<SchemaVersions, ApiError> {
    let book = domain.log.schemas();
    let active = book.active(kind).map(|active| active.version);
    let mut rows: Vec<SchemaVersion> = Vec::new();
    for stored in book.versions(kind) {
        let before = stored.version.checked_sub(1).and_then(|before| book.version(kind, before));
        let changes = before.map(|before| changes_between(before.schema.document(), stored.schema.document()));
        rows.push(SchemaVersion {
            version: stored.version,
            active: active == Some(stored.version),
            recorded_at: stored.recorded_at.to_rfc3339(),
            position: stored.position.get(),
            actor: stored.actor.to_string(),
            note: stored.note.as_deref().map(str::to_owned),
            changes: changes.transpose()?.unwrap_or_default(),
        });
    }
    if rows.is_empty() {
        return Err(ApiError::not_found(format_args!("schema of {kind}")));
    }
    Ok(SchemaVersions { rows, switches: switches(&domain.log, kind)? })
}

/// Compares two versions of a schema
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/schemas/{type}/diff",
    tag = "schemas",
    params(
        ("d" = String, Path, description = "Domain"),
        ("type" = String, Path, description = "Type of the aggregates"),
        DiffParams
    ),
    responses((status = 200, description = "What changes from the one to the other", body = SchemaDiff))
)]
pub(super) async fn diff_schema(
    _: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    OfKind(kind): OfKind,
    Params(params): Params<DiffParams>,
) -> Result<Json<SchemaDiff>, ApiError> {
    let read = move || {
        let book = domain.log.schemas();
        let to = match params.to {
            Some(to) => of_version(&book, &kind, to)?,
            None => book.active(&kind).ok_or_else(|| no_active(&book, &kind))?,
        };
        let from = of_version(&book, &kind, params.from.unwrap_or(to.version.saturating_sub(1)))?;
        let changes = changes_between(from.schema.document(), to.schema.document())?;
        Ok(SchemaDiff { aggregate_type: kind.to_string(), from: from.version, to: to.version, changes })
    };
    node.blocking(read).await.map(Json)
}

/// Says what is wrong with a schema document, all of it
#[utoipa::path(
    post,
    path = "/v1/schemas/validate",
    tag = "schemas",
    request_body(content = Object, description = "The schema document"),
    responses((status = 200, description = "Its faults; none: it is valid", body = SchemaFaults))
)]
pub(super) async fn validate_schema(
    _: Grant,
    State(node): State<Arc<Node>>,
    _: Params<NoParams>,
    TextBody(text): TextBody,
) -> Result<Json<SchemaFaults>, ApiError> {
    node.blocking(move || Ok(SchemaFaults { faults: schema_faults(&text) })).await.map(Json)
}
