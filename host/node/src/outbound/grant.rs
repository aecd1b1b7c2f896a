//! What an operator grants: a name, where it leads, and what the host puts in.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use ureq::http::{HeaderName, HeaderValue, Uri};
use utoipa::ToSchema;

use super::{http::RESERVED_HEADERS, tls::Authorities};

/// Something outside that a plugin may reach. The plugin knows it by its name only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetGrant {
    /// `https://HOST/BASE` or `http://…`, to which a plugin's paths are appended; `tls://HOST:PORT` or `tcp://…`.
    pub url: String,
    /// Whether it may lead to an address of this machine or of a private network.
    #[serde(default)]
    pub private: bool,
    /// Certificates of authorities, in PEM, of which the target's own must come; none: those of Mozilla's list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// Headers that the host adds to every request, by name. Their values are secrets: kept sealed, and never shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>)]
    pub headers: BTreeMap<String, Secret>,
}

/// A text that is not shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// A grant that makes sense.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) place: Place,
    pub(super) authorities: Authorities,
}

/// Where a grant leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Http {
        /// The URL, without a slash at its end.
        base: String,
        tls: bool,
    },
    Stream {
        host: String,
        port: u16,
        tls: bool,
    },
}

/// Checks a grant; every fault is listed, and none quotes a secret.
pub(super) fn check(name: &str, grant: &TargetGrant) -> Result<Checked, Vec<String>> {
    let mut faults = Vec::new();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
        faults.push(format!("the target {name:?}: a name has lower-case letters, digits, - and _, at most 64"));
    }
    let place = place(&grant.url).map_err(|reason| faults.push(format!("the target {name}: {reason}"))).ok();
    let http = matches!(place, Some(Place::Http { .. }));
    let tls = place.as_ref().is_some_and(Place::speaks_tls);
    if place.is_some() && !http && !grant.headers.is_empty() {
        faults.push(format!("the target {name} does not speak HTTP, hence there are no headers to put in"));
    }
    if http && !tls && !grant.private && !grant.headers.is_empty() {
        faults.push(format!("the target {name}: its secrets would travel in clear; use https"));
    }
    if place.is_some() && !tls && grant.ca.is_some() {
        faults.push(format!("the target {name} does not speak TLS, hence there is no authority to ask for"));
    }
    let authorities = grant.ca.as_deref().map_or_else(|| Ok(Authorities::mozilla()), Authorities::parse);
    let authorities = authorities.map_err(|reason| faults.push(format!("the target {name}: {reason}"))).ok();
    for (header, value) in &grant.headers {
        let valid = HeaderName::from_bytes(header.as_bytes()).is_ok() && HeaderValue::from_str(value.reveal()).is_ok();
        if !valid || RESERVED_HEADERS.contains(&header.to_ascii_lowercase().as_str()) {
            faults.push(format!("the target {name}: {header:?} with its value cannot be a header that is put in"));
        }
    }
    match (place, authorities) {
        (Some(place), Some(authorities)) if faults.is_empty() => Ok(Checked { place, authorities }),
        _ => Err(faults),
    }
}

impl Place {
    fn speaks_tls(&self) -> bool {
        match self {
            Self::Http { tls, .. } | Self::Stream { tls, .. } => *tls,
        }
    }
}

fn place(url: &str) -> Result<Place, String> {
    let forms = "https://HOST/BASE, http://HOST/BASE, tls://HOST:PORT or tcp://HOST:PORT";
    let unfit = || format!("its URL is not of the form {forms}");
    let uri: Uri = url.parse().map_err(|_| unfit())?;
    let authority = uri.authority().ok_or_else(unfit)?;
    if authority.as_str().contains('@') {
        return Err("its URL holds a name or a password: have the host put in a secret header instead".to_owned());
    }
    if uri.query().is_some() || url.contains('#') || authority.host().is_empty() {
        return Err(unfit());
    }
    match uri.scheme_str() {
        Some(scheme @ ("http" | "https")) => {
            Ok(Place::Http { base: url.trim_end_matches('/').to_owned(), tls: scheme == "https" })
        }
        Some(scheme @ ("tcp" | "tls")) if matches!(uri.path(), "" | "/") => {
            let port = authority.port_u16().filter(|port| *port > 0).ok_or_else(unfit)?;
            let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
            Ok(Place::Stream { host, port, tls: scheme == "tls" })
        }
        _ => Err(unfit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(url: &str) -> TargetGrant {
        TargetGrant { url: url.to_owned(), private: false, ca: None, headers: BTreeMap::new() }
    }

    fn with_secret(url: &str, header: &str) -> TargetGrant {
        let headers = [(header.to_owned(), Secret("s3cret".to_owned()))].into();
        TargetGrant { headers, ..grant(url) }
    }

    #[test]
    fn places_are_read() {
        let http = |base: &str, tls| Place::Http { base: base.to_owned(), tls };
        let stream = |host: &str, tls| Place::Stream { host: host.to_owned(), port: 4222, tls };
        for (url, expected) in [
            ("https://example.org/hooks/", http("https://example.org/hooks", true)),
            ("http://example.org:8080", http("http://example.org:8080", false)),
            ("HTTPS://example.org", http("HTTPS://example.org", true)),
            ("tcp://nats.example.org:4222", stream("nats.example.org", false)),
            ("tls://[2001:db8::1]:4222", stream("2001:db8::1", true)),
        ] {
            assert_eq!(check("name", &grant(url)).unwrap().place, expected, "{url}");
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        let unfit =
            ["", "example.org", "ftp://example.org/", "tcp://example.org", "tcp://example.org:0", "tcp://h:1/x"];
        for url in unfit.into_iter().chain(["https://u:p@example.org/", "https://example.org/?k=s3cret"]) {
            let faults = check("name", &grant(url)).unwrap_err();
            assert!(faults.len() == 1 && !faults[0].contains("s3cret"), "{url}: {faults:?}");
        }
        assert!(check("No Name", &grant("tcp://h:1")).is_err());
    }

    #[test]
    fn authorities_are_certificates_for_tls() {
        let with = |url: &str, ca: &str| check("name", &TargetGrant { ca: Some(ca.to_owned()), ..grant(url) });
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem();
        assert!(with("tls://h:1", &pem).is_ok() && with("https://h", &pem.repeat(2)).is_ok());
        let key = rcgen::KeyPair::generate().unwrap().serialize_pem();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (url, ca, says) in [
            ("tcp://h:1", pem.as_str(), "does not speak TLS"),
            ("http://h", &pem, "does not speak TLS"),
            ("tls://h:1", "", "no certificate"),
            ("tls://h:1", &key, "no certificate"),
            ("tls://h:1", broken, "certificate 1"),
            ("tls://h:1", &pem.repeat(200), "TARGET_CA_BYTES"),
        ] {
            let faults = with(url, ca).unwrap_err();
            assert!(faults.len() == 1 && faults[0].contains(says), "{url}: {faults:?}");
        }
    }

    #[test]
    fn secrets_are_kept_and_not_told() {
        assert!(check("name", &with_secret("https://example.org", "Authorization")).is_ok());
        for (url, header) in [
            ("http://example.org", "authorization"),
            ("HTTP://example.org", "authorization"),
            ("tcp://example.org:1", "authorization"),
            ("https://example.org", "host"),
            ("https://example.org", "not a name"),
        ] {
            let faults = check("name", &with_secret(url, header)).unwrap_err().join("; ");
            assert!(!faults.contains("s3cret"), "{faults}");
        }
        assert!(!format!("{:?}", with_secret("https://example.org", "a")).contains("s3cret"));
    }
}
