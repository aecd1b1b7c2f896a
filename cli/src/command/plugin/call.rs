//! `dbx plugin call`: ask a gateway.

use std::fs;

use anyhow::Context;
use bytes::Bytes;
use hyper::{
    Method, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::{Map, Value, json};

use crate::{
    fail::{Failure, Kind},
    input,
    output::{self, Format},
    session::Session,
};

/// The header by which an answer is known to be a gateway's.
const MARK: &str = "x-eventdbx-gateway";

/// Ask a gateway
///
/// Prints the body of the answer; with `--format json` it is wrapped, with status and headers. A status of 400 or more is an
/// error.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Name of the gateway
    name: String,
    /// Path below the gateway, with the query if there is one
    #[arg(default_value = "/")]
    path: String,
    /// The method [default: GET, or POST with --data]
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// A header; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<String>,
    /// The body: text, @FILE to read it from a file, or - for standard input
    #[arg(long, value_name = "TEXT|@FILE|-", allow_hyphen_values = true)]
    data: Option<String>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let usage = |message: String| Failure::new(Kind::Usage, message);
        if !self.path.starts_with('/') {
            return Err(usage(format!("the path {:?} does not begin with /", self.path)).into());
        }
        let default = if self.data.is_some() { "POST" } else { "GET" };
        let method = self.method.as_deref().unwrap_or(default).to_uppercase();
        let method: Method = method.parse().map_err(|_| usage(format!("{method:?} is no method")))?;
        let headers = self.headers.iter().map(|text| header(text)).collect::<anyhow::Result<Vec<_>>>()?;
        let body = self.data.as_deref().map(body).transpose()?.unwrap_or_default();
        let target = format!("{}{}", session.at(["x", &self.name]).as_ref(), self.path);
        let (status, headers, body) = session.connect().await?.exchange(method, &target, &headers, body).await?;
        if !headers.contains_key(MARK) {
            return Err(Session::refusal(status, &body).into());
        }
        tell(session, status, &headers, &body)?;
        if status.is_client_error() || status.is_server_error() {
            return Err(Failure::new(Kind::Other, format!("{} answered with status {status}", self.name)).into());
        }
        Ok(())
    }
}

fn tell(session: &Session, status: StatusCode, headers: &HeaderMap, body: &Bytes) -> anyhow::Result<()> {
    let text = String::from_utf8_lossy(body);
    if matches!(session.format, Format::Table) {
        return if body.is_empty() { Ok(()) } else { output::line(text.trim_end_matches('\n')) };
    }
    let parsed = serde_json::from_slice(body).unwrap_or_else(|_| Value::from(&*text));
    let value = |value: &HeaderValue| Value::from(String::from_utf8_lossy(value.as_bytes()));
    let headers: Map<_, _> = headers.iter().map(|(name, it)| (name.as_str().to_owned(), value(it))).collect();
    let answer = json!({ "status": status.as_u16(), "headers": headers, "body": parsed }).to_string();
    session.format.answer(&answer, |_: &Value| String::new())
}

fn header(text: &str) -> anyhow::Result<(HeaderName, HeaderValue)> {
    let parsed = text.split_once('=').and_then(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)));
    parsed.ok_or_else(|| {
        Failure::new(Kind::Usage, format!("--header {text:?} is no header")).hint("write it as NAME=VALUE").into()
    })
}

fn body(argument: &str) -> anyhow::Result<Bytes> {
    match argument.strip_prefix('@') {
        Some(path) => Ok(fs::read(path).with_context(|| format!("reading --data from {path}"))?.into()),
        None if argument == "-" => Ok(input::stdin("--data")?.into()),
        None => Ok(argument.to_owned().into()),
    }
}
