//! `dbx plugin keygen|sign|trust`: who may have made a component.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::Context;
use eventdbx_node::plugins::{PublicKey, SecretKey, Signature, SigningRules};
use hyper::Method;
use serde_json::{Value, json};

use crate::{
    fail::{Failure, Kind},
    output::{self, GREEN},
    session::Session,
};

/// Make a key to sign components with; needs no daemon
///
/// The secret half is written to FILE, which only you can read, and the public half to FILE.pub.
#[derive(Debug, clap::Args)]
pub(crate) struct Keygen {
    /// Where the secret half goes; nothing is overwritten
    file: PathBuf,
}

/// Sign a component; needs no daemon
///
/// The signature is written to FILE.sig: a line of text.
#[derive(Debug, clap::Args)]
pub(crate) struct Sign {
    /// The component, exactly as it will be installed
    file: PathBuf,
    /// The secret half of a key, as `dbx plugin keygen` wrote it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

/// Say whose components a domain takes
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Trust {
    /// Show the trusted keys, and whether a signature is required
    Show,
    /// Trust a key
    Add(KeyFile),
    /// Trust a key no more; what it signed and is installed stays
    Remove(KeyId),
    /// Refuse every component that no trusted key signed (on), or take unsigned ones, too (off)
    Require(Require),
}

#[derive(Debug, clap::Args)]
pub(crate) struct KeyFile {
    /// The public half of a key, as `dbx plugin keygen` wrote it
    file: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct KeyId {
    /// Id of the key
    id: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Require {
    /// on or off
    #[arg(value_parser = ["on", "off"])]
    signed: String,
}

impl Keygen {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<()> {
        let key = SecretKey::generate();
        let public = beside(&self.file, ".pub");
        write_new(&self.file, 0o600, &key.to_line())?;
        write_new(&public, 0o644, &key.public().to_string())?;
        let id = key.public().id();
        let answer = json!({ "key_id": id, "secret": self.file, "public": public });
        session.format.answer(&answer.to_string(), |_: &Value| {
            format!("{GREEN}made{GREEN:#} the key {id}: {} is secret, {} is not", self.file.display(), public.display())
        })
    }
}

impl Sign {
    pub(crate) fn run(self, session: &Session) -> anyhow::Result<()> {
        let key = SecretKey::from_line(&read(&self.key)?).map_err(|error| refused(&self.key, &error))?;
        let component = fs::read(&self.file).with_context(|| format!("reading {}", self.file.display()))?;
        let (signature, path) = (key.sign(&component), beside(&self.file, ".sig"));
        fs::write(&path, format!("{signature}\n")).with_context(|| format!("writing {}", path.display()))?;
        let answer = json!({ "key_id": signature.key_id, "signature": path });
        session.format.answer(&answer.to_string(), |_: &Value| {
            format!(
                "{GREEN}signed{GREEN:#} {} with the key {}: {}",
                self.file.display(),
                signature.key_id,
                path.display()
            )
        })
    }
}

impl Trust {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let answer = session.get(session.at(["signing"])).await?;
        let mut rules: SigningRules = serde_json::from_str(&answer)?;
        match self {
            Self::Show => return session.format.answer(&answer, text),
            Self::Add(KeyFile { file }) => {
                let key: PublicKey = read(&file)?.parse().map_err(|error| refused(&file, &error))?;
                rules.trusted_keys.push(key.to_string());
            }
            Self::Remove(KeyId { id }) => {
                let before = rules.trusted_keys.len();
                rules.trusted_keys.retain(|key| key_id(key) != id);
                if rules.trusted_keys.len() == before {
                    return Err(Failure::new(Kind::NotFound, format!("this domain does not trust a key {id}")).into());
                }
            }
            Self::Require(Require { signed }) => rules.require_signed = signed == "on",
        }
        let body = serde_json::to_vec(&rules)?;
        let answer = session.call(Method::PUT, session.at(["signing"]).as_ref(), body.into()).await?;
        session.format.answer(&answer, text)
    }
}

/// Reads a signature; the text that travels.
pub(super) fn read_signature(path: &Path) -> anyhow::Result<String> {
    let signature: Signature = read(path)?.parse().map_err(|error| refused(path, &error))?;
    Ok(signature.to_string())
}

fn text(rules: &SigningRules) -> String {
    let keys: Vec<_> = rules.trusted_keys.iter().map(|key| key_id(key)).collect();
    output::pairs([
        ("unsigned components", if rules.require_signed { "refused" } else { "taken" }.to_owned()),
        ("trusted keys", if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }),
    ])
}

fn key_id(key: &str) -> String {
    key.parse::<PublicKey>().map(|key| key.id()).unwrap_or_default()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn write_new(path: &Path, mode: u32, line: &str) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| writeln!(file, "{line}"));
    written.with_context(|| format!("writing {}", path.display()))
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
}

fn refused(path: &Path, error: &eventdbx_node::plugins::Unreadable) -> Failure {
    Failure::new(Kind::Refused, format!("{}: {error}", path.display()))
}
