//! Takes GitHub's webhooks: checks that a delivery is GitHub's, and makes an event of it.
//!
//! The lesson: a gateway is one function from a request to an answer. What it may do in the domain is the operator's
//! business (`--grant append=github/*`); that a request is genuine is its own: anybody can post, but only GitHub knows the
//! secret that the body is signed with. GitHub sends again what was not answered, so the id of the delivery is the
//! idempotency key, and one delivery is one event however often it comes.

use eventdbx_plugin_sdk::{gateway::*, *};
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;

/// The configuration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The secret of the webhook, as GitHub was given it.
    secret: String,
    /// Type of the aggregates, one for each repository.
    #[serde(default = "github")]
    aggregate_type: String,
}

fn github() -> String {
    "github".to_owned()
}

/// Of a delivery what is looked at. The whole of it becomes the payload.
#[derive(Deserialize)]
struct Delivery {
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

/// The plugin.
pub struct GithubWebhook(Config);

impl Gateway for GithubWebhook {
    type Config = Config;

    fn describe() -> Descriptor {
        Descriptor::new().capability("append=github").config_schema(json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["secret"],
            "properties": {
                "secret": {"type": "string", "minLength": 16, "writeOnly": true},
                "aggregate_type": {"type": "string"},
            },
        }))
    }

    fn start(config: Config, _: &StartContext) -> Result<Self, Failure> {
        if config.secret.len() < 16 {
            return Err(Failure::new("short-secret", "the secret of the webhook has less than 16 bytes"));
        }
        Ok(Self(config))
    }

    fn answer(&self, request: &Incoming, client: &dyn Client) -> Result<Reply, Reply> {
        if request.method() != "POST" {
            return Err(Reply::error(405, "webhooks are posted").with_header("allow", "POST"));
        }
        // IMPORTANT: before anything else is believed.
        let signature = request.header("x-hub-signature-256").and_then(|text| text.strip_prefix("sha256="));
        if !signature.is_some_and(|signature| is_genuine(&self.0.secret, request.body(), signature)) {
            return Err(Reply::error(401, "the signature is not the one of this secret"));
        }
        let header = |name| request.header(name).ok_or_else(|| Reply::error(400, &format!("there is no {name}")));
        let (event, id) = (header("x-github-event")?, header("x-github-delivery")?);
        if event == "ping" {
            return Ok(Reply::status(204));
        }
        let delivery: Delivery = request.json()?;
        let Some(Repository { full_name }) = delivery.repository else {
            return Ok(Reply::json(202, &json!({ "ignored": "it is about no repository" })));
        };
        let body = String::from_utf8_lossy(request.body());
        // Names of aggregates have no slash.
        let written = NewEvent::new(&self.0.aggregate_type, &full_name.replace('/', ":"), &format!("github_{event}"))
            .payload_text(body)
            .metadata(&json!({ "delivery": id }));
        let appended = client.append(vec![written], Some(id))?;
        let status = if appended.duplicate { 200 } else { 201 };
        Ok(Reply::json(status, &json!({ "position": appended.receipts.first().map(|receipt| receipt.position) })))
    }
}

/// Whether a signature, in hexadecimal digits, is that of the body. Takes the same time whatever is wrong with it.
fn is_genuine(secret: &str, body: &[u8], signature: &str) -> bool {
    let digit = |at: usize| signature.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Option<Vec<u8>> = (0..signature.len()).step_by(2).map(digit).collect();
    // An HMAC takes a key of any length.
    let (Some(bytes), Ok(mut mac)) = (bytes, Hmac::<Sha256>::new_from_slice(secret.as_bytes())) else { return false };
    mac.update(body);
    mac.verify_slice(&bytes).is_ok()
}

export_gateway!(GithubWebhook);

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use eventdbx_plugin_sdk::testing::Front;

    use super::*;

    const SECRET: &str = "0123456789abcdef";
    const BODY: &str = r#"{"action": "opened", "number": 7, "repository": {"full_name": "octo/hello"}}"#;

    fn sign(body: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        mac.finalize().into_bytes().iter().fold("sha256=".to_owned(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    fn delivery(id: &str, body: &str, signature: &str) -> Incoming {
        Incoming::new("POST", "/")
            .with_header("X-GitHub-Event", "pull_request")
            .with_header("X-GitHub-Delivery", id)
            .with_header("X-Hub-Signature-256", signature)
            .with_body(body)
    }

    fn front() -> Front<GithubWebhook> {
        Front::new(&json!({ "secret": SECRET }))
    }

    #[test]
    fn a_delivery_becomes_one_event_however_often_it_comes() {
        let front = front();
        let statuses: Vec<_> = (0..3).map(|_| front.call(&delivery("d-1", BODY, &sign(BODY))).code()).collect();
        assert_eq!(statuses, [201, 200, 200]);
        let payload: serde_json::Value = serde_json::from_str(BODY).unwrap();
        assert_eq!(
            front.domain().events(),
            [("github/octo:hello".to_owned(), "github_pull_request".to_owned(), payload)]
        );
    }

    #[test]
    fn what_github_has_not_signed_is_not_believed() {
        let front = front();
        let other = sign("{}");
        for signature in [other.as_str(), "sha256=", "sha256=zz", "sha1=00", "", &sign(BODY)[..40], "sha256=é0"] {
            assert_eq!(front.call(&delivery("d-1", BODY, signature)).code(), 401, "{signature}");
        }
        assert_eq!(front.call(&Incoming::new("GET", "/")).code(), 405);
        assert_eq!(front.domain().events(), []);
    }

    #[test]
    fn what_the_domain_refuses_github_is_told() {
        let front = front();
        front.domain().fail(ClientError::Busy("later".to_owned()));
        let reply = front.call(&delivery("d-1", BODY, &sign(BODY)));
        assert_eq!((reply.code(), reply.header("retry-after")), (503, Some("1")));
    }

    #[test]
    fn the_signature_is_the_one_of_githubs_documentation() {
        let digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(is_genuine("It's a Secret to Everybody", b"Hello, World!", digest));
        assert!(!is_genuine("It's a Secret to Everybody", b"Hello, World?", digest));
    }
}
