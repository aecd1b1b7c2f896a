//! The OpenAPI document: what the routes declare, with what holds for all of them.

use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{ContentBuilder, Info, OpenApi, Ref, ResponseBuilder, path::PathItem},
};

use crate::wire::{ErrorBody, ErrorCode, Reason, WireError};

/// The OpenAPI document of the API, as JSON.
#[must_use]
pub fn openapi_document() -> String {
    finish(super::routes().split_for_parts().1)
}

/// Adds the title and the answer that every route can give.
pub(super) fn finish(mut document: OpenApi) -> String {
    document.info = Info::new("EventDBX", env!("CARGO_PKG_VERSION"));
    document.info.description = Some("HTTP/1.1 over the socket `dbx.sock` in the data directory".to_owned());
    document.servers = None;
    let components = document.components.get_or_insert_default();
    let mut add = |name: std::borrow::Cow<'_, str>, schema| components.schemas.insert(name.into_owned(), schema);
    add(ErrorBody::name(), ErrorBody::schema());
    add(WireError::name(), WireError::schema());
    add(ErrorCode::name(), ErrorCode::schema());
    add(Reason::name(), Reason::schema());
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            let body = ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorBody::name()))).build();
            let failure = ResponseBuilder::new().description("Refused, or failed").content("application/json", body);
            operation.responses.responses.insert("default".to_owned(), failure.build().into());
        }
    }
    document.to_json().unwrap_or_default()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut utoipa::openapi::path::Operation> {
    let PathItem { get, put, post, delete, patch, head, options, .. } = item;
    [get, put, post, delete, patch, head, options].into_iter().flatten()
}
