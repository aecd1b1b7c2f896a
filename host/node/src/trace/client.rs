//! How spans travel: one HTTP request per batch, on the thread of the exporter.

use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use ureq::Agent;

/// How long a collector may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of an answer, which says little.
const ANSWER_BYTES: u64 = 64 << 10;

/// Sends spans. It blocks: the exporter has a thread for that.
#[derive(Debug)]
pub(super) struct Client(Agent);

impl Client {
    pub(super) fn new() -> Self {
        let config = Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
        Self(config.into())
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let mut response = self.0.run(Request::from_parts(parts, body.to_vec()))?;
        let body = response.body_mut().with_config().limit(ANSWER_BYTES).read_to_vec()?;
        let (parts, _) = response.into_parts();
        Ok(Response::from_parts(parts, body.into()))
    }
}
