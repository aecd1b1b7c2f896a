//! The API: one router, described by one OpenAPI document.
//!
//! Routes and document are made of the same declarations, one file for each resource, so that they cannot part. Every
//! handler takes a [`Grant`](crate::Grant), and every failure is the same JSON ([`ApiError`]).

mod aggregates;
mod append;
mod closing;
mod convert;
mod cursor;
mod domains;
mod error;
mod events;
mod extract;
mod follow;
mod gateway;
mod history;
mod import;
mod jobs;
mod logs;
mod metrics;
mod mode;
mod ndjson;
mod openapi;
mod paging;
mod payload_modes;
mod plugin_changes;
mod plugin_trust;
mod plugins;
mod queue;
mod recipients;
mod references;
mod schema_check;
mod schemas;
mod selection;
mod sight;
mod snapshots;
mod stage;
mod status;
mod subscriptions;
mod verify;

use std::sync::Arc;

use axum::{Extension, Router, extract::DefaultBodyLimit, http::Uri, middleware};
use utoipa_axum::{router::OpenApiRouter, routes};

use self::status::Document;
use crate::{node::Node, wire::ErrorCode};

pub(crate) use convert::new_event;
pub(crate) use error::ApiError;
pub use openapi::openapi_document;
pub(crate) use sight::View;
pub(crate) use status::resident_bytes;

/// The router, ready to serve.
pub(crate) fn router(node: &Arc<Node>) -> Router {
    let (router, document) = routes().split_for_parts();
    let document = openapi::finish(document);
    router
        .route_layer(middleware::from_fn_with_state(Arc::clone(node), closing::break_off))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(node), crate::trace::trace))
        .layer(middleware::from_fn_with_state(Arc::clone(node), crate::metrics::count))
        .layer(Extension(Document(document.into())))
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(node))
}

/// Every route that there is.
fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new()
        .routes(routes!(status::live))
        .routes(routes!(status::ready))
        .routes(routes!(status::openapi))
        .routes(routes!(status::status))
        .routes(routes!(status::stats))
        .routes(routes!(status::shutdown))
        .routes(routes!(metrics::metrics))
        .routes(routes!(domains::list_domains))
        .routes(routes!(domains::get_domain, domains::create_domain, domains::delete_domain))
        .routes(routes!(domains::set_remote, domains::forget_remote))
        .routes(routes!(append::append_events))
        .routes(routes!(import::import_events))
        .routes(routes!(stage::list_stage, stage::stage_events, stage::drop_stage))
        .routes(routes!(stage::drop_staged))
        .routes(routes!(stage::commit_stage))
        .routes(routes!(events::list_events))
        .routes(routes!(events::get_event))
        .routes(routes!(aggregates::list::list_aggregates))
        .routes(routes!(aggregates::get_aggregate))
        .routes(routes!(aggregates::history::list_history))
        .routes(routes!(references::list_referrers))
        .routes(routes!(aggregates::archive_aggregate))
        .routes(routes!(aggregates::restore_aggregate))
        .routes(routes!(snapshots::list_snapshots, snapshots::take_snapshot))
        .routes(routes!(snapshots::get_snapshot))
        .routes(routes!(snapshots::verify_snapshot))
        .routes(routes!(verify::verify_aggregate))
        .routes(routes!(verify::verify_domain))
        .routes(routes!(mode::get_mode, mode::put_mode))
        .routes(routes!(schemas::list_schemas))
        .routes(routes!(schemas::get_schema, schemas::put_schema, schemas::remove_schema))
        .routes(routes!(schemas::list_versions))
        .routes(routes!(schemas::diff_schema))
        .routes(routes!(schemas::activate_schema))
        .routes(routes!(schemas::validate_schema))
        .routes(routes!(schema_check::check_schema))
        .routes(routes!(schema_check::infer_schema))
        .routes(routes!(plugins::add_component))
        .routes(routes!(plugins::list_plugins, plugins::install_plugin))
        .routes(routes!(plugins::get_plugin, plugins::uninstall_plugin))
        .routes(routes!(plugins::get_drop_in))
        .routes(routes!(plugins::enable_plugin))
        .routes(routes!(plugins::disable_plugin))
        .routes(routes!(logs::plugin_logs))
        .routes(routes!(jobs::replay_plugin))
        .routes(routes!(jobs::list_jobs))
        .routes(routes!(jobs::get_job))
        .routes(routes!(jobs::cancel_job))
        .routes(routes!(plugin_changes::get_plugin_config, plugin_changes::configure_plugin))
        .routes(routes!(plugin_changes::pause_plugin))
        .routes(routes!(plugin_changes::resume_plugin))
        .routes(routes!(plugin_changes::upgrade_plugin))
        .routes(routes!(plugin_changes::rollback_plugin))
        .routes(routes!(plugin_trust::get_signing, plugin_trust::put_signing))
        .routes(routes!(plugin_trust::list_secrets))
        .routes(routes!(plugin_trust::set_secret, plugin_trust::remove_secret))
        .routes(routes!(payload_modes::list_payload_modes))
        .routes(routes!(
            payload_modes::get_payload_mode,
            payload_modes::put_payload_mode,
            payload_modes::remove_payload_mode
        ))
        .routes(routes!(plugins::query_plugin))
        .routes(routes!(gateway::ask_gateway))
        .routes(routes!(gateway::ask_gateway_root))
        .routes(routes!(gateway::ask_gateway_below))
        .routes(routes!(queue::list_queue))
        .routes(routes!(queue::get_entry))
        .routes(routes!(queue::retry_entry))
        .routes(routes!(queue::discard_entry))
        .routes(routes!(queue::edit_entry))
        .routes(routes!(queue::get_capsule))
        .routes(routes!(subscriptions::list_subscriptions, subscriptions::create_subscription))
        .routes(routes!(subscriptions::get_subscription, subscriptions::delete_subscription))
        .routes(routes!(subscriptions::take_deliveries))
        .routes(routes!(subscriptions::ack_deliveries))
        .routes(routes!(subscriptions::nack_deliveries))
        .routes(routes!(subscriptions::list_parked))
        .routes(routes!(subscriptions::retry_parked))
        .routes(routes!(subscriptions::discard_parked))
}

async fn not_found(uri: Uri) -> ApiError {
    ApiError::not_found(format_args!("path {}", uri.path())).hint("GET /openapi.json lists what there is")
}

async fn method_not_allowed(uri: Uri) -> ApiError {
    ApiError::new(ErrorCode::MethodNotAllowed, format!("{} does not take this method", uri.path()))
        .hint("GET /openapi.json lists what there is")
}
