//! What an operator grants to a transport or to a gateway: `--grant`, and the secrets that the daemon puts in,
//! `--secret-header`, and whom it trusts there, `--ca`.

use std::{collections::BTreeMap, fs};

use anyhow::Context;
use eventdbx_node::plugins::DomainGrants;
use serde::Serialize;

use crate::fail::{Failure, Kind};

/// A target as the API takes it.
#[derive(Debug, Serialize)]
pub(crate) struct Target {
    url: String,
    private: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Grants {
    /// What a transport may reach, by the name that it uses: http=NAME=URL, tcp=NAME=HOST:PORT or tls=NAME=HOST:PORT; with
    /// `,private` behind it, also at an address of this machine or of a private network. What a gateway may do in its
    /// domain: append=TYPE[/ID], read=TYPE[/ID] (with * and ?) or query=PLUGIN. May be repeated
    #[arg(long = "grant", value_name = "GRANT")]
    grants: Vec<String>,
    /// A header that the daemon adds to every request to a target, from a file or an environment variable. The plugin
    /// never sees it; may be repeated
    #[arg(long = "secret-header", value_name = "TARGET:HEADER=@FILE|env:VAR")]
    secret_headers: Vec<String>,
    /// Whose certificates a target over https or tls may show: those of the authorities in this file (PEM), instead of those
    /// of Mozilla's list; may be repeated
    #[arg(long = "ca", value_name = "TARGET=FILE")]
    authorities: Vec<String>,
}

impl Grants {
    /// What a gateway may do in its domain.
    pub(super) fn domain(&self) -> DomainGrants {
        let of = |verb| self.grants.iter().filter_map(|grant| in_domain(grant, verb).map(str::to_owned)).collect();
        DomainGrants { append: of("append"), read: of("read"), query: of("query") }
    }

    /// The targets by name.
    pub(super) fn targets(&self) -> anyhow::Result<BTreeMap<String, Target>> {
        let mut targets = BTreeMap::new();
        let in_domain =
            |grant: &&String| ["append", "read", "query"].iter().any(|verb| in_domain(grant, verb).is_some());
        for grant in self.grants.iter().filter(|grant| !in_domain(grant)) {
            let (name, target) = parse(grant).ok_or_else(|| {
                Failure::new(Kind::Usage, format!("--grant {grant:?} is no grant"))
                    .hint(
                        "a transport's: http=NAME=https://HOST/BASE, tcp=NAME=HOST:PORT or tls=NAME=HOST:PORT; a gateway's: \
                         append=TYPE[/ID], read=TYPE[/ID] or query=PLUGIN",
                    )
            })?;
            if targets.insert(name.clone(), target).is_some() {
                return Err(Failure::new(Kind::Usage, format!("the target {name} is granted twice")).into());
            }
        }
        for argument in &self.secret_headers {
            let (target, header, source) = split(argument).ok_or_else(|| {
                // NOTE: what was given is not quoted, since it may be the secret itself.
                Failure::new(Kind::Usage, "a --secret-header is not of the form TARGET:HEADER=@FILE or =env:VAR")
                    .hint("anybody can read the arguments of a process, so the secret itself does not belong there")
            })?;
            let target_of = targets.get_mut(target).ok_or_else(|| {
                Failure::new(Kind::Usage, format!("--secret-header names the target {target}, which is not granted"))
            })?;
            target_of.headers.insert(header.to_owned(), source.read(argument_name(target, header).as_str())?);
        }
        for argument in &self.authorities {
            let (target, path) = argument.split_once('=').ok_or_else(|| {
                Failure::new(Kind::Usage, format!("--ca {argument:?} is not of the form TARGET=FILE"))
            })?;
            let target_of = targets.get_mut(target).ok_or_else(|| {
                Failure::new(Kind::Usage, format!("--ca names the target {target}, which is not granted"))
            })?;
            target_of.ca =
                Some(fs::read_to_string(path).with_context(|| format!("reading --ca {target} from {path}"))?);
        }
        Ok(targets)
    }
}

fn argument_name(target: &str, header: &str) -> String {
    format!("--secret-header {target}:{header}")
}

/// Where a secret stands.
enum Source<'a> {
    File(&'a str),
    Variable(&'a str),
}

impl Source<'_> {
    fn read(&self, what: &str) -> anyhow::Result<String> {
        let text = match self {
            Self::File(path) => fs::read_to_string(path).with_context(|| format!("reading {what} from {path}"))?,
            Self::Variable(name) => {
                std::env::var(name).with_context(|| format!("reading {what} from the variable {name}"))?
            }
        };
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }
}

/// What a grant of a gateway is about, if it is one of this verb.
fn in_domain<'a>(grant: &'a str, verb: &str) -> Option<&'a str> {
    grant.strip_prefix(verb)?.strip_prefix('=')
}

fn parse(grant: &str) -> Option<(String, Target)> {
    let (kind, rest) = grant.split_once('=')?;
    let (name, address) = rest.split_once('=')?;
    let (address, private) = match address.strip_suffix(",private") {
        Some(address) => (address, true),
        None => (address, false),
    };
    let url = match kind {
        "http" if address.starts_with("http://") || address.starts_with("https://") => address.to_owned(),
        "tcp" | "tls" if !address.contains("://") => format!("{kind}://{address}"),
        _ => return None,
    };
    Some((name.to_owned(), Target { url, private, ca: None, headers: BTreeMap::new() }))
}

fn split(argument: &str) -> Option<(&str, &str, Source<'_>)> {
    let (place, source) = argument.split_once('=')?;
    let (target, header) = place.split_once(':')?;
    let source = match (source.strip_prefix('@'), source.strip_prefix("env:")) {
        (Some(path), _) => Source::File(path),
        (None, Some(name)) => Source::Variable(name),
        (None, None) => return None,
    };
    Some((target, header, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(grant: &str) -> Option<(String, String, bool)> {
        parse(grant).map(|(name, target)| (name, target.url, target.private))
    }

    #[test]
    fn grants_are_read() {
        let read = |name: &str, url: &str, private| Some((name.to_owned(), url.to_owned(), private));
        assert_eq!(url("http=hook=https://h/x?a=b"), read("hook", "https://h/x?a=b", false));
        assert_eq!(url("http=hook=http://127.0.0.1:8080,private"), read("hook", "http://127.0.0.1:8080", true));
        assert_eq!(url("tls=redis=h:6380"), read("redis", "tls://h:6380", false));
        for wrong in ["hook=https://h", "http=hook=h:80", "tcp=r=tcp://h:1", "ftp=f=h:21", "http"] {
            assert_eq!(url(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_a_gateway_may_do_is_told_from_what_a_transport_reaches() {
        let words = ["append=order/A*", "http=hook=https://h", "query=hours", "read=order"].map(str::to_owned);
        let grants = Grants { grants: words.to_vec(), secret_headers: Vec::new(), authorities: Vec::new() };
        let list = |glob: &str| vec![glob.to_owned()];
        let expected = DomainGrants { append: list("order/A*"), read: list("order"), query: list("hours") };
        assert_eq!(grants.domain(), expected);
        assert_eq!(grants.targets().unwrap().into_keys().collect::<Vec<_>>(), ["hook"]);
    }

    #[test]
    fn a_secret_is_never_taken_from_an_argument() {
        assert!(split("hook:authorization=Bearer s3cret").is_none());
        assert!(matches!(
            split("hook:authorization=env:TOKEN"),
            Some(("hook", "authorization", Source::Variable("TOKEN")))
        ));
        assert!(matches!(split("hook:x=@/run/token"), Some(("hook", "x", Source::File("/run/token")))));
    }
}
