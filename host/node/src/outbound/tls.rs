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

/// Authorities that sign certificates; none: those of Mozilla's list.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads certificates in PEM (RFC 7468), one behind the other.
    pub(super) fn parse(pem: &str) -> Result<Self, String> {
        if pem.len() > TARGET_CA_BYTES {
            return Err(format!(
                "its authorities take {} bytes, and the limit TARGET_CA_BYTES is {TARGET_CA_BYTES}",
                pem.len()
            ));
        }
        let read = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
        let certificates = read.map_err(|error| format!("its authorities are no PEM: {error}"))?;
        if certificates.is_empty() {
            return Err("its authorities hold no certificate: PEM with BEGIN CERTIFICATE is asked for".to_owned());
        }
        let mut store = RootCertStore::empty();
        for (place, certificate) in certificates.iter().enumerate() {
            let unfit = |error| format!("certificate {} of its authorities cannot be used: {error}", place + 1);
            store.add(certificate.clone()).map_err(unfit)?;
        }
        Ok(Self(certificates))
    }

    /// For a stream.
    pub(super) fn client(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        let mut roots = RootCertStore::empty();
        if self.0.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for certificate in &self.0 {
            roots.add(certificate.clone())?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_safe_default_protocol_versions()?.with_root_certificates(roots).with_no_client_auth();
        Ok(Arc::new(config))
    }

    /// For HTTP.
    pub(super) fn http(&self) -> TlsConfig {
        let roots = match self.0.is_empty() {
            true => RootCerts::WebPki,
            false => self.0.iter().map(|der| Certificate::from_der(der).to_owned()).collect::<Vec<_>>().into(),
        };
        TlsConfig::builder().root_certs(roots).build()
    }
}
