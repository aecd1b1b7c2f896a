//! TLS with a target: whose certificates it may show. Those of the authorities that its grant names, and of no others; if it
//! names none, those of Mozilla's list, which comes with the program.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::limits::TARGET_CA_BYTES;

/// Authorities that sign certificates.
#[derive(Debug)]
pub(super) struct Authorities {
    roots: Arc<RootCertStore>,
    /// Their certificates, unless they are those of Mozilla's list.
    own: Option<Vec<Certificate<'static>>>,
}

impl Authorities {
    /// Those of Mozilla's list.
    pub(super) fn mozilla() -> Self {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self { roots: Arc::new(roots), own: None }
    }

    /// Reads certificates in PEM (RFC 7468), one behind the other.
    pub(super) fn parse(pem: &str) -> Result<Self, String> {
        if pem.len() > TARGET_CA_BYTES {
            return Err(format!(
                "its authorities take {} bytes, and the limit TARGET_CA_BYTES is {TARGET_CA_BYTES}",
                pem.len()
            ));
        }
        let (mut roots, mut own) = (RootCertStore::empty(), Vec::new());
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|error| format!("its authorities are no PEM: {error}"))?;
            own.push(Certificate::from_der(&certificate).to_owned());
            let unfit = |error| format!("certificate {} of its authorities cannot be used: {error}", own.len());
            roots.add(certificate).map_err(unfit)?;
        }
        if own.is_empty() {
            return Err("its authorities hold no certificate: PEM with BEGIN CERTIFICATE is asked for".to_owned());
        }
        Ok(Self { roots: Arc::new(roots), own: Some(own) })
    }

    /// For a stream.
    pub(super) fn client(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions()?.with_root_certificates(Arc::clone(&self.roots));
        Ok(Arc::new(config.with_no_client_auth()))
    }

    /// For HTTP.
    pub(super) fn http(&self) -> TlsConfig {
        let roots = self.own.as_deref().map_or(RootCerts::WebPki, RootCerts::new_with_certs);
        TlsConfig::builder().root_certs(roots).build()
    }
}
